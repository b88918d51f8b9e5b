"""What shells are offered when somebody presses tab.

It must answer at once, so that no command is loaded: which there are, and what they take, is in completion.json, which
`make manual` makes from the commands themselves.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, shell_complete

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_COUPLER_COMPLETE"
"""Where the scripts of the shells say what they want."""

_SHOWN = 50


class Names(click.types.StringParamType):
    """A value that is one of the names there are, as the configuration or the store says: of a run, a mapping, a
    notification; and words that may stand there too.
    """

    name = "names"

    def __init__(self, kind: str, words: list[str]) -> None:
        self.kind = kind
        self.words = words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Those that begin like that; none where something is wrong, which is not the time to say it."""
        del param
        found = dict.fromkeys(self.words, "")
        with contextlib.suppress(Exception):
            found |= _NAMES[self.kind](ctx)
        return [
            CompletionItem(name, help=text or None)
            for name, text in found.items()
            if name.lower().startswith(incomplete.lower())
        ]


def complete(instruction: str) -> int:
    """Answer a shell, as `bash_complete` asks for; the exit code."""
    described = json.loads(files("tui").joinpath("completion.json").read_text(encoding="utf-8"))
    return shell_complete(_command("coupler", described), {}, "coupler", VARIABLE, instruction)


def _command(name: str, described: Mapping[str, Any]) -> click.Command:
    params = [_parameter(one) for one in described["params"]]
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
    inner = described.get("commands")
    if inner is None:
        return click.Command(name, params=params, help=described["help"], context_settings=settings)
    commands = {one: _command(one, each) for one, each in inner.items()}
    return click.Group(name, commands=commands, params=params, help=described["help"], context_settings=settings)


def _parameter(one: Mapping[str, Any]) -> click.Parameter:
    if "options" not in one:
        return click.Argument([one["name"]], nargs=-1 if one.get("many") else 1, required=False, type=_type(one))
    names = [one["name"], *one["options"]]
    if one.get("flag"):
        return click.Option(names, is_flag=True, help=one.get("help"))
    return click.Option(names, multiple=one.get("many", False), type=_type(one), help=one.get("help"))


def _type(one: Mapping[str, Any]) -> click.ParamType[Any]:
    kind, words = one.get("kind"), one.get("words", [])
    if kind == "file":
        return click.Path()
    if kind in _NAMES:
        return Names(kind, words)
    return click.Choice(words) if words else click.STRING


def _runs(ctx: click.Context) -> dict[str, str]:
    from engine.store.glance import newest_runs  # noqa: PLC0415 - as late as can be

    rows = newest_runs(_settings(ctx).store.url, _SHOWN)
    return {str(number): f"{kind}, {state}" for number, kind, state in rows}


def _mappings(ctx: click.Context) -> dict[str, str]:
    return {one.name: f"{one.nav.caption} - {one.crm.caption}" for one in _settings(ctx).mappings}


def _notifications(ctx: click.Context) -> dict[str, str]:
    return {one.name: one.where for one in _settings(ctx).notify}


def _settings(ctx: click.Context) -> Any:
    from engine.config import load  # noqa: PLC0415 - as late as can be

    at: click.Context | None = ctx
    while at is not None:
        if named := at.params.get("config_file"):
            return load(Path(named))
        at = at.parent
    return load()


_NAMES = {"run": _runs, "mapping": _mappings, "notification": _notifications}
