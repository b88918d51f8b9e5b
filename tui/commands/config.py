"""The configuration: check it, show it, and show which files are used."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from engine.config import Secret, Settings, config_dir, files, load
from engine.config.listing import mapping_settings, schedule_settings, timing_settings
from engine.config.loading import examine
from engine.config.notify import listing
from engine.config.paths import state_path
from engine.config.usable import doubts
from engine.model.errors import ConfigError
from engine.model.masking import MASK
from tui import diagnostics
from tui.commands import records
from tui.commands.common import config_option, json_option, named, out, settings
from tui.commands.screen import faults_of_keys
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_TABLES = ("nav", "crm", "store", "run", "ui")


@click.group("config")
def config_group() -> None:
    """Check or show the configuration."""


_EXIT_CODES = """\b
Exit codes:
  0    OK; warnings do not change that
  2    something in the file has to be mended, or a secret is not there
  3    a server is down, refuses, or has no such company
"""


@config_group.command(
    "check", short_help="Check the config file, its secrets, and that both servers have its names.", epilog=_EXIT_CODES
)
@click.option("--offline", is_flag=True, help="Ask no server whether the names in the mappings are there.")
@json_option
@config_option
def check_command(*, offline: bool, as_json: bool, config_file: Path | None) -> int:
    """Check the config file, that its secrets can be found, and that both servers have what the mappings name."""
    refusals: list[str] = []
    try:
        found, problems = _read(named(config_file))
    except ConfigError as error:
        if as_json:
            _tell(None, error.problems, ())
            return ExitCode.USAGE
        raise
    unusable, warnings = doubts(found)
    problems += unusable
    if not offline and not problems:
        _check_names(found, problems, refusals, warnings)
    if as_json:
        _tell(found, [*refusals, *problems], warnings)
        return ExitCode.USAGE if problems else ExitCode.CONNECTION if refusals else ExitCode.OK
    for warning in warnings:
        say(f"warning: {warning}")
    if problems:
        raise ConfigError(f"The config file {found.path} is valid, but cannot be used yet.", "", (*refusals, *problems))
    if refusals:
        say(f"coupler: The config file {found.path} is valid, but not both sides can be used.")
        for refusal in refusals:
            say(f"  {refusal}")
        return ExitCode.CONNECTION
    out(f"{safe(found.path, 1000)}: OK ({safe(found.environment)})")
    return ExitCode.OK


def _read(named: Path | None) -> tuple[Settings, list[str]]:
    """The settings of a file, and what is wrong with its keys; raises ConfigError with everything that is wrong in it
    where the settings cannot be used.
    """
    path = files.find_config(named)
    found, faults = examine(path, files.read(path))
    problems = faults_of_keys(path, found.ui)
    if faults:
        raise files.refused(path, (*(one.told for one in faults), *problems))
    return found, list(problems)


def _check_names(found: Settings, problems: list[str], refusals: list[str], warnings: list[str]) -> None:
    import asyncio  # noqa: PLC0415 - only this asks servers; the other commands here start fast

    from engine.runs.names import check_names  # noqa: PLC0415 - as above

    names = asyncio.run(check_names(found))
    problems += names.problems
    refusals += names.refusals
    warnings += names.warnings


@config_group.command("show", short_help="Show all settings in effect, secrets masked.")
@json_option
@config_option
def show_command(*, as_json: bool, config_file: Path | None) -> int:
    """Show all settings as they are used, defaults included and secrets masked.

    Of the mappings, `coupler mappings --fields` shows the fields.
    """
    found = settings(config_file)
    mappings = {one.name: mapping_settings(one) for one in found.mappings}
    timings = {one.name: timing_settings(found.schedule.timing(one.name)) for one in found.mappings}
    if as_json:
        tables: dict[str, object] = {table: _values(getattr(found, table)) for table in _TABLES}
        tables["notify"] = {one.name: listing(one) for one in found.notify}
        tables["schedule"] = {**schedule_settings(found.schedule), **timings}
        tables["mapping"] = mappings
        out(records.line({"config": str(found.path), "environment": found.environment, **tables}))
        return ExitCode.OK
    out(f"# {safe(found.path, 1000)}")
    out(f"environment = {_toml(found.environment)}")
    for table in _TABLES:
        out("")
        out(f"[{table}]")
        part = getattr(found, table)
        for field in fields(part):
            value = getattr(part, field.name)
            if value is not None and field.name != "keys":
                out(f"{field.name} = {_toml(value)}")
    if found.ui.keys:
        out("")
        out("[keys]")
        for action, keys in found.ui.keys.items():
            out(f"{_toml(action)} = {_toml(keys)}")
    for one in found.notify:
        _show(f"notify.{one.name}", listing(one))
    _show("schedule", schedule_settings(found.schedule))
    for place, parts in (("schedule", timings), ("mapping", mappings)):
        for name, values in parts.items():
            _show(f"{place}.{_toml(name)}", values)
    return ExitCode.OK


def _show(table: str, values: Mapping[str, object]) -> None:
    out("")
    out(f"[{table}]")
    for key, value in values.items():
        out(f"{key} = {_toml(value)}")


@click.command("paths")
@json_option
@config_option
def paths_command(*, as_json: bool, config_file: Path | None) -> int:
    """Show which files and folders are used. Nothing is made."""
    rows: dict[str, str | None] = {"config": None, "store": None}
    try:
        path = files.find_config(named(config_file))
        rows["config"] = str(path)
        rows["store"] = load(path).store.url
    except ConfigError as error:
        diagnostics.fail(error)
    rows["config folder"] = str(config_dir())
    rows["state folder"] = str(state_path())
    rows["logs"] = str(state_path() / "log")
    if as_json:
        out(records.line({name.replace(" ", "_"): value for name, value in rows.items()}))
        return ExitCode.OK
    for name, value in rows.items():
        out(f"{name:<14} {'-' if value is None else safe(value, 1000)}")
    return ExitCode.OK


def _tell(found: Settings | None, problems: object, warnings: object) -> None:
    path = None if found is None else str(found.path)
    out(records.line({"ok": not problems, "config": path, "problems": problems, "warnings": warnings}))


def _values(part: Any) -> dict[str, Any]:
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return {name: MASK if isinstance(value, Secret) else value for name, value in values.items()}


def _toml(value: object) -> str:
    if isinstance(value, Secret):
        return f'"{MASK}"  # from {value.kind}'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return safe(json.dumps(value, ensure_ascii=False), 2000)
