"""A program on a real pty, and what a terminal makes of what it writes."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import pyte

ROOT = Path(__file__).parents[2]


class Terminal:
    """80x24. `raw` is all that was written, `lines` what is to be seen."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: dict[str, str]) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before: list[Any] = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads in this process yet
        )
        self.raw = b""
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)

    def read(self, seconds: float = 0.1) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            # pyte does not know the private forms of some sequences; a terminal ignores them.
            for unknown in (b"\x1b[>4;1m", b"\x1b[>1u", b"\x1b[<u", b"\x1b[?u", b"\x1b[>q"):
                data = data.replace(unknown, b"")
            self._stream.feed(data)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, what: str | Callable[[], bool], seconds: float = 30) -> None:
        end = monotonic() + seconds
        while not (what in self.text if isinstance(what, str) else what()):
            assert monotonic() < end, self.text
            assert self.process.poll() is None or isinstance(what, str), self.text
            self.read()

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def ended(self, seconds: float = 20, *, read: bool = True) -> int:
        end = monotonic() + seconds
        while self.process.poll() is None:
            assert monotonic() < end, f"still running:\n{self.text}"
            if read:
                self.read()
            else:
                select.select([], [], [], 0.05)
        while select.select([self.master], [], [], 0.05)[0] and read:
            self.read()
        return self.process.returncode

    @property
    def restored(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for handle in (self.master, self.slave):
            os.close(handle)


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-P", *arguments]
