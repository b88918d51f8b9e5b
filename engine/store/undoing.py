"""What a run that undoes another one is going to do, how far it is, and what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Problem
from engine.model.snapshot import RunState
from engine.model.undo import UndoLine
from engine.store import conflicts, couplings
from engine.store.chunks import chunks
from engine.store.runs import UNDO
from engine.store.schema import coupling, extra, job, link, outcome, overwritten, page, undoing, watermark
from engine.store.schema import run as run_table
from engine.store.upsert import insert, upsert

RESTORE, REMOVE, UNCOUPLE = "restore", "remove", "uncouple"
DUE, DONE, LEFT = "due", "done", "left"
_LOOK = 1
"""The number of the slice in which it is counted what was looked at; 0 is for what was done."""
_WORDS = {RESTORE: "restored", REMOVE: "removed", UNCOUPLE: "uncouple"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to undo: a record to remove, values to write back, or a coupling to remove.

    `id` is the record in the system that the undone pass wrote to; its coupling, if it has one, is that of `nav_id`.
    """

    rank: int
    entity: str
    id: str
    kind: str
    seq: int
    direction: Direction
    mapping: str
    state: str = DUE
    nav_id: str | None = None
    crm_id: str | None = None
    nav_no: str = ""
    name: str = ""
    digest: bytes | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A step with what came of it, DONE or LEFT, and why; `beside` is said of it too, with what was left of it.

    `base` is what the record's coupling remembers from now on, None when that does not change, `stamp` the record's
    last change, when that is ours.
    """

    step: Step
    state: str
    problem: Problem
    beside: Problem | None = None
    base: bytes | None = None
    stamp: datetime | None = None


def known(connection: sa.Connection, run: int, ids: Sequence[str]) -> dict[str, str]:
    """Which of these rows the run that undoes is going to remove, or to leave: their states."""
    c = undoing.c
    found: dict[str, str] = {}
    for chunk in chunks(ids):
        query = sa.select(c.id, c.state).where(c.run_id == run, c.kind == REMOVE, c.id.in_(chunk))
        found.update({row.id: row.state for row in connection.execute(query)})
    return found


def done_before(connection: sa.Connection, undoers: Sequence[int], ids: Sequence[str]) -> set[str]:
    """Which of these rows were removed or written back by earlier runs that undo."""
    c = undoing.c
    query = sa.select(c.id).where(c.run_id.in_(undoers), c.state == DONE, c.id.in_(ids))
    return set(connection.scalars(query))


def stamps(connection: sa.Connection, ids: Sequence[str]) -> dict[str, set[datetime]]:
    """The changes of rows that runs which undo made last, and that nobody came before."""
    c = undoing.c
    query = sa.select(c.id, c.stamp).where(c.stamp.is_not(None), c.kind == RESTORE, c.id.in_(ids))
    found: dict[str, set[datetime]] = {}
    for row in connection.execute(query):
        found.setdefault(row.id, set()).add(row.stamp)
    return found


def add(connection: sa.Connection, run: int, steps: Iterable[Step]) -> None:
    """Keep steps."""
    rows = [
        {
            "run_id": run,
            **{name: getattr(one, name) for name in Step.__slots__ if name != "direction"},
            "direction": one.direction.value,
        }
        for one in steps
    ]
    if rows:
        connection.execute(insert(connection, undoing).on_conflict_do_nothing(), rows)


def forget(connection: sa.Connection, run: int) -> None:
    """Drop all that a run that undoes has seen, to look again."""
    for table in (undoing, outcome, page):
        connection.execute(sa.delete(table).where(table.c.run_id == run))


def take_over(connection: sa.Connection, run: int, other: int) -> None:
    """Give a run what another one that undoes has still to do, and what that one has left so far."""
    for table, where in ((undoing, undoing.c.state != DONE), (outcome, outcome.c.kind == LEFT)):
        names = [column.name for column in table.c if column.name != "run_id"]
        rows = sa.select(sa.literal(run), *(table.c[name] for name in names)).where(table.c.run_id == other, where)
        connection.execute(sa.insert(table).from_select(["run_id", *names], rows))


def to_look_at(connection: sa.Connection, run: int, code: str) -> dict[str, int]:
    """How many things of a run an undo of it has to look at, by mapping: pairs, rows that come with others, rows that
    it wrote to, and couplings that it removed, of which outcomes with this code tell.
    """
    c = overwritten.c
    written = sa.select(c.mapping, c.entity, c.target_id).where(c.run_id == run).distinct().subquery()
    found: dict[str, int] = {}
    for table, where in (
        (coupling, coupling.c.run_id == run),
        (extra, extra.c.run_id == run),
        (written, sa.true()),
        (outcome, sa.and_(outcome.c.run_id == run, outcome.c.code == code)),
    ):
        query = sa.select(table.c.mapping, sa.func.count()).where(where).group_by(table.c.mapping)
        for mapping, number in connection.execute(query):
            found[mapping] = found.get(mapping, 0) + number
    return found


def looked(connection: sa.Connection, run: int, seq: int, key: str, number: int, at: datetime) -> None:
    """Count what was looked at of a job; what of it is left is counted already. The key tells it from all else."""
    way = connection.scalar(
        sa.select(job.c.direction)
        .where(job.c.run_id == run, job.c.seq == seq)
        .order_by(job.c.direction.desc())
        .limit(1)
    )
    values = {"run_id": run, "seq": seq, "direction": way, "slice_no": _LOOK, "last_key": key[:200]}
    connection.execute(insert(connection, page).values({**values, "committed_at": at, "read": number}))


def forget_looked(connection: sa.Connection, run: int) -> None:
    """From now on what was done counts, not what was looked at."""
    connection.execute(sa.delete(page).where(page.c.run_id == run, page.c.slice_no == _LOOK))


def foresee(connection: sa.Connection, run: int, partly: Sequence[tuple[Step, Problem]], at: datetime) -> None:
    """Say of steps that something of their records will be left, and why."""
    upsert(connection, outcome, [_outcome(run, step, problem, LEFT, at) for step, problem in partly])


def remember(connection: sa.Connection, steps: Iterable[tuple[Step, bytes]]) -> None:
    """Let the couplings of records remember something else."""
    for step, base in steps:
        _remember(connection, step, base)


def upcoming(connection: sa.Connection, run: int, limit: int) -> list[Step]:
    """The next steps, all of one rank, table, kind and pass."""
    c = undoing.c
    query = sa.select(undoing).where(c.run_id == run, c.state == DUE)
    return _alike(connection, query.order_by(c.rank, c.entity, c.kind, c.seq, c.id).limit(limit))


def removals(connection: sa.Connection, run: int, limit: int, before: Step | None) -> list[Step]:
    """Records that are still to be removed, the last ones first, all of one rank, table and pass, before a step."""
    c = undoing.c
    order = (c.rank, c.entity, c.seq, c.id)
    query = sa.select(undoing).where(c.run_id == run, c.state == DUE, c.kind == REMOVE)
    if before is not None:
        query = query.where(sa.tuple_(*order) < (before.rank, before.entity, before.seq, before.id))
    return _alike(connection, query.order_by(*(one.desc() for one in order)).limit(limit))


def end(connection: sa.Connection, run: int, ended: Sequence[Ended], at: datetime) -> None:
    """Close steps, say what came of them and remove the couplings of those that are done, all in one transaction."""
    c = undoing.c
    for one in ended:
        where = (c.run_id == run, c.rank == one.step.rank, c.entity == one.step.entity, c.id == one.step.id)
        connection.execute(sa.update(undoing).where(*where).values(state=one.state, stamp=one.stamp))
        if one.base is not None:
            _remember(connection, one.step, one.base)
    rows = [_outcome(run, one.step, one.problem, _word(one), at) for one in ended]
    rows += [_outcome(run, one.step, one.beside, LEFT, at) for one in ended if one.beside is not None]
    _forget_left(connection, run, [one.step for one in ended if one.step.kind == RESTORE])
    upsert(connection, outcome, rows)
    _count(connection, run, ended, at)
    _uncouple(connection, [one.step for one in ended if one.state == DONE])


def given_up(connection: sa.Connection) -> list[int]:
    """The runs that were to undo another one, were cancelled, and still have steps."""
    c = run_table.c
    steps = sa.exists().where(undoing.c.run_id == c.id, undoing.c.state == DUE)
    query = sa.select(c.id, c.request).where(c.kind == UNDO, c.state == RunState.CANCELLED.value, steps)
    return [row.id for row in connection.execute(query.order_by(c.id)) if not row.request["dry"]]


def give_up(connection: sa.Connection, run: int, ended: Sequence[Ended], at: datetime) -> None:
    """Close steps that were done after all, and drop those that are not going to be."""
    end(connection, run, ended, at)
    connection.execute(sa.delete(undoing).where(undoing.c.run_id == run, undoing.c.state == DUE))


def summary(connection: sa.Connection, run: int) -> list[tuple[int, str, str, str, int]]:
    """How many steps there are: number of the job, direction, kind, state, count."""
    c = undoing.c
    key = (c.seq, c.direction, c.kind, c.state)
    query = sa.select(*key, sa.func.count()).where(c.run_id == run).group_by(*key)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in connection.execute(query)]


def done(connection: sa.Connection, run: int) -> UndoLine:
    """What was done of all jobs, and left."""
    c = undoing.c
    query = sa.select(c.kind, sa.func.count()).where(c.run_id == run, c.state == DONE).group_by(c.kind)
    number = {row[0]: int(row[1]) for row in connection.execute(query)}
    remains = sum(left(connection, run).values())
    return UndoLine("", number.get(REMOVE, 0), number.get(RESTORE, 0), number.get(UNCOUPLE, 0), remains)


def left(connection: sa.Connection, run: int) -> dict[tuple[int, str], int]:
    """How many records were left, or some values of them: by number of the job and direction."""
    c = outcome.c
    key = (c.seq, c.direction)
    query = sa.select(*key, sa.func.count()).where(c.run_id == run, c.kind == LEFT).group_by(*key)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def forget_watermarks(connection: sa.Connection, mappings: Sequence[str]) -> None:
    """Let the next synchronization of modified records look at everything."""
    connection.execute(sa.delete(watermark).where(watermark.c.mapping.in_(mappings)))


def _alike(connection: sa.Connection, query: sa.Select[Any]) -> list[Step]:
    """The first steps of a query that go together."""
    found = [
        Step(
            **{name: getattr(row, name) for name in Step.__slots__ if name != "direction"},
            direction=Direction(row.direction),
        )
        for row in connection.execute(query)
    ]
    return [one for one in found if _like(one) == _like(found[0])]


def _like(step: Step) -> tuple[object, ...]:
    return step.rank, step.entity, step.kind, step.seq, step.direction


def _word(one: Ended) -> str:
    return LEFT if one.state == LEFT else _WORDS[one.step.kind]


def _outcome(run: int, step: Step, problem: Problem, kind: str, at: datetime) -> Mapping[str, Any]:
    return {
        "run_id": run,
        "seq": step.seq,
        "direction": step.direction.value,
        "source_id": step.id,
        "kind": kind,
        "mapping": step.mapping,
        "code": problem.code,
        "cause": problem.cause,
        "message": problem.message,
        "hint": problem.hint,
        "nav_no": step.nav_no,
        "name": step.name,
        "nav_id": step.nav_id,
        "crm_id": step.crm_id,
        "at": at,
    }


def _count(connection: sa.Connection, run: int, ended: Sequence[Ended], at: datetime) -> None:
    """The row of a page for each pass: what was looked at, written back, left, and uncoupled."""
    passes: dict[int, list[str]] = {}
    for row in connection.execute(sa.select(job.c.seq, job.c.direction).where(job.c.run_id == run)):
        passes.setdefault(row.seq, []).append(row.direction)
    for seq, direction in dict.fromkeys((one.step.seq, one.step.direction) for one in ended):
        mine = [one for one in ended if (one.step.seq, one.step.direction) == (seq, direction)]
        way = direction.value if direction.value in passes[seq] else passes[seq][0]
        first, done = mine[0].step, [one.step for one in mine if one.state == DONE]
        values = {
            "run_id": run,
            "seq": seq,
            "direction": way,
            "slice_no": 0,
            "last_key": f"{first.rank} {first.entity} {first.kind} {first.id}"[:200],
            "committed_at": at,
            "read": len(mine),
            "modified": sum(step.kind == RESTORE for step in done),
            "skipped": sum(one.state == LEFT or one.beside is not None for one in mine),
            "uncoupled": sum(step.nav_id is not None and step.kind != RESTORE for step in done),
        }
        connection.execute(insert(connection, page).values(values).on_conflict_do_nothing())


def _forget_left(connection: sa.Connection, run: int, steps: Sequence[Step]) -> None:
    """Drop why something of these records was going to be left."""
    c = outcome.c
    for seq, direction in dict.fromkeys((one.seq, one.direction) for one in steps):
        ids = [one.id for one in steps if (one.seq, one.direction) == (seq, direction)]
        where = (c.run_id == run, c.seq == seq, c.direction == direction.value, c.kind == LEFT)
        connection.execute(sa.delete(outcome).where(*where, c.source_id.in_(ids)))


def _remember(connection: sa.Connection, step: Step, base: bytes) -> None:
    c = coupling.c
    own = c.crm_id if step.direction is Direction.TO_INTEGRATION_TABLE else c.nav_id
    connection.execute(sa.update(coupling).where(c.mapping == step.mapping, own == step.id).values(base=base))


def _uncouple(connection: sa.Connection, steps: Sequence[Step]) -> None:
    """Remove couplings, with what is remembered of conflicts and waiting lookups of the pairs; what has been coupled
    with another record meanwhile stays.
    """
    known = couplings.Couplings()
    for mapping in dict.fromkeys(one.mapping for one in steps):
        mine = [one for one in steps if one.mapping == mapping and one.kind != RESTORE]
        partners = {one.nav_id: one.crm_id for one in mine if one.nav_id is not None}
        found = known.of(connection, mapping, Direction.TO_INTEGRATION_TABLE, list(partners))
        pairs = [pair for nav_id, pair in found.items() if pair.crm_id == partners[nav_id]]
        nav_ids = [pair.nav_id for pair in pairs]
        couplings.remove(connection, mapping, nav_ids)
        conflicts.clear(connection, mapping, nav_ids)
        for chunk in chunks([*nav_ids, *(pair.crm_id for pair in pairs)]):
            connection.execute(sa.delete(link).where(link.c.mapping == mapping, link.c.source_id.in_(chunk)))
