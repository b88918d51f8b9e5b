"""The first screen as lines: for screen readers, and where there is no screen."""

from collections.abc import Iterator
from pathlib import Path

from engine.model.mapping import Direction
from engine.model.snapshot import HomeSnapshot, MappingSnapshot, RunState
from engine.runs import reviews, snapshots
from tui import format as form
from tui import plain
from tui.commands.common import opened, out
from tui.exitcodes import ExitCode
from tui.text import safe

_LONG = 4_000
_WAYS = {
    Direction.TO_INTEGRATION_TABLE: "to CRM",
    Direction.FROM_INTEGRATION_TABLE: "from CRM",
    Direction.BIDIRECTIONAL: "both ways",
}
_DAY = (
    ("coupler plan", "count what a full synchronization would do; coupler plan --records lists it"),
    ("coupler run", "start one; both questions are asked in lines"),
    ("coupler status", "how the run stands; coupler attach --plain follows it"),
    ("coupler errors", "what went wrong"),
    ("coupler conflicts", "what both sides changed; coupler conflicts resolve chooses"),
    ("coupler matches", "records that several others match, with the command that couples each"),
    ("coupler couplings show NO", "both records of a coupling, with what differs"),
    ("coupler undo RUN", "take a run back"),
    ("coupler --help", "all commands"),
)


def show_lines(config_file: Path | None) -> int:
    """What `coupler --plain` does: the mappings, what needs attention and how to go on; its exit code.

    Raises ConfigError or StoreError.
    """
    with opened(config_file) as (settings, store):
        home = snapshots.home(store, settings)
        ambiguous = reviews.page(store, limit=1)
    for line in (*_mappings(home), "", *attention(home, ambiguous.total, exact=ambiguous.exact), "", *_commands()):
        out(line)
    return ExitCode.OK


def _mappings(home: HomeSnapshot) -> Iterator[str]:
    """Each in a sentence: columns are for eyes."""
    yield f"Coupler: {safe(home.nav)} and {safe(home.crm)} ({safe(home.environment)})"
    for one in home.mappings:
        tables = f"{safe(one.nav_table)} with {safe(one.crm_table)}, {_WAYS[one.direction]}"
        parts = (f"Synch. Only Coupled Records {plain.flag(one)}", *_numbers(one), _last(one, home))
        yield f"{one.seq}. {safe(one.name)}: {tables}, {', '.join(parts)}"


def _numbers(one: MappingSnapshot) -> Iterator[str]:
    yield f"{form.count(one.coupled)} coupled"
    if one.not_coupled is not None:
        yield f"{form.count(one.not_coupled)} not coupled"
    if one.failing is not None:
        yield f"{form.count(one.failing)} failed"


def _last(one: MappingSnapshot, home: HomeSnapshot) -> str:
    if one.last is None or one.last_state is None:
        return "never synchronized"
    at = form.ago(one.last.ended or one.last.started, home.now)
    return f"last {one.last_state} {at} ago in run {one.last.run}"


def attention(home: HomeSnapshot, ambiguous: int, *, exact: bool = True) -> list[str]:
    """What waits for the operator, each with the command for it; of `ambiguous` records there may be more."""
    run = home.active
    if run is None:
        last = home.last_run
        back = "" if home.taken_back_by is None else f", and was taken back by run {home.taken_back_by}"
        lines = ["There was no run yet."] if last is None else [f"Run {last.id} is {last.state}{back}."]
    elif run.state is RunState.RUNNING:
        lines = [f"Run {run.id} is going: coupler attach {run.id} --plain follows it, coupler stop {run.id} stops it."]
    else:
        lines = [f"! {safe(step, _LONG)}" for step in plain.next_steps(run)]
    shown = run or home.last_run
    failed = 0 if shown is None else shown.counters.failed
    if shown is not None and failed:
        lines.append(f"! {form.many(failed, 'record')} failed in run {shown.id}: coupler errors {shown.id}")
    failing = sum(one.failing or 0 for one in home.mappings)
    if failing and failing != failed:
        lines.append(f"! {form.many(failing, 'record')} failed when last tried, in any run: coupler skipped --all")
    if shown is not None and shown.left_alone:
        lines.append(f"! {plain.left_alone(shown.left_alone)}")
    if home.conflicts:
        lines.append(f"! Conflicts of {form.many(home.conflicts, 'record')} wait: coupler conflicts")
    if ambiguous:
        more = "" if exact else " or more"
        lines.append(f"! Of {form.many(ambiguous, 'record')}{more}, several others match: coupler matches")
    return lines


def _commands() -> Iterator[str]:
    yield "How to go on:"
    for command, what in _DAY:
        yield f"  {command}: {what}"
