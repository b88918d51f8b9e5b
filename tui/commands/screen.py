"""The way to the full-screen program, and the reasons why there may be none."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from engine import config
from engine.model.errors import ConfigError
from tui.commands.common import no_screen

if TYPE_CHECKING:
    from engine.config import Settings, UiSettings
    from engine.store.database import Store


def begin(config_file: Path | None, *, mouse: bool) -> int:
    """What `coupler` without a command does: opens the full-screen program before the configuration is checked and the
    store is open; its exit code. Raises ConfigError or StoreError, perhaps when the screen is gone again.
    """
    need_screen()
    try:
        path = config.find_config(config_file)
    except config.NoConfigFile:
        return welcome(mouse=mouse)
    # All that is made from here to the first paint stays. The program looks for garbage again when it has painted.
    gc.disable()
    seen = config.glance(path)
    try:
        check_keys(path, seen.ui)
    except ConfigError:
        config.load(path)  # where more is wrong, that is told first
        raise
    from tui.app import run_at_once  # noqa: PLC0415 - as below

    return int(run_at_once(seen, mouse=mouse or seen.ui.mouse))


def need_screen() -> None:
    """A usage error with a way out when the screens cannot be shown; they would fill files with escape codes."""
    if reason := no_screen():
        raise click.UsageError(
            f"The full-screen program needs a terminal: {reason}. "
            "Without a screen: coupler --plain, coupler status, coupler plan, coupler run"
        )


def check_keys(path: Path, ui: UiSettings) -> None:
    """Raises ConfigError with all faults of [keys] of the file."""
    if problems := faults_of_keys(path, ui):
        raise ConfigError(f"The config file {path} has keys that cannot be used.", "Mend it.", problems)


def faults_of_keys(path: Path, ui: UiSettings) -> tuple[str, ...]:
    """Where [keys] of the file names an action that does not exist, or gives one a key that already does something else
    on a screen: one of the two could not be reached.
    """
    if not ui.keys:
        return ()
    from engine.config.check import meant  # noqa: PLC0415 - only when there are such keys
    from tui.actions import ACTIONS, ROWS, clashes  # noqa: PLC0415 - it imports Textual

    names = [action.id for action in ACTIONS]
    known = {name: keys for name, keys in ui.keys.items() if name in names}
    return (
        *(
            f"{path}: keys.{name}: there is no such action; {meant(name, names)}"
            for name in ui.keys
            if name not in known
        ),
        *(
            f'{path}: keys.{name}: "{key}" is already the key of "{other}"; give that another one, or take another'
            for name, key, other in clashes(known)
        ),
        *(
            f'{path}: keys.{name}: "{key}" already goes to that row of a list; take another'
            for name, keys in known.items()
            for key in keys.split(",")
            if key in ROWS
        ),
    )


def welcome(*, mouse: bool) -> int:
    """The connection setup for somebody without a config file; then what they chose there takes the place of this
    process. Its exit code where they chose nothing.
    """
    from tui.commands.demo import again  # noqa: PLC0415 - only for newcomers
    from tui.newcomer import run  # noqa: PLC0415 - as below

    code, then = run(config.config_dir() / "config.toml", mouse=mouse)
    return code if then is None else _instead(*again(then))


def _instead(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Ends this process; the other one has its number, and its terminal."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter and arguments


def show(
    settings: Settings,
    store: Store,
    *,
    attach: int | None = None,
    mouse: bool = False,
    demo: bool = False,
    tour: bool = False,
) -> int:
    """Open the full-screen program; its exit code."""
    need_screen()
    check_keys(settings.path, settings.ui)
    from tui.app import run  # noqa: PLC0415 - Textual takes half a second to import, and nothing else needs it

    return int(run(settings, store, attach=attach, mouse=mouse or settings.ui.mouse, demo=demo, tour=tour))
