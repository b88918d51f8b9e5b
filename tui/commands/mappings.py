"""Integration table mappings: list them and their fields, change what they say, set Synch. Only Coupled Records, go
back to the defaults.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from engine.config import Settings, changes, edit, find_config, load
from engine.config.listing import FieldRow, field_rows, timing_settings
from engine.config.reset import without_mappings
from engine.model.errors import ConfigError, RunError
from engine.model.snapshot import MappingSnapshot
from engine.runs import changing, control, snapshots
from engine.store.database import Store
from tui import format as form
from tui import plain
from tui.commands import records
from tui.commands.ask import allowed
from tui.commands.common import config_option, json_option, known, named, opened, out, out_table
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_FLAGS = ("create_only", "initial", "not_null", "clear_on_fail", "case_sensitive", "derived")


_ROWS = (", ".join(changes.KEYS[at : at + 4]) for at in range(0, len(changes.KEYS), 4))
_SETTINGS = """\b
Settings for --set and --default:
  {}
  Name=name: the field with these two names; both, to, from or off
Lists are written as in config.toml: --set nav_filter '[["Blocked", "eq", " "]]'
""".format("\n  ".join(_ROWS))


@click.command("mappings", epilog=_SETTINGS)
@click.argument("name", required=False)
@click.option(
    "--only-coupled", type=click.Choice(["on", "off"]), help="Set Synch. Only Coupled Records of mapping NAME."
)
@click.option("--fields", "show_fields", is_flag=True, help="List field mappings, and what differs from the default.")
@click.option(
    "set_to", "--set", nargs=2, metavar="KEY VALUE", help="Change a setting of mapping NAME in config.toml (see below)."
)
@click.option("--default", "unset", metavar="KEY", help="Take a setting of mapping NAME out of config.toml.")
@click.option(
    "--use-defaults", is_flag=True, help="Take [mapping] out of config.toml and reset Synch. Only Coupled Records."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
@config_option
def mappings_command(
    *,
    name: str | None,
    only_coupled: str | None,
    show_fields: bool,
    set_to: tuple[str, str] | None,
    unset: str | None,
    use_defaults: bool,
    yes: bool,
    as_json: bool,
    config_file: Path | None,
) -> int:
    """List integration table mappings or their fields, change what they say, or go back to the defaults."""
    one_by_one = set_to is not None or unset is not None
    if name is None and (only_coupled is not None or one_by_one):
        raise click.UsageError("--only-coupled, --set and --default need the name of a mapping.")
    if sum((only_coupled is not None, show_fields, use_defaults, set_to is not None, unset is not None)) > 1:
        raise click.UsageError("--only-coupled, --fields, --set, --default and --use-defaults exclude each other.")
    if name is not None and one_by_one:
        key, value = set_to or (unset or "", None)
        return _change(name.upper(), key, value, yes=yes, config_file=config_file)
    if use_defaults:
        # Names of mappings are in capitals, however they are typed.
        return _use_defaults(None if name is None else name.upper(), yes=yes, config_file=config_file)
    with opened(config_file) as (settings, store):
        if name is not None:
            name = known(settings, name)
            if only_coupled is not None:
                control.set_only_coupled(store, settings, name, value=only_coupled == "on", by=control.who())
        found = tuple(one for one in snapshots.home(store, settings).mappings if name in (None, one.name))
        if show_fields:
            _list_fields(settings, [one.name for one in found], as_json=as_json)
        elif as_json:
            for one in found:
                timing = settings.schedule.timing(one.name)
                when = {"when": timing.text, **timing_settings(timing)}
                out(records.line({**records.mapping(one), "schedule": when}))
        else:
            _list(settings, found)
        return ExitCode.OK


def _change(name: str, key: str, value: str | None, *, yes: bool, config_file: Path | None) -> int:
    """Say which lines of config.toml change, ask, and write them; a value of None is the default."""
    path = find_config(named(config_file))
    made = changes.propose(edit.read_draft(path), name, key, value)
    if made.fault:
        raise ConfigError(f"{key} of {name} stays as it is.", "Mend the value.", (made.fault,))
    if not made.lines:
        out(f"{safe(name)}: nothing changes")
        return ExitCode.OK
    settings = load(path)
    store = Store.open(settings.store.url)
    try:
        changing.refuse(store)
        for line in made.lines:
            say(f"  {line}")
        unasked = "This changes config.toml; say --yes when nobody can be asked."
        if not allowed("Write it?", yes=yes, unasked=unasked):
            return ExitCode.NOT_FINISHED
        changing.write(store, settings, made.draft)
    finally:
        store.close()
    out(f"{safe(name)}: {safe(key)} is {'as by default' if value is None else 'changed'}")
    return ExitCode.OK


def _list(settings: Settings, found: tuple[MappingSnapshot, ...]) -> None:
    rows = [
        (*plain.mapping_cells(one), one.last_state or "never", settings.schedule.timing(one.name).text) for one in found
    ]
    header = ("#", "Mapping", "NAV table", "", "CRM table", "Only coupled", "Coupled", "Last", "Schedule")
    out_table(header, rows, right=frozenset({0, 6}), spare=("Schedule", "#"), whole="coupler mappings --json")


def _list_fields(settings: Settings, names: list[str], *, as_json: bool) -> None:
    rows = [(name, row) for name in names for row in field_rows(settings, name)]
    if as_json:
        for name, row in rows:
            out(records.line(_record(name, row)))
        return
    header = ("Mapping", "NAV field", "", "CRM column", "Kind", "Rules", "Differs from the default")
    cells = [
        (
            name,
            row.field.nav or _constant(row),
            "off" if row.direction == "off" else row.field.direction.arrow,
            row.field.crm or _constant(row),
            str(row.field.kind),
            "; ".join(row.rules),
            "; ".join(row.differs),
        )
        for name, row in rows
    ]
    out_table(header, cells, whole="coupler mappings --fields --json")


def _constant(row: FieldRow) -> str:
    return form.NONE if row.field.constant is None else repr(row.field.constant)


def _record(name: str, row: FieldRow) -> Mapping[str, Any]:
    field = row.field
    return {
        "mapping": name,
        "nav": field.nav,
        "crm": field.crm,
        "direction": row.direction,
        "kind": str(field.kind),
        "constant": field.constant,
        "lookup": field.lookup,
        "options": field.options,
        "nav_length": field.nav_length,
        "crm_length": field.crm_length,
        "validate": field.validate,
        **{flag: getattr(field, flag) for flag in _FLAGS},
        "transforms": list(row.rules),
        "differs": list(row.differs),
    }


def _use_defaults(name: str | None, *, yes: bool, config_file: Path | None) -> int:
    """Replace config.toml by one without mappings, once it is known that this one can be used."""
    path = find_config(named(config_file))
    with without_mappings(path, name) as made:
        settings = load(made or path)
        if name is not None and made is None:
            known(settings, name)
        store = Store.open(settings.store.url)
        try:
            if (active := snapshots.active(store)) is not None:
                raise RunError(
                    f"Run {active.id} is not finished, and goes on with the mappings that it was started with.",
                    "Let it end and answer it, or end it with `coupler cancel`.",
                )
            names = [name] if name is not None else _all_names(store, settings)
            flags = [one.name for one in snapshots.home(store, settings).mappings if not one.only_coupled]
            for text in _changes(path, name, taken_out=made is not None, flags=[one for one in names if one in flags]):
                say(text)
            unasked = "This changes config.toml; say --yes when nobody can be asked."
            if not allowed("Go back to the defaults?", yes=yes, unasked=unasked):
                raise click.exceptions.Exit(ExitCode.NOT_FINISHED)  # raised, so that the file stays
            control.reset_flags(store, settings, names, by=control.who())
        finally:
            store.close()
    out(f"{safe(name or 'All mappings')}: as by default")
    return ExitCode.OK


def _all_names(store: Store, settings: Settings) -> list[str]:
    return list(dict.fromkeys([*(one.name for one in settings.mappings), *control.flagged(store)]))


def _changes(path: Path, name: str | None, *, taken_out: bool, flags: list[str]) -> Iterator[str]:
    if taken_out:
        table = "[mapping]" if name is None else f"[mapping.{safe(name)}]"
        yield f"  {table} is taken out of {safe(path, 1000)}; everything else in it stays"
    if flags:
        yield f"  Synch. Only Coupled Records becomes on for: {', '.join(map(safe, flags))}"
    if not taken_out and not flags:
        yield "  Nothing differs from the defaults."
