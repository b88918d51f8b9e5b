"""`make reliability`: measures every line, prints the table, and fails where a figure is short.

`--only TEXT` measures the lines whose name has the text; `--write` puts the table into docs/guarantees.md.
"""

import argparse
import os
import platform
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from tests.reliability import (
    bodies,
    bombs,
    canaries,
    certificates,
    clocks,
    configs,
    databases,
    disks,
    ends,
    faults,
    flags,
    frozen,
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
    syscalls,
    traffic,
    twice,
)
from tests.reliability.line import Line, Measured

_DOCUMENT = Path(__file__).parents[2] / "docs" / "guarantees.md"
_BEGIN, _END = "<!-- table -->", "<!-- end of table -->"
LINES: tuple[Line, ...] = (
    *simulation.LINES,
    *kills.LINES,
    *ends.LINES,
    *stops.LINES,
    *frozen.LINES,
    *flags.LINES,
    *races.LINES,
    *disks.LINES,
    *limits.LINES,
    *clocks.LINES,
    *databases.LINES,
    *faults.LINES,
    *syscalls.LINES,
    *powerloss.LINES,
    *twice.LINES,
    *traffic.LINES,
    *journal.LINES,
    *bodies.LINES,
    *injection.LINES,
    *outputs.LINES,
    *links.LINES,
    *literals.LINES,
    *configs.LINES,
    *canaries.LINES,
    *modes.LINES,
    *certificates.LINES,
    *bombs.LINES,
)


class _Ended(SystemExit):
    """SIGTERM, for which everything that was started is ended and removed."""


def table(rows: Sequence[tuple[Line, Measured]], at: datetime) -> str:
    """The table as it stands in the document."""
    lines = [
        f"{at:%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}.",
        "",
        "| Figure | Target | Measured | |",
        "|---|---|---|---|",
        *(
            f"| {line.name} | {line.target} | {found.text} | {'met' if found.met else 'SHORT'} |"
            for line, found in rows
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


def _end(number: int, _frame: object) -> NoReturn:
    raise _Ended(128 + number)


def main() -> int:
    """Measure, print, and say by the exit code whether all is as it must be."""
    parser = argparse.ArgumentParser(prog="reliability")
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    chosen = [line for line in LINES if options.only in line.name]
    if not chosen:
        parser.error(f"no line has {options.only!r} in its name")
    if options.write and len(chosen) < len(LINES):
        parser.error("only the whole table is written")
    signal.signal(signal.SIGTERM, _end)
    rows = []
    for line in chosen:
        print(f"{line.name} ...", file=sys.stderr, flush=True)
        found = _measured(line)
        print(f"  {found.text}{'' if found.met else ', SHORT'}", file=sys.stderr, flush=True)
        rows.append((line, found))
        for detail in found.details[:20]:
            print(f"  {detail[:1000]}", file=sys.stderr)
    text = table(rows, datetime.now(UTC))
    print(text)
    if options.write:
        before, _, rest = _DOCUMENT.read_text().partition(_BEGIN)
        _DOCUMENT.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{rest.partition(_END)[2]}")
    return 0 if all(found.met for _, found in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
