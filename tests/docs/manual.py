"""The man page and what shells complete, from the commands themselves, and the list of keys, from the actions of the
screens: `make manual` writes them.

docs/coupler.1 is in the form of man(7), tui/completion.json in that of tui/completion.py.
"""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from textual.binding import Binding
from textual.dom import DOMNode

from tui import actions
from tui.cli import cli
from tui.dialogs.confirm import Confirm
from tui.dialogs.count import Count
from tui.dialogs.dialog import Dialog
from tui.dialogs.help import HEADINGS
from tui.dialogs.info import Info
from tui.dialogs.leave import Leave
from tui.dialogs.only import Only
from tui.dialogs.question import Question
from tui.dialogs.start import Start
from tui.dialogs.value import Pick
from tui.dialogs.working import Working
from tui.widgets.choice import Choice

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "coupler.1"
KEYS = ROOT / "docs" / "keys.md"
WORDS = ROOT / "tui" / "completion.json"

_NAMED = {"coupler mappings": "mapping", "coupler notify test": "notification"}
"""The commands whose argument NAME is one of these."""
_KINDS = {"RUN": "run", "MAPPING": "mapping", "JOB": "mapping", "FILE": "file", "FOLDER": "file"}


def root() -> click.Context:
    return click.Context(cli, info_name="coupler", **cli.context_settings)


def inner(context: click.Context) -> Iterator[click.Context]:
    """The commands of a group that people see."""
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if not command.hidden:
                yield click.Context(command, info_name=name, parent=context)


# Completion.


def words(context: click.Context) -> dict[str, Any]:
    """A command with what it takes."""
    command = context.command
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    found: dict[str, Any] = {
        "help": command.get_short_help_str(100),
        "params": [parameter(context, one) for one in shown],
    }
    if isinstance(command, click.Group):
        found["commands"] = {str(one.info_name): words(one) for one in inner(context)}
    return found


def parameter(context: click.Context, one: click.Parameter) -> dict[str, Any]:
    """One of its options and arguments; what is left out of it is false or empty."""
    kind, choices = values(context, one)
    found = {"name": one.name, "kind": kind, "words": choices, "many": one.multiple or one.nargs == -1}
    if isinstance(one, click.Option):
        found |= {"options": [*one.opts, *one.secondary_opts], "flag": one.is_flag or one.count, "help": one.help}
    return {key: value for key, value in found.items() if value}


def values(context: click.Context, one: click.Parameter) -> tuple[str, list[str]]:
    """What a value is, by its type and by the word that the help has for it, and the words that it can be."""
    if isinstance(one.type, click.Choice):
        return "", list(one.type.choices)
    said = re.findall(r"[A-Za-z_]+", one.metavar or "")
    kinds = [_KINDS[word] for word in said if word in _KINDS]
    if isinstance(one.type, click.Path):
        kinds = ["file"]
    elif one.name == "mapping" or "--mapping" in one.opts:
        kinds = ["mapping"]
    elif isinstance(one, click.Argument) and not kinds:
        kinds = [_NAMED[context.command_path]] if context.command_path in _NAMED else []
    alone = "|" in (one.metavar or "") and "=" not in (one.metavar or "")
    return kinds[0] if kinds else "", [word for word in said if alone and word.islower()]


# The man page.


def page() -> str:
    """All of it."""
    context = root()
    lines = [
        '.\\" Made from the commands by `make manual`; not to be changed by hand.',
        ".TH COUPLER 1",
        ".SH NAME",
        f"coupler \\- {escaped(lowered(text_of(cli.help).rstrip('.')))}",
        ".SH SYNOPSIS",
        *synopsis(context),
        ".SH DESCRIPTION",
        *paragraphs(cli.help)[1:],
        *paragraphs(cli.epilog),
        ".SH OPTIONS",
        *options(context),
        ".TP",
        f"\\fB{escaped(', '.join(context.help_option_names))}\\fR",
        "Show a help text and exit.",
        ".SH COMMANDS",
        "All take",
        ".BR \\-\\-help ,",
        "and those that use the configuration",
        '.BR "\\-\\-config FILE" .',
    ]
    for one in inner(context):
        lines += section(one)
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        ".B COUPLER_CONFIG",
        "The config file, where no option names one.",
        ".TP",
        ".B NO_COLOR",
        "When it is set, the screens use no colours.",
        ".SH FILES",
        ".B coupler paths",
        "shows the config file, the state store and the logs that are used.",
    ]
    return "\n".join(lines) + "\n"


def section(context: click.Context) -> list[str]:
    """A command, and after it those that it has."""
    command = context.command
    lines = [f'.SS "{escaped(context.command_path)}"', *synopsis(context), *paragraphs(command.help)]
    lines += [*options(context), *paragraphs(command.epilog)]
    for one in inner(context):
        lines += section(one)
    return lines


