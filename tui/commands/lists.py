"""Lists of what runs did: integration synchronization jobs, and errors. Old ones can be deleted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from engine.model.errors import RunError
from engine.model.snapshot import JobType, PassSnapshot, RecordOutcome
from engine.runs import queues, retention, snapshots
from engine.store.database import Store
from tui import format as form
from tui import plain
from tui.commands import records
from tui.commands.ask import allowed
from tui.commands.common import RUN_NUMBER, config_option, json_option, known, opened, out, out_table, room
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_PAGE = 500


@click.command("jobs")
@click.option("--run", "run_id", type=RUN_NUMBER, metavar="RUN", help="Only those of this run.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option(
    "--delete-older",
    "days",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Delete the jobs and errors of runs that ended so many days ago, and with them their undo. Couplings stay.",
)
@click.option("-y", "--yes", is_flag=True, help="Delete without asking.")
@json_option
@config_option
def jobs_command(
    *, run_id: int | None, limit: int, days: int | None, yes: bool, as_json: bool, config_file: Path | None
) -> int:
    """List integration synchronization jobs, newest first."""
    if days is None and yes:
        raise click.UsageError("--yes is for --delete-older.")
    if days is not None and (run_id is not None or as_json):
        raise click.UsageError("--delete-older lists nothing.")
    with opened(config_file) as (_, store):
        if days is not None:
            return _delete(store, days, yes=yes)
        found = snapshots.history(store, limit=limit, run=run_id)
        if as_json:
            for one in found:
                out(records.line(records.one_pass(one)))
        elif found:
            columns = room()
            rows = (_job_row(one, short=columns is not None) for one in found)
            right = frozenset({0, *range(5, 10)})
            for line in plain.columns(_JOBS, rows, right=right, room=columns, spare=("Took", "Skip", "Same")):
                out(line)
        else:
            say("coupler: there was no job yet.")
        return ExitCode.OK


def _delete(store: Store, days: int, *, yes: bool) -> int:
    about = "The jobs and errors of old runs are deleted for good. These runs cannot be undone any more."
    unasked = "There is no terminal to ask on; --yes deletes without asking."
    if not allowed("Delete?", about, yes=yes, done="deleted", unasked=unasked):
        return ExitCode.NOT_FINISHED
    found = retention.forget_older(store, days)
    if found is None:
        say("coupler: no run is that old.")
    else:
        say(f"coupler: runs {found[0]} to {found[1]} were deleted; they cannot be undone any more.")
    return ExitCode.OK


@click.command("errors")
@click.argument("run_id", metavar="[RUN]", type=RUN_NUMBER, required=False)
@click.option("--mapping", metavar="NAME", help="Only those of this mapping.")
@click.option("--records", "each", is_flag=True, help="Every record, not equal problems as one.")
@json_option
@config_option
def errors_command(
    *, run_id: int | None, mapping: str | None, each: bool, as_json: bool, config_file: Path | None
) -> int:
    """List what went wrong in a run: equal problems as one, with --json every record.

    Without RUN, in the last one of any kind that `coupler jobs` lists.
    """
    with opened(config_file) as (settings, store):
        number = run_or_last(store, run_id)
        if mapping is not None:
            mapping = known(settings, mapping)
        if as_json:
            for one in outcomes(store, number, mapping):
                out(records.line(records.outcome(one)))
        elif each:
            for one in outcomes(store, number, mapping):
                out(
                    "\t".join(
                        map(safe, (one.mapping, one.direction.arrow, one.kind, one.nav_no, one.name, one.message))
                    )
                )
        else:
            _causes(store, number, mapping)
            if run_id is None and mapping is None:
                _failing(store)
        return ExitCode.OK


_JOBS = ("Run", "Job", "", "Started", "Took", "Ins", "Mod", "Same", "Skip", "Fail", "State", "Type")


def _job_row(one: PassSnapshot, *, short: bool) -> tuple[str, ...]:
    counters = one.counters
    numbers = (counters.inserted, counters.modified, counters.unchanged, counters.skipped, counters.failed)
    return (
        str(one.run),
        one.mapping,
        one.direction.arrow,
        form.stamp(one.started, datetime.now(UTC)) if short else form.iso(one.started) or form.NONE,
        form.duration(one.took),
        *map(form.count, numbers),
        str(one.state),
        _type(one),
    )


def _type(one: PassSnapshot) -> str:
    """Blank for a synchronization; else what it is, with the counter that only such a job has: of an undo, how many
    records it took back.
    """
    counters = one.counters
    numbers = {
        JobType.COUPLING: counters.coupled,
        JobType.UNCOUPLING: counters.uncoupled,
        JobType.UNDO: counters.read - counters.skipped,
    }
    return f"{one.type} ({form.count(numbers[one.type])})" if one.type in numbers else ""


def _causes(store: Store, number: int, mapping: str | None) -> None:
    found = snapshots.causes(store, number, mapping)
    if not found:
        say(f"coupler: run {number} has no errors.")
        return
    rows = [(one.mapping, one.kind, form.count(one.count), one.code, one.cause) for one in found]
    out_table(("Mapping", "Kind", "Count", "Code", "Cause"), rows, right=frozenset({2}), whole="coupler errors --json")
    for hint in dict.fromkeys(one.hint for one in found if one.hint):
        say(f"hint: {hint}")


def _failing(store: Store) -> None:
    """Whoever asks for the last run alone is told what fails by now, in whichever run."""
    if failing := queues.failing(store):
        say(f"coupler: {form.many(failing, 'record')} failed when last tried, in any run: coupler skipped --all")


def outcomes(store: Store, number: int, mapping: str | None = None) -> Iterator[RecordOutcome]:
    """The records of a run that something is to be said about, however many there are."""
    offset = 0
    while found := snapshots.outcomes(store, number, mapping=mapping, limit=_PAGE, offset=offset):
        yield from found
        offset += len(found)


def run_or_last(store: Store, run_id: int | None) -> int:
    """The number of the run that is meant: without one, of the last; raises RunError when there is none."""
    found = snapshots.last(store) if run_id is None else snapshots.run(store, run_id)
    if found is None:
        raise RunError("There was no run yet.", "coupler run starts one.")
    return found.id
