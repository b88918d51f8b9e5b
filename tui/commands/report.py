"""What a run did, as a file to keep or to hand on."""

import errno
from collections.abc import Iterator
from pathlib import Path

import click

from engine.model.errors import RunError
from engine.model.snapshot import RunState
from engine.runs import reporting
from engine.store.database import Store
from tui.commands.common import RUN_NUMBER, config_option, opened, out, write
from tui.commands.lists import run_or_last
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.reports import data, files, page, sections
from tui.text import safe

_FORMATS = ("html", "csv", "json")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST = 4_096
_STDOUT = "-"


@click.command("report")
@click.argument("run_id", metavar="[RUN]", type=RUN_NUMBER, required=False)
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Else what FILE ends in; html.")
@click.option(
    "-o", "--output", metavar="FILE", help="Else coupler-run-RUN.html, a new file here; - for standard output."
)
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@config_option
def report_command(
    *, run_id: int | None, form: str | None, output: str | None, force: bool, config_file: Path | None
) -> int:
    """Write what a run did: jobs, throughput, errors, conflicts, who decided what.

    A page shows 20 records of each of the 100 worst causes and says how many more there are; csv and json have every
    record. Without RUN, the last run that `coupler jobs` lists. Prints the name of the file.
    """
    if force and output in (None, _STDOUT):
        raise click.UsageError("--force is for --output FILE.")
    if output not in (None, _STDOUT):
        _refuse(output)
    kind = form or _kind_of(output)
    with opened(config_file) as (_, store):
        number = run_or_last(store, run_id)
        state, pieces = _made(store, number, kind)
        if output == _STDOUT:
            for piece in pieces:
                write(piece)
        else:
            out(safe(_written(output, f"coupler-run-{number}", f".{kind}", pieces, force=force), _LONGEST))
        if state is RunState.RUNNING:
            say(f"coupler: run {number} is still going; the report is of this moment.")
        return ExitCode.OK


def _refuse(output: str) -> None:
    """Raise what fits where no file can be meant."""
    if not output:
        raise click.UsageError("--output needs the name of a FILE.")
    path = Path(output)
    if output.endswith("/") or path.is_dir():
        raise RunError(f"{output} is a folder.", "Name a file in it.")
    if not files.fit(path):
        raise RunError(f"{output} is no plain file.", f"Name another one, or {_STDOUT} for standard output.")


def _kind_of(output: str | None) -> str:
    """The format that the name of the file says."""
    suffix = Path(output or "").suffix.lower().removeprefix(".")
    return suffix if suffix in _FORMATS else "html"


def _made(store: Store, number: int, kind: str) -> tuple[RunState, Iterator[str]]:
    found = reporting.report(store, number, sections.MOST if kind == "html" else data.MOST)
    if kind == "html":
        return found.run.state, page.page(found)
    write_data = data.table if kind == "csv" else data.document
    return found.run.state, write_data(found, reporting.records(store, number))


def _written(output: str | None, stem: str, suffix: str, pieces: Iterator[str], *, force: bool) -> Path:
    """The file that was written; raises RunError when it cannot be."""
    try:
        if output is None:
            return files.write_new(stem, suffix, pieces)
        path = Path(output).absolute()
        files.write(path, pieces, replace=force)
    except FileExistsError as error:
        if output is None:
            taken = f"{stem}{suffix} is there already, and so is each name with a number."
            raise RunError(taken, "Name another file with --output.") from error
        hint = "It is no file." if force else "Name another file, or replace it with --force."
        raise RunError(f"{output} is there already.", hint) from error
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise RunError(f"The report cannot be written: {error.strerror}.", "Name a file with --output.") from error
    else:
        return path
