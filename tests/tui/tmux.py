"""A real tmux with one window of 80x24: keys go in, and what is to be seen comes out."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

import pytest

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="NOT TESTED: there is no tmux")


class Tmux:
    """A server of its own, which ends with `close`."""

    def __init__(self, folder: Path, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._server = ["tmux", "-f", "/dev/null", "-S", str(folder / "tmux")]
        words = ["env", "-i", *(f"{name}={value}" for name, value in env.items()), *command]
        self._do("new-session", "-d", "-x", "80", "-y", "24", "-c", str(folder), shlex.join(words))

    def _do(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._server, *arguments],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color"},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout

    @property
    def text(self) -> str:
        """What is to be seen."""
        return self._do("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names, such as Enter, Escape, Tab."""
        self._do("send-keys", *keys)

    def type(self, text: str) -> None:
        """A text, letter by letter."""
        self._do("send-keys", "-l", text)

    def until(self, what: str | Callable[[str], bool], seconds: float = 60) -> str:
        """Waits until something is to be seen, and gives the screen."""
        end = monotonic() + seconds
        while not (what in (seen := self.text) if isinstance(what, str) else what(seen)):
            assert monotonic() < end, f"{what} is not there:\n{seen}"
            sleep(0.1)
        return seen

    def close(self) -> None:
        """Ends the server, and what runs in it."""
        subprocess.run([*self._server, "kill-server"], check=False, capture_output=True, timeout=30)
