"""A real program on a real pty, for tests."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path


class Terminal:
    """A process whose input and outputs are a terminal."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # The terminal of the session: only so does Ctrl+C become a signal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - before any thread
        )
        os.close(slave)
        self.seen = ""

    def until(self, text: str, timeout: float = 30) -> str:
        """Waits for a text; everything that was written so far."""
        end = time.monotonic() + timeout
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    break
        assert text in self.seen, self.seen
        return self.seen

    def write(self, text: str) -> None:
        """Types."""
        os.write(self.master, text.encode())

    def ended(self, timeout: float = 30) -> int:
        """Waits for the end; the exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    break
        return self.process.wait(max(0.1, end - time.monotonic()))

    def close(self) -> None:
        """Hangs up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
