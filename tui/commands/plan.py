"""What a full synchronization would do: counted anew, or record by record as the last plan knows it."""

from collections.abc import Iterator
from pathlib import Path

import click

from engine.config import Settings
from engine.model.errors import RunError
from engine.model.plan import Effect, Foreseen, number
from engine.model.snapshot import PassSnapshot
from engine.runs import control, plans, snapshots
from engine.store.database import Store
from tui import diagnostics
from tui import format as form
from tui.commands import records
from tui.commands.common import RUN_NUMBER, config_option, json_option, known, opened, out
from tui.commands.follow import Output, output_of
from tui.commands.run import Wanted, busy, find_secrets, watch
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.look import Look
from tui.text import LONG, safe
from tui.widgets import plans as words

_PAGE = 500


@click.command("plan")
@click.argument("run_id", metavar="[RUN]", type=RUN_NUMBER, required=False)
@click.option("--only", multiple=True, metavar="JOB", help="This job only; may be given several times.")
@click.option("--records", "listed", is_flag=True, help="Count nothing: list the records of the last plan.")
@click.option(
    "--fields", "named", metavar="NO|ID", help="Count nothing: what the last plan would write for a record, by field."
)
@json_option
@config_option
def plan_command(
    *,
    run_id: int | None,
    only: tuple[str, ...],
    listed: bool,
    named: str | None,
    as_json: bool,
    config_file: Path | None,
) -> int:
    """Count what a full synchronization would do; nothing is written on either side.

    Afterwards --records lists what would become of which record, and --fields compares one with both sides as they
    are now. Only the last plan that came to its end knows its records; RUN makes sure that it is meant.
    """
    if listed and named is not None:
        raise click.UsageError("--records and --fields exclude each other.")
    if run_id is not None and not listed and named is None:
        raise click.UsageError(f"Say what to show of plan {run_id}: --records or --fields. To count anew: coupler plan")
    with opened(config_file) as (settings, store):
        jobs = tuple(known(settings, name, "job") for name in only)
        if named is not None:
            _compare(settings, store, _passes(store, run_id, jobs), named, as_json=as_json)
            return ExitCode.OK
        if listed:
            _list(store, _passes(store, run_id, jobs), as_json=as_json)
            return ExitCode.OK
        return _count(settings, store, jobs, output_of(as_json=as_json))


def _count(settings: Settings, store: Store, jobs: tuple[str, ...], output: Output) -> int:
    find_secrets(settings)
    if (active := snapshots.active(store)) is not None:
        return busy(active)
    try:
        plan = control.start(store, settings, kind="plan", only=jobs, by=control.who())
    except RunError as error:
        diagnostics.fail(error)
        return ExitCode.BUSY
    code = watch(settings, store, plan, Wanted(None, output, ask=False))
    if plans.last(store) == plan:
        say(f"  Record by record: coupler plan {plan} --records")
    return code


def _passes(store: Store, run_id: int | None, jobs: tuple[str, ...]) -> list[PassSnapshot]:
    """The passes of the plan that is meant; raises RunError when nothing is known of its records."""
    last = plans.last(store)
    if last is None:
        raise RunError("No plan came to its end yet.", "`coupler plan` counts.")
    if run_id not in (None, last):
        raise RunError(
            f"Only plan {last}, the last one, knows its records; {run_id} does not.",
            "Without RUN: coupler plan --records",
        )
    found = snapshots.run(store, last)
    return [one for job in found.jobs if not jobs or job.mapping in jobs for one in job.passes]


def _records(store: Store, one: PassSnapshot, effect: Effect) -> Iterator[Foreseen]:
    """All records of a pass with an effect, read in pages."""
    offset = 0
    while found := plans.records(store, one.run, one.seq, one.direction, effect, limit=_PAGE, offset=offset):
        yield from found
        offset += len(found)


def _list(store: Store, passes: list[PassSnapshot], *, as_json: bool) -> None:
    for one in passes:
        if not as_json:
            out(f"{_pass(one.mapping, words.side(one.direction))}: {form.many(one.counters.read, 'record')} read")
            if one.message:
                out(f"! {safe(one.message, LONG)}")
        for effect in Effect:
            count = number(one.counters, effect)
            if count and not as_json:
                out(f"{words.WORDS[effect]}, {form.many(count, 'record')}: {words.meaning(effect, one.direction)}")
            for record in _records(store, one, effect) if count else ():
                out(records.line(records.foreseen(record)) if as_json else f"  {_line(record)}")
    if not as_json:
        say("coupler: field by field: coupler plan --fields NO, the number or the id of a record")


def _pass(mapping: str, side: str) -> str:
    return f"{safe(mapping)} to {side}"


def _line(one: Foreseen) -> str:
    """A record by its number, else by its id, and why it cannot be written."""
    who = "  ".join(safe(part) for part in (one.nav_no or one.source_id, one.name) if part)
    return f"{who}: {safe(one.message, LONG)}" if one.message else who


def _compare(settings: Settings, store: Store, passes: list[PassSnapshot], named: str, *, as_json: bool) -> None:
    """Show what would be written for the records of that number or id; of two pairs that have it, both."""
    wanted = named.casefold()
    found: dict[tuple[int, str, str], Foreseen] = {}
    for one in passes:
        for effect in Effect:
            for record in _records(store, one, effect):
                if wanted in (record.nav_no.casefold(), record.nav_id, record.crm_id):
                    # A pair that would be coupled and written is listed twice.
                    found.setdefault((record.seq, record.direction.value, record.source_id), record)
    if not found:
        raise RunError(
            f"The plan would do nothing to a record {safe(named, 60)}.",
            "`coupler plan --records` lists what it would do.",
        )
    for record in found.values():
        _show(settings, store, record, as_json=as_json)


def _show(settings: Settings, store: Store, record: Foreseen, *, as_json: bool) -> None:
    made = plans.difference(store, settings, record) if record.effect.shows_fields else None
    if as_json:
        out(records.line({**records.foreseen(record), **({} if made is None else records.difference(made))}))
        return
    out(f"{_pass(record.mapping, words.side(record.direction))}: {_line(record)}")
    if made is None:
        out(safe(f"{words.WORDS[record.effect]}: {words.meaning(record.effect, record.direction)}"))
        if record.hint:
            out(f"Next step: {safe(record.hint, LONG)}")
        return
    out(safe(words.verdict(made, record), LONG))
    for one in made.changes:
        names = " = ".join(filter(None, (one.nav, one.crm)))
        now = "" if made.effect is Effect.INSERTED else f"stands there now: {safe(words.shown(one.now), LONG)}; "
        out(f"  {safe(names)}: {now}would become: {safe(words.shown(one.then), LONG)}")
    out(safe(words.compared(made, record, Look()), LONG))
