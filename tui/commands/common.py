"""What commands share: the configuration, the store, stdout, terminals, and names that people typed."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from tui.diagnostics import say
from tui.text import safe

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.store.database import Store

_GONE = (errno.EPIPE, errno.EIO, errno.ESHUTDOWN)

RUN_NUMBER = click.IntRange(1, 2**31 - 1)
"""What databases can look for."""
config_option = click.option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="The config file (config.toml)."
)
plain_option = click.option(
    "--plain", "as_plain", is_flag=True, help="Lines of text, as without --json; for scripts that say so."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def settings(config_file: Path | None) -> Settings:
    """The settings."""
    from engine.config import load  # noqa: PLC0415 - help and version need none

    return load(named(config_file))


def named(config_file: Path | None) -> Path | None:
    """The config file of `--config`, which may stand before or after the name of the command."""
    context = click.get_current_context(silent=True)
    return config_file or (None if context is None else context.find_root().params.get("config_file"))


def out(text: str) -> None:
    """One line of data. When nobody reads any more, the rest is dropped."""
    write(f"{text}\n")


def write(text: str) -> None:
    """Data as it is; flushed, because a reader may be waiting for the line."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in _GONE:
            raise
        silence(sys.stdout)


def silence(stream: IO[str]) -> None:
    """From now on the stream leads nowhere; also for what the interpreter flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person can be at the other end."""
    with contextlib.suppress(OSError, ValueError):
        return stream is not None and stream.isatty()
    return False


def room() -> int | None:
    """The columns of the terminal that standard output is; None when it is none."""
    from shutil import get_terminal_size  # noqa: PLC0415 - only for lists; it knows how to pack archives, too

    return get_terminal_size().columns if is_terminal(sys.stdout) else None


def out_table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    whole: str,
    right: frozenset[int] = frozenset(),
    spare: Sequence[str] = (),
) -> None:
    """Print a table as the terminal has room for it, and say which command has whole what is cut there."""
    from tui import plain  # noqa: PLC0415 - help and version need none

    lines = plain.columns(header, rows, right=right, room=room(), spare=spare)
    for line in lines:
        out(line)
    if lines != plain.columns(header, rows, right=right):
        say(f"coupler: what ends in … or is left out has no room here; {whole} has it whole")


def can_ask() -> bool:
    """Whether a question would be seen and can be answered."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def no_screen() -> str | None:
    """Why the full-screen program cannot be shown, if so."""
    for name, stream in (("input", sys.stdin), ("output", sys.stdout), ("error output", sys.stderr)):
        if not is_terminal(stream):
            return f"its {name} is not a terminal"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return f"the terminal says that it cannot (TERM={safe(os.environ.get('TERM', ''), 20)})"
    return None


@contextmanager
def opened(config_file: Path | None) -> Iterator[tuple[Settings, Store]]:
    """The settings and the open store."""
    from engine.store.database import Store  # noqa: PLC0415 - commands without a store start fast

    found = settings(config_file)
    store = Store.open(found.store.url)
    try:
        yield found, store
    finally:
        store.close()


def known(settings: Settings, name: str, what: str = "mapping") -> str:
    """The name of a mapping, or of its job, as the program writes it; a usage error with the nearest one when there is
    none.
    """
    names = [one.name for one in settings.mappings]
    for one in names:
        if one.lower() == name.lower():
            return one
    from engine.config.check import meant  # noqa: PLC0415 - only for this message

    raise click.UsageError(f'There is no {what} "{safe(name, 60)}"; {meant(name, names)}')
