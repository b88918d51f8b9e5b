"""The way to the full-screen program, and the reasons why there may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.model.errors import ConfigError
from tui.commands.common import no_screen

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.store.database import Store


def need_screen() -> None:
    """A usage error with a way out when the screens cannot be shown; they would fill files with escape codes."""
    if reason := no_screen():
        raise click.UsageError(
            f"The full-screen program needs a terminal: {reason}. "
            "Without a screen: coupler run --yes --keep-cleared no --plain"
        )


def check_keys(settings: Settings) -> None:
    """Raises ConfigError when [keys] names an action that does not exist."""
    if not settings.ui.keys:
        return
    from engine.config.check import meant  # noqa: PLC0415 - only when there are such keys
    from tui.actions import ACTIONS  # noqa: PLC0415 - it imports Textual

    names = [action.id for action in ACTIONS]
    problems = tuple(
        f"{settings.path}: keys.{name}: there is no such action; {meant(name, names)}"
        for name in settings.ui.keys
        if name not in names
    )
    if problems:
        raise ConfigError(f"The config file {settings.path} has keys for unknown actions.", "Mend it.", problems)


def show(
    settings: Settings, store: Store, *, attach: int | None = None, mouse: bool = False, demo: bool = False
) -> int:
    """Open the full-screen program; its exit code."""
    need_screen()
    check_keys(settings)
    from tui.app import run  # noqa: PLC0415 - Textual takes half a second to import, and nothing else needs it

    return int(run(settings, store, attach=attach, mouse=mouse or settings.ui.mouse, demo=demo))


def show_at_once(settings: Settings, *, mouse: bool = False) -> int:
    """The same, before the store is open; raises StoreError when it cannot be opened."""
    need_screen()
    check_keys(settings)
    from tui.app import run_at_once  # noqa: PLC0415 - as above

    return int(run_at_once(settings, mouse=mouse))