def synopsis(context: click.Context) -> list[str]:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return (
        [f".B {escaped(context.command_path)}", escaped(pieces)] if pieces else [f".B {escaped(context.command_path)}"]
    )


def options(context: click.Context) -> list[str]:
    """The options with their help; not those again that all commands have."""
    lines = []
    for one in context.command.params:
        record = one.get_help_record(context)
        if record is not None and (context.parent is None or "--config" not in one.opts):
            lines += [".TP", f"\\fB{escaped(record[0])}\\fR", escaped(text_of(record[1]))]
    return lines


def paragraphs(text: str | None) -> list[str]:
    """The paragraphs of a help text; those that begin with \\b keep their lines."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text or "").partition("\f")[0].split("\n\n"):
        if not paragraph.strip():
            continue
        kept, _, rest = paragraph.partition("\b\n")
        if rest:
            lines += [".PP", ".nf", *(escaped(line) for line in rest.splitlines()), ".fi"]
        else:
            lines += [".PP", escaped(text_of(kept))]
    return lines


def text_of(text: str | None) -> str:
    return " ".join((text or "").split())


def lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def escaped(text: str) -> str:
    """Text as troff takes it for itself."""
    for character, name in (
        ("\\", "\\e"),
        ("-", "\\-"),
        ("'", "\\(aq"),
        ("`", "\\(ga"),
        ("^", "\\(ha"),
        ("~", "\\(ti"),
    ):
        text = text.replace(character, name)
    return f"\\&{text}" if text.startswith(".") else text


# The keys.

_ABOUT = """\
# Keys

Made from the actions by `make manual`; not to be changed by hand.

`?` on any screen lists its keys. Each can be another one: `[keys]` of config.toml has the keys of an action, by its name below. They take the
place of those that it has by default.

```toml
[keys]
run.pause = "f2"
home.history = "h,f3"
```

Letters and digits stand for themselves, capital letters with shift. Other keys are called `f2`, `space`, `tab`, `enter`, `escape`, `backspace`, `up`,
`pagedown`, `home`, and signs by their names: `?` and `question_mark` are the same key, but a comma is only called `comma`, as commas are between several
keys of one action. `ctrl+`, `alt+` and `shift+` may stand before one, as in `ctrl+r` and `shift+up`; few terminals send all of these. What is
no key is refused with exit code 2, and the nearest one is named.

A key that already does something else on the same screen, in lists or everywhere is refused with exit code 2: one of the two actions could not be
reached. It may do different things on two screens. `coupler config check` says what is wrong. In lists, `1` to `9` go to that row; dialogs name
their keys themselves, and these stay as they are ([In dialogs](#in-dialogs)).
"""
_DIALOGS = """
## In dialogs

These keys cannot be others. Where a text is typed, `enter` takes it. A box of text also has `everywhere.copy` and `everywhere.to_file`. The closing
question is not closed by `escape` or `q`.

| Dialog | Key | What it does |
|---|---|---|
"""
DIALOGS: dict[type[DOMNode], str] = {
    Dialog: "All",
    Info: "A box of text",
    Confirm: "A question",
    Choice: "A question with `[ No ]  Yes`",
    Start: "Before a full synchronization",
    Only: "Which jobs run",
    Count: "While records are counted",
    Leave: "Leaving while a run is going",
    Question: "The closing question",
    Pick: "One of a few values",
    Working: "A short run",
}
"""What has keys that are no actions."""


def keys() -> str:
    """All actions that can have other keys, screen by screen."""
    parts = [_ABOUT]
    for scope, heading in HEADINGS.items():
        lines = [f"## {heading}", "", "| Action | Key | What it does |", "|---|---|---|"]
        lines += [
            f"| `{one.id}` | {', '.join(map(keycap, one.key.split(',')))} | {one.help} |" for one in actions.of(scope)
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts) + _DIALOGS + "".join(map(row, DIALOGS))


def row(of: type[DOMNode]) -> str:
    """The keys of a dialog, those that do the same on one line."""
    bound: dict[str, list[str]] = {}
    for one in Binding.make_bindings(vars(of)["BINDINGS"]):
        if one.id is None:
            bound.setdefault(one.description, []).append(keycap(one.key))
    return "".join(f"| {DIALOGS[of]} | {', '.join(caps)} | {what} |\n" for what, caps in bound.items())


def keycap(key: str) -> str:
    """A key by its name in config.toml, and as screens show it where that is something else."""
    shown = actions.named(key)
    return f"`{key}`" if shown == key else f"`{key}` ({shown})"


def main() -> None:
    """Write them."""
    KEYS.write_text(keys(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    WORDS.write_text(json.dumps(words(root()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
