"""Where our engine's time goes: each of its threads under cProfile, in a first run and in one with nothing changed.

cProfile makes calls dear, so that many small ones look worse than they are; `python -m bench instructions` and the
CPU of unhindered runs say what something costs in all.
"""

import pstats
import tempfile
from pathlib import Path

from bench.canned import serving
from bench.contenders import ENGINE, fresh, hooked
from bench.measure import measured

_IDLE = (
    "<method 'poll' of 'select.epoll' objects>",
    "<method 'acquire' of '_thread.lock' objects>",
    "<method 'get' of '_queue.SimpleQueue' objects>",
)
_LEAST = 10
"""Microseconds a record; threads that do less are left out."""


def main(size: int, batch: int, lines: int) -> int:
    """Print the functions that take most, by thread; times are a record's, in microseconds."""
    with serving(size) as services, tempfile.TemporaryDirectory() as folder:
        place = fresh(ENGINE, services, Path(folder) / "place", batch)
        for what in ("first run", "nothing changed"):
            found = Path(folder, what)
            found.mkdir()
            measured(ENGINE.command(place), hooked(place, "BENCH_PROFILE", found))
            for thread in sorted(found.iterdir()):
                _print(f"{what}, thread {thread.name}", pstats.Stats(str(thread)), size, lines)
    return 0


def _print(title: str, stats: pstats.Stats, size: int, lines: int) -> None:
    functions = stats.get_stats_profile().func_profiles
    busy = {name: one for name, one in functions.items() if not name.startswith(_IDLE)}
    total = sum(one.tottime for one in busy.values())
    if total / size * 1e6 < _LEAST:
        return
    print(f"\n{title}: {total / size * 1e6:,.0f} µs a record\n{'itself':>8} {'with all':>9} {'calls':>8}")
    for name, one in sorted(busy.items(), key=lambda item: -item[1].tottime)[:lines]:
        calls = int(str(one.ncalls).split("/")[0]) / size
        place = f"{_short(one.file_name)}:{one.line_number} {name}"
        print(f"{one.tottime / size * 1e6:8.1f} {one.cumtime / size * 1e6:9.1f} {calls:8.1f}  {place}")


def _short(path: str) -> str:
    return path.rpartition("site-packages/")[2].removeprefix(f"{Path(__file__).parents[1]}/")
