"""`make reliability`: measures every line, prints the table, and fails where a figure is short.

What has been met by this program is kept in build/reliability: what is ended goes on where it was, unless `--anew` is given,
and what is short is measured again. `--only TEXT` measures the lines whose name has the text, `--but TEXT` those whose name has
not; `--write` puts the table into docs/guarantees.md.
"""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from tests.reliability import (
    bodies,
    bombs,
    brakes,
    branches,
    canaries,
    certificates,
    clocks,
    commands,
    configs,
    counters,
    databases,
    disks,
    doubts,
    ends,
    faults,
    flags,
    frozen,
    injected,
    injection,
    journal,
    kills,
    limits,
    links,
    literals,
    modes,
    outputs,
    powerloss,
    races,
    simulation,
    stops,
    supply,
    syscalls,
    throttle,
    traffic,
    twice,
)
from tests.reliability.kept import FOLDER, Kept, keep, kept, note, program
from tests.reliability.line import Line, Measured

_DOCUMENT = Path(__file__).parents[2] / "docs" / "guarantees.md"
_PLAY_SEEDS = simulation.LINES[0].measure
_BEGIN, _END = "<!-- table -->", "<!-- end of table -->"
LINES: tuple[Line, ...] = (
    *simulation.LINES,
    *branches.LINES,
    *injected.LINES,
    *kills.LINES,
    *counters.LINES,
    *ends.LINES,
    *stops.LINES,
    *frozen.LINES,
    *flags.LINES,
    *races.LINES,
    *disks.LINES,
    *limits.LINES,
    *clocks.LINES,
    *databases.LINES,
    *brakes.LINES,
    *faults.LINES,
    *doubts.LINES,
    *syscalls.LINES,
    *powerloss.LINES,
    *twice.LINES,
    *traffic.LINES,
    *throttle.LINES,
    *journal.LINES,
    *bodies.LINES,
    *injection.LINES,
    *outputs.LINES,
    *commands.LINES,
    *links.LINES,
    *literals.LINES,
    *configs.LINES,
    *canaries.LINES,
    *modes.LINES,
    *certificates.LINES,
    *bombs.LINES,
    *supply.LINES,
)


class _Ended(SystemExit):
    """SIGTERM, for which everything that was started is ended and removed."""


def table(rows: Sequence[tuple[Line, Kept]]) -> str:
    """The table as it stands in the document."""
    times = [row.at - timedelta(seconds=row.seconds) for _, row in rows] + [row.at for _, row in rows]
    lines = [
        (
            f"{min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {platform.system()} "
            f"{platform.machine()}, Python {platform.python_version()}, program {program()[:12]}."
        ),
        "",
        "| Figure | Target | Measured | | Minutes |",
        "|---|---|---|---|---|",
        *(
            f"| {line.name} | {line.target} | {row.found.text} | {'met' if row.found.met else 'SHORT'} "
            f"| {row.seconds / 60:.1f} |"
            for line, row in rows
        ),
    ]
    return "\n".join(lines)


def _measured(line: Line) -> Measured:
    """A line that cannot be measured is short; the others are measured all the same."""
    try:
        return line.measure()
    except _Ended:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is; commands that run in here may exit
        return Measured(f"not measured: {type(error).__name__}", met=False, details=(str(error),))


def _met(line: Line, folder: Path) -> Kept | None:
    """What has been kept of a line; nothing where it is short, as the tool may be there now that was missing."""
    row = kept(line, folder)
    return row if row is not None and row.found.met else None


def _fresh(line: Line, folder: Path) -> Kept:
    print(f"{line.name} ...", file=sys.stderr, flush=True)
    begun = time.monotonic()
    found = _measured(line)
    row = Kept(found, datetime.now(UTC), time.monotonic() - begun)
    keep(line, row, folder)
    return row


def _end(number: int, _frame: object) -> NoReturn:
    raise _Ended(128 + number)


def main() -> int:
    """Measure, print, and say by the exit code whether all is as it must be."""
    parser = argparse.ArgumentParser(prog="reliability")
    parser.add_argument("--only", default="")
    parser.add_argument("--but")
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--minutes", type=float, default=simulation.most_minutes, help="at most, for the seeds")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    chosen = [line for line in LINES if options.only in line.name and (not options.but or options.but not in line.name)]
    if not chosen:
        parser.error(f"no line has {options.only!r} in its name")
    if options.write and len(chosen) < len(LINES):
        parser.error("only the whole table is written")
    simulation.most_minutes, simulation.folder = options.minutes, options.folder
    if options.anew and any(line.measure is _PLAY_SEEDS for line in chosen):
        note(None, options.folder)
    signal.signal(signal.SIGTERM, _end)
    rows = []
    for line in chosen:
        row = (None if options.anew else _met(line, options.folder)) or _fresh(line, options.folder)
        rows.append((line, row))
        print(f"  {row.found.text}{'' if row.found.met else ', SHORT'}", file=sys.stderr, flush=True)
        for detail in row.found.details[:20]:
            print(f"  {detail[:1000]}", file=sys.stderr)
    text = table(rows)
    print(text)
    if options.write:
        before, _, rest = _DOCUMENT.read_text().partition(_BEGIN)
        _DOCUMENT.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{rest.partition(_END)[2]}")
    return 0 if all(row.found.met for _, row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
