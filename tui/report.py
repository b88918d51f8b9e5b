"""Files that operators ask for: CSV for spreadsheets, and a text report of a run.

A spreadsheet runs cells that begin with `=`, `+`, `-` or `@`, and a terminal obeys control bytes when somebody looks at
the file: names of records must do neither.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.model.snapshot import RunSnapshot
from tui import format as fmt
from tui.dialogs.question import meaning, summary
from tui.text import safe
from tui.widgets import jobs

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = 32_000


def quoted(value: object) -> str:
    """A value as a cell that no spreadsheet runs."""
    text = "" if value is None else str(value)
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return safe(text, _LONGEST)


def write_csv(stem: str, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Writes the rows to a new file in the current directory; its path. Raises OSError, and leaves no part behind."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows([quoted(value) for value in row] for row in rows)
    return _write(f"{stem}", ".csv", made.getvalue())


def write_text(stem: str, lines: Sequence[str]) -> Path:
    """Writes the lines to a new file in the current directory; its path. Raises OSError, and leaves no part behind."""
    return _write(stem, ".txt", "".join(f"{safe(one, _LONGEST)}\n" for one in lines))


def lines(run: RunSnapshot) -> list[str]:
    """The report of a run."""
    return [
        f"Full synchronization, run {run.id}",
        f"NAV {run.nav}",
        f"CRM {run.crm} ({run.environment})",
        f"Started {fmt.iso(run.started)}, ended {fmt.iso(run.ended) or '-'}, worked {fmt.duration(run.worked)}",
        "",
        *summary(run),
        "",
        *(line for job in run.jobs for line in (f"{job.state:<6}{jobs.counters(job.mapping, job.counters)}",)),
        "",
        *meaning(run),
    ]


def _write(stem: str, suffix: str, text: str) -> Path:
    for number in range(1, 1_000):
        path = Path.cwd() / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError:
            # A part must not be taken for the whole.
            path.unlink(missing_ok=True)
            raise
        return path
    raise FileExistsError(f"{stem}{suffix} exists a thousand times")
