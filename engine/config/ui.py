"""What screens go by before they show anything of the store: the environment, [ui] and [keys] of config.toml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine import config
from engine.config.check import Table, short
from engine.config.files import document, read
from engine.config.keynames import key_name, nearest_key

THEMES = (
    *("ansi-dark", "ansi-light", "textual-dark", "textual-light", "atom-one-dark", "atom-one-light"),
    *("catppuccin-frappe", "catppuccin-latte", "catppuccin-macchiato", "catppuccin-mocha", "dracula", "flexoki"),
    *("gruvbox", "monokai", "nord", "rose-pine", "rose-pine-dawn", "rose-pine-moon", "solarized-dark"),
    *("solarized-light", "tokyo-night"),
)
_KEYS = r"[^\s,\x00-\x1f\x7f-\x9f]+(,[^\s,\x00-\x1f\x7f-\x9f]+)*"


@dataclass(frozen=True, slots=True)
class UiSettings:
    """How screens look. `keys` has the operator's own keys by action, each by its one name, with commas between."""

    theme: str = "ansi-dark"
    ascii: bool = True
    utc: bool = True
    refresh_hz: float = 4
    mouse: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Glance:
    """What a first look at a config file tells. `path` is absolute."""

    path: Path
    environment: str
    production: bool
    ui: UiSettings


def glance(path: Path) -> Glance:
    """A first look at a file, which checks no more than what it tells; raises ConfigError with everything that is wrong
    in the file where something of that is.
    """
    top, report = document(path, read(path))
    environment = read_environment(top)
    ui = read_ui(top, {})
    if report.faults or not environment:
        config.load(path)
    return Glance(path, environment, is_production(environment), ui)


def read_environment(top: Table) -> str:
    """The name of the environment; faults are noted in the report of the file."""
    return top.text(
        "environment",
        pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}",
        what="a short name of letters, digits, - and _, such as uat or production",
    )


def is_production(environment: str) -> bool:
    """Whether screens must ask twice before anything is written."""
    return environment.lower() in ("production", "prod")


def read_ui(top: Table, elsewhere: Mapping[str, tuple[str, ...]]) -> UiSettings:
    """[ui] and [keys] of a file; faults are noted in its report. `elsewhere` has the keys of other tables."""
    table = top.table("ui")
    settings = UiSettings(
        theme=table.choice("theme", THEMES, "ansi-dark"),
        ascii=table.flag("ascii", default=True),
        utc=table.flag("utc", default=True),
        refresh_hz=table.number("refresh_hz", 4, 0.2, 20),
        mouse=table.flag("mouse", default=False),
        keys=_keys(top.table("keys")),
    )
    table.end(elsewhere)
    return settings


def _keys(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, value in table.items():
        # `run.pause = "f2"` is a table in TOML, and means the action "run.pause".
        inner = table.table(name) if isinstance(value, dict) else None
        for action in [name] if inner is None else [one for one, _ in inner.items()]:
            full = action if inner is None else f"{name}.{action}"
            at = table if inner is None else inner
            keys = _named(at, action)
            for key in keys:
                # What is before the dot is a screen; one key may do different things on two screens.
                other = taken.setdefault((full.rpartition(".")[0], key), full)
                if other != full:
                    at.add(action, f'"{key}" is already the key of "{other}"')
            found[full] = ",".join(keys)
    return found


def _named(table: Table, action: str) -> list[str]:
    """The names of the keys of an action; what is no key is noted."""
    text = table.text(action, pattern=_KEYS, what="keys without spaces, such as f2 or ctrl+r,f5")
    found = []
    for key in text.split(",") if re.fullmatch(_KEYS, text) else ():
        if name := key_name(key):
            found.append(name)
        else:
            near = nearest_key(key)
            hint = f'did you mean "{near}"?' if near else "keys are called as in f2, ctrl+r, pagedown or question_mark"
            table.add(action, f'"{short(key)}" is no key; {hint}')
    return found
