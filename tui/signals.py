"""What happens on a hang-up, a termination or an interrupt: the terminal is given back, the engine goes on.

Textual leaves these signals to their defaults, which end the process with the terminal in raw mode. The handlers are
plain ones, because handlers of the event loop never run while the loop is stuck in a write to a stalled terminal.
"""

import contextlib
import os
import signal
import termios
import threading
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
GRACE = 1.5
"""Seconds for an orderly end before the process ends itself."""

_RESTORE = b"\x1b[?2026l\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m\r\n"


def install(leave: Callable[[int], None]) -> None:
    """From now on these signals call `leave` with the exit code, and end the process when that does not."""
    saved = _terminal()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the interface of handlers
        code = 128 + number
        threading.Thread(target=_watch, args=(code, saved), name="last-resort", daemon=True).start()
        leave(code)

    for number in SIGNALS:
        signal.signal(number, handle)


def ignore() -> None:
    """For the short time after the screen is gone: a second signal must not spoil the exit code of the first."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


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
