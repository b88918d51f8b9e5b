"""Instructions a record, by callgrind: they do not depend on what else the machine does. Kernel time is not in them.

What a run of many records takes more than one of few is what the records took; the start is in both.
"""

import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.canned import serving
from bench.contenders import Contender, LostError, fresh, hooked
from bench.measure import FailedError, measured

FEW, MANY = 1000, 5000
_TOTALS = re.compile(rb"^(?:totals|summary): (\d+)", re.MULTILINE)


class NoValgrindError(Exception):
    """This machine has no valgrind."""


def a_record(contender: Contender, batch: int) -> float:
    """Instructions that a contender takes for a record in a first run; raises NoValgrindError, LostError."""
    if shutil.which("valgrind") is None:
        raise NoValgrindError("this machine has no valgrind (apt install valgrind)")
    few, many = (_counted(contender, batch, size) for size in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _counted(contender: Contender, batch: int, size: int) -> int:
    """Those of the one process that does the work: how often the command that started it looks for it is chance."""
    with serving(size) as services, tempfile.TemporaryDirectory() as folder:
        place = fresh(contender, services, Path(folder, "place"), batch)
        out = Path(folder, "callgrind")
        out.mkdir()
        services.tally()
        with suppress(FailedError):  # the command does not wait for an engine as slow as this; we do
            measured(contender.command(place), hooked(place, "BENCH_CALLGRIND", out))
        found = [total for path in out.iterdir() if (total := _TOTALS.search(path.read_bytes())) is not None]
        if services.tally().created != size or len(found) != 1:
            raise LostError(f"{contender.name} did not do its work under callgrind")
        return int(found[0][1])
