"""Lists: integration synchronization jobs, errors, couplings, mappings."""

from collections.abc import Iterator
from pathlib import Path

import click

from engine.model.errors import RunError
from engine.model.snapshot import PassSnapshot, RecordOutcome
from engine.runs import control, snapshots
from engine.store.database import Store
from tui import format as form
from tui import plain
from tui.commands import records
from tui.commands.common import config_option, json_option, known, opened, out
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_PAGE = 500


@click.command("jobs")
@click.option("--run", "run_id", type=click.IntRange(1), metavar="RUN", help="Only those of this run.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@json_option
@config_option
def jobs_command(*, run_id: int | None, limit: int, as_json: bool, config_file: Path | None) -> int:
    """List integration synchronization jobs, newest first."""
    with opened(config_file) as (_, store):
        found = snapshots.history(store, limit=limit, run=run_id)
        if as_json:
            for one in found:
                out(records.line(records.one_pass(one)))
        elif found:
            for line in plain.columns(_JOBS, map(_job_row, found), right=frozenset({0, *range(5, 10)})):
                out(line)
        else:
            say("coupler: there was no job yet.")
        return ExitCode.OK


@click.command("errors")
@click.argument("run_id", metavar="[RUN]", type=click.IntRange(1), required=False)
@click.option("--mapping", metavar="NAME", help="Only those of this mapping.")
@click.option("--records", "each", is_flag=True, help="Every record, not equal problems as one.")
@json_option
@config_option
def errors_command(
    *, run_id: int | None, mapping: str | None, each: bool, as_json: bool, config_file: Path | None
) -> int:
    """List what went wrong in a run, else in the last one: equal problems as one, with --json every record."""
    with opened(config_file) as (settings, store):
        number = _run_or_last(store, run_id)
        if mapping is not None:
            mapping = known(mapping, (one.name for one in snapshots.home(store, settings).mappings), "mapping")
        if as_json:
            for one in _outcomes(store, number, mapping):
                out(records.line(records.outcome(one)))
        elif each:
            for one in _outcomes(store, number, mapping):
                out("\t".join(map(safe, (one.mapping, one.kind, one.nav_no, one.name, one.message))))
        else:
            _causes(store, number, mapping)
        return ExitCode.OK


@click.command("couplings")
@click.option("--mapping", metavar="NAME", help="Only those of this mapping.")
@json_option
@config_option
def couplings_command(*, mapping: str | None, as_json: bool, config_file: Path | None) -> int:
    """List what is coupled: mapping, NAV number, NAV id, CRM id."""
    with opened(config_file) as (settings, store):
        if mapping is not None:
            mapping = known(mapping, (one.name for one in snapshots.home(store, settings).mappings), "mapping")
        for one in snapshots.couplings(store, mapping):
            if as_json:
                out(records.line(records.coupling(one)))
            else:
                out("\t".join(map(safe, (one.mapping, one.nav_no, one.nav_id, one.crm_id))))
        return ExitCode.OK


@click.command("mappings")
@click.argument("name", required=False)
@click.option(
    "--only-coupled", type=click.Choice(["on", "off"]), help="Set Synch. Only Coupled Records of mapping NAME."
)
@json_option
@config_option
def mappings_command(*, name: str | None, only_coupled: str | None, as_json: bool, config_file: Path | None) -> int:
    """List integration table mappings, or set Synch. Only Coupled Records of one of them."""
    if only_coupled is not None and name is None:
        raise click.UsageError("--only-coupled needs the name of a mapping.")
    with opened(config_file) as (settings, store):
        found = snapshots.home(store, settings).mappings
        if name is not None:
            name = known(name, (one.name for one in found), "mapping")
            if only_coupled is not None:
                control.set_only_coupled(store, settings, name, value=only_coupled == "on", by=control.who())
            found = tuple(one for one in snapshots.home(store, settings).mappings if one.name == name)
        if as_json:
            for one in found:
                out(records.line(records.mapping(one)))
            return ExitCode.OK
        rows = (
            (
                str(one.seq),
                one.name,
                one.nav_table,
                one.direction.arrow,
                one.crm_table,
                plain.flag(one),
                form.count(one.coupled),
                one.last_state or "never",
            )
            for one in found
        )
        header = ("#", "Mapping", "NAV table", "", "CRM table", "Only coupled", "Coupled", "Last")
        for line in plain.columns(header, rows, right=frozenset({0, 6})):
            out(line)
        return ExitCode.OK


_JOBS = ("Run", "Job", "", "Started", "Took", "Ins", "Mod", "Same", "Skip", "Fail", "State")


def _job_row(one: PassSnapshot) -> tuple[str, ...]:
    counters = one.counters
    numbers = (counters.inserted, counters.modified, counters.unchanged, counters.skipped, counters.failed)
    return (
        str(one.run),
        one.mapping,
        one.direction.arrow,
        form.iso(one.started) or form.NONE,
        form.between(one.started, one.ended),
        *map(form.count, numbers),
        str(one.state),
    )


def _causes(store: Store, number: int, mapping: str | None) -> None:
    found = snapshots.causes(store, number, mapping)
    if not found:
        say(f"coupler: run {number} has no errors.")
        return
    rows = ((one.mapping, one.kind, form.count(one.count), one.code, one.cause) for one in found)
    for line in plain.columns(("Mapping", "Kind", "Count", "Code", "Cause"), rows, right=frozenset({2})):
        out(line)
    for hint in dict.fromkeys(one.hint for one in found if one.hint):
        say(f"hint: {hint}")


def _outcomes(store: Store, number: int, mapping: str | None) -> Iterator[RecordOutcome]:
    offset = 0
    while found := snapshots.outcomes(store, number, mapping=mapping, limit=_PAGE, offset=offset):
        yield from found
        offset += len(found)


def _run_or_last(store: Store, run_id: int | None) -> int:
    found = snapshots.active(store) or snapshots.latest(store) if run_id is None else snapshots.run(store, run_id)
    if found is None:
        raise RunError("There was no run yet.", "coupler run starts one.")
    return found.id
