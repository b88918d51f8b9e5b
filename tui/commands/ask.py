"""Questions on a terminal without a screen, in words; nothing that was typed ahead answers them."""

import contextlib
import shutil
import sys
import termios

import click

from engine.model.snapshot import HomeSnapshot, RunSnapshot
from tui import plain
from tui.commands.common import can_ask
from tui.diagnostics import say
from tui.text import safe


def may_start(home: HomeSnapshot, only: tuple[str, ...], *, production: bool) -> bool:
    """Say what a full synchronization does and ask whether to start it; the default is No."""
    mappings = [one for one in home.mappings if not only or one.name in only]
    cleared = [one.name for one in mappings if one.only_coupled]
    _tell(f"Full synchronization of {home.nav} and {home.crm} ({home.environment})")
    _tell(f"  jobs: {', '.join(one.name for one in mappings)}")
    _tell("  Every uncoupled record that matches no record of the other side gets a NEW record there.")
    _tell("  `coupler plan` counts them first, without writing.")
    if cleared:
        _tell(f"  Synch. Only Coupled Records has no effect during the run for: {', '.join(cleared)}")
    if production:
        return typed("start", home.environment)
    return yes_or_no("Start now? yes or no [no]: ", default=False) is True


def keep_cleared(run: RunSnapshot) -> bool | None:
    """The closing question; None when it is not answered."""
    _tell(f'Run {run.id} ({run.environment}): keep "Synch. Only Coupled Records" CLEARED for all jobs?')
    _tell("  yes   scheduled jobs may CREATE records for uncoupled records")
    _tell("  no    each mapping is as it was before this run")
    for line in plain.question_lines(run.flags):
        say(f"  {line}")
    try:
        return yes_or_no("yes or no: ")
    except KeyboardInterrupt:
        say()
        return None


def yes_or_no(question: str, *, default: bool | None = None) -> bool | None:
    """Ask until the answer is a word that means one of the two; None when nobody answers any more."""
    while True:
        answer = _line(question)
        if answer is None:
            return None
        word = answer.strip().lower()
        if word in ("yes", "y"):
            return True
        if word in ("no", "n"):
            return False
        if not word and default is not None:
            return default


def allowed(
    question: str,
    *about: str,
    yes: bool = False,
    done: str = "changed",
    unasked: str = "There is no terminal to ask on. Without a question: --yes.",
) -> bool:
    """Ask whether to go on, when that was not said before; the default is No.

    `about` are lines that go before the question. Where nobody can be asked, a usage error says `unasked`.
    """
    if yes:
        return True
    if not can_ask():
        raise click.UsageError(unasked)
    for line in about:
        say(line)
    if yes_or_no(f"{question} yes or no [no]: ", default=False):
        return True
    say(f"Nothing was {done}.")
    return False


def typed(purpose: str, environment: str) -> bool:
    """Whether somebody types the name of what is production, to do what the question says."""
    return _line(f"This is production. Type {safe(environment)} to {purpose}: ") == environment


def _tell(text: str) -> None:
    """Say it in lines that the terminal does not break in the middle of words."""
    for line in plain.hanging(text, shutil.get_terminal_size().columns):
        say(line)


def _line(question: str) -> str | None:
    with contextlib.suppress(OSError, ValueError, termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    sys.stderr.write(question)
    sys.stderr.flush()
    try:
        found = sys.stdin.readline()
    except (OSError, UnicodeDecodeError):
        return None
    if not found:
        say()
        return None
    return found.strip()
