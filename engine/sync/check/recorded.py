"""What the state store says of itself: open intents, waiting links, flags, counters."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from engine.model.check import Finding, What
from engine.model.mapping import TableMapping
from engine.model.outcome import Action
from engine.store import couplings, runs
from engine.store.schema import coupling, job, link, outcome, page, run
from engine.store.work import open_intents


def recorded(connection: sa.Connection, mappings: Sequence[TableMapping], chosen: Sequence[str]) -> list[Finding]:
    """The findings about the chosen mappings."""
    found = [*_intents(connection), *_links(connection), *_flags(connection, mappings), *_counters(connection)]
    names = {one.name for one in mappings}
    for name, number in couplings.counts(connection).items():
        if name not in names:
            message = f"{number:,} couplings of a mapping that is configured no more."
            found.append(Finding(What.DANGLING, fault=False, mapping=name, message=message))
    return [one for one in found if not chosen or one.mapping in chosen]


def _intents(connection: sa.Connection) -> Iterator[Finding]:
    for intent in open_intents(connection):
        message = (
            f"{len(intent.creates):,} records were sent by run {intent.scope.run} at {intent.sent_at:%Y-%m-%d %H:%M} "
            "UTC, and what became of them was not settled; the next run does."
        )
        yield Finding(What.INTENTS, fault=True, mapping=intent.scope.mapping, message=message)


def _links(connection: sa.Connection) -> Iterator[Finding]:
    c = link.c
    records = sa.func.count(c.source_id.distinct())
    query = sa.select(c.mapping, c.partner_mapping, records).group_by(c.mapping, c.partner_mapping)
    for mapping, partner, number in connection.execute(query):
        message = f"{number:,} records wait until their {partner} record is coupled."
        yield Finding(What.LINKS, fault=False, mapping=mapping, message=message)


def _flags(connection: sa.Connection, mappings: Sequence[TableMapping]) -> Iterator[Finding]:
    """Flags that are not what the mapping says, and those that a run overrides."""
    stored = runs.flags(connection)
    active = runs.active(connection)
    known = {one.name: one.only_coupled for one in mappings}
    for name, (value, _) in stored.items():
        if name not in known:
            message = "Synch. Only Coupled Records is stored for a mapping that is configured no more."
            yield Finding(What.FLAGS, fault=False, mapping=name, message=message)
        elif value != known[name]:
            message = f"Synch. Only Coupled Records is {'on' if value else 'off'}; the mapping starts with the other."
            yield Finding(What.FLAGS, fault=False, mapping=name, message=message)
    if active is None:
        return
    for name in active.saved_flags:
        message = f"Synch. Only Coupled Records is cleared by run {active.id} until it is answered or cancelled."
        yield Finding(What.FLAGS, fault=False, mapping=name, message=message)


def _counters(connection: sa.Connection) -> Iterator[Finding]:
    """What jobs say they did, against the pages that they committed, the outcomes, and the couplings that are there."""
    key = (page.c.run_id, page.c.seq, page.c.direction)
    sums = (sa.func.sum(page.c[name]) for name in ("read", "failed", "inserted"))
    pages = {
        tuple(row[:3]): tuple(map(int, row[3:])) for row in connection.execute(sa.select(*key, *sums).group_by(*key))
    }
    o = outcome.c
    failed = sa.select(o.run_id, o.seq, o.direction, sa.func.count()).where(o.kind == Action.FAILED.value)
    failures = {tuple(row[:3]): row[3] for row in connection.execute(failed.group_by(o.run_id, o.seq, o.direction))}
    inserted: dict[tuple[int, str], int] = {}
    for row in connection.execute(sa.select(job).join(run).where(run.c.kind.in_(runs.SYNCHRONIZATIONS))):
        read, bad, new = pages.get((row.run_id, row.seq, row.direction), (0, 0, 0))
        inserted[row.run_id, row.mapping] = inserted.get((row.run_id, row.mapping), 0) + new
        where = f"Run {row.run_id}, {row.direction}"
        if row.state in runs.JOB_DONE and row.total_exact and row.total != read:
            message = f"{where}: the job says {row.total:,} records, its pages {read:,}."
            yield Finding(What.COUNTERS, fault=True, mapping=row.mapping, message=message)
        if (listed := failures.get((row.run_id, row.seq, row.direction), 0)) != bad:
            message = f"{where}: the pages count {bad:,} failed records, and {listed:,} are listed."
            yield Finding(What.COUNTERS, fault=True, mapping=row.mapping, message=message)
    made = _made(connection)
    for (run_id, mapping), number in made.items():
        # a run that dies may leave it to a later one to count what it made
        if number > inserted.get((run_id, mapping), number) and _since(made, run_id, mapping) > _since(
            inserted, run_id, mapping
        ):
            message = f"Run {run_id} counts {inserted[run_id, mapping]:,} inserted records, and {number:,} are coupled."
            yield Finding(What.COUNTERS, fault=True, mapping=mapping, message=message)


def _made(connection: sa.Connection) -> dict[tuple[int, str], int]:
    """How many pairs that are coupled were made by a run and counted as inserted.

    What was made and failed afterwards, as when the price line of a product is refused, may have counted as failed.
    """
    c, o = coupling.c, outcome.c
    query = sa.select(c.run_id, c.mapping, sa.func.count()).where(c.born.is_not(None), ~c.uncounted)
    found = {(row[0], row[1]): row[2] for row in connection.execute(query.group_by(c.run_id, c.mapping))}
    failed = sa.select(o.mapping, o.nav_id, sa.func.max(o.run_id).label("run_id")).where(o.kind == Action.FAILED.value)
    last = failed.group_by(o.mapping, o.nav_id).subquery()
    same = (c.run_id <= last.c.run_id, c.mapping == last.c.mapping, c.nav_id == last.c.nav_id)
    uncounted = query.join_from(coupling, last, sa.and_(*same)).group_by(c.run_id, c.mapping)
    for run_id, mapping, number in connection.execute(uncounted):
        found[run_id, mapping] -= number
    return found


def _since(numbers: Mapping[tuple[int, str], int], run_id: int, mapping: str) -> int:
    """The sum of what a run and all later ones did in a mapping."""
    return sum(number for (other, name), number in numbers.items() if name == mapping and other >= run_id)
