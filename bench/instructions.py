"""Instructions a record, by callgrind: they do not depend on what else the machine does. Kernel time is not in them.

What a run of many records takes more than one of few is what the records took; the start is in both.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.canned import Canned, serving
from bench.contenders import Contender, Place, environment, fresh

FEW, MANY = 1000, 5000
_TOTALS = re.compile(rb"^(?:totals|summary): (\d+)", re.MULTILINE)
_COMMAND = re.compile(rb"^cmd: (.*)", re.MULTILINE)


class NoValgrindError(Exception):
    """This machine has no valgrind."""


def a_record(contender: Contender, batch: int) -> float:
    """Instructions that a contender takes for a record in a first run; raises NoValgrindError."""
    if shutil.which("valgrind") is None:
        raise NoValgrindError("this machine has no valgrind (apt install valgrind)")
    few, many = (_counted(contender, batch, size) for size in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _counted(contender: Contender, batch: int, size: int) -> int:
    with serving(size) as services, tempfile.TemporaryDirectory() as folder:
        place = fresh(contender, services, Path(folder) / contender.name, batch)
        return _run(contender.command(place), place, services)


def _run(command: Sequence[str], place: Place, services: Canned) -> int:
    """Instructions of our engine's process, or of the only one: how often a command looks at the store is chance."""
    out = place.folder / "callgrind"
    out.mkdir()
    tool = ("valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={out}/%p")
    subprocess.run([*tool, *command], env=environment(place), check=True, capture_output=True)
    found = {}
    for path in out.iterdir():
        text = path.read_bytes()
        named, total = _COMMAND.search(text), _TOTALS.search(text)
        if named is not None and total is not None:
            found[named[1]] = int(total[1])
    engines = [total for named, total in found.items() if b" engine " in named]
    if services.tally().created == 0 or not found:
        raise RuntimeError(f"{command[0]} did nothing under callgrind")
    return sum(engines or found.values())
