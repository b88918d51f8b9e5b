"""What happens on a hang-up, a termination, an interrupt or a quit: the terminal is given back, the engine goes on.

Textual leaves these signals to their defaults, which end the process with the terminal in raw mode. The handlers are
plain ones, because handlers of the event loop never run while the loop is stuck in a write to a stalled terminal.
"""

import contextlib
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any] | int | None
SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
GRACE = 1.5
"""Seconds for an orderly end before the process ends itself."""

_RESTORE = b"\x1b[?2026l\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m\r\n"


def install(leave: Callable[[int], None]) -> list[Handler]:
    """From now on these signals call `leave` with the exit code, and end the process when that does not.

    A terminal that goes away without a signal, as the leader of its session keeps that to itself, is a hang-up too.

    Returns the handlers that were there before, for `set_all`.
    """
    saved = _terminal()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the interface of handlers
        code = 128 + number
        threading.Thread(target=_watch, args=(code, saved), name="last-resort", daemon=True).start()
        leave(code)

    threading.Thread(target=_await_hang_up, args=(lambda: handle(signal.SIGHUP, None),), daemon=True).start()
    return [signal.signal(number, handle) for number in SIGNALS]


def set_all(handlers: list[Handler] | signal.Handlers) -> None:
    """Gives each of the signals its own handler, or all of them the same."""
    each = [handlers] * len(SIGNALS) if isinstance(handlers, signal.Handlers) else handlers
    for number, handler in zip(SIGNALS, each, strict=True):
        signal.signal(number, handler)


def let_go() -> None:
    """After a hang-up nothing can be written; Python must not fail with an exit code of its own for trying."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)


def _await_hang_up(then: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(0, 0)
    if any(events & select.POLLHUP for _, events in poll.poll()):
        then()


def _watch(code: int, saved: list[int | list[bytes | int]] | None) -> None:
    threading.Event().wait(GRACE)
    # A new open file description: a write that cannot go out must not wait, and the shell's own must stay blocking.
    with contextlib.suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        if saved is not None:
            termios.tcsetattr(terminal, termios.TCSANOW, saved)
        os.write(terminal, _RESTORE)
    os._exit(code)


def _terminal() -> list[int | list[bytes | int]] | None:
    try:
        return list(termios.tcgetattr(0))
    except (OSError, termios.error):
        return None
