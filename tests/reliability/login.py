"""The server of a remote login: holds the terminal of a shell that runs a program, shows what it says, can be killed.

`python -m tests.reliability.login FILE COMMAND...`; the program's exit code gets into the file, whoever lives.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.tui.terminal import Terminal, python

_SHELL = "--shell"


def main() -> None:
    """Until the program ends."""
    if sys.argv[1] == _SHELL:
        _shell(Path(sys.argv[2]), sys.argv[3:])
        return
    shell = python("-m", "tests.reliability.login", _SHELL, *sys.argv[1:])
    held = Terminal(shell, cwd=Path.cwd(), env=dict(os.environ))
    os.close(held.slave)  # only the shell and its program have it
    told = 0
    while held.process.poll() is None:
        held.read(0.1)
        os.write(1, held.raw[told:])
        told = len(held.raw)


def _shell(code: Path, command: list[str]) -> None:
    """The leader of the session, which tells its job when the line drops, as shells do."""
    job = subprocess.Popen(command)
    signal.signal(signal.SIGHUP, lambda *_: job.send_signal(signal.SIGHUP))
    code.write_text(str(job.wait()))


if __name__ == "__main__":
    main()
