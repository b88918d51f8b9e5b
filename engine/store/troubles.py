"""The ledger of failures: every record that failed, coupled or not, until it succeeds (reference/domain.md 3.8)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action, Outcome
from engine.model.trouble import LeftAlone, Trouble
from engine.store.chunks import chunks
from engine.store.schema import coupling, outcome, trouble
from engine.store.upsert import insert

LEFT_ALONE = "left_alone"
"""The code of the problem of records that were skipped because they are marked as Skipped."""

_TO, _FROM = Direction.BIDIRECTIONAL.passes
_C = trouble.c


def of(connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> dict[str, Trouble]:
    """The entries of these source records, by id."""
    found: dict[str, Trouble] = {}
    if not ids or _none(connection, mapping, one_way):
        return found
    for chunk in chunks(ids):
        query = sa.select(trouble).where(*_pass(mapping, one_way), _C.source_id.in_(chunk))
        found.update({row.source_id: _trouble(row) for row in connection.execute(query)})
    return found


def to_retry(connection: sa.Connection, mapping: str, one_way: Direction) -> list[str]:
    """The source records that failed and are not left alone, in key order."""
    query = sa.select(_C.source_id).where(*_pass(mapping, one_way), sa.not_(_C.skipped)).order_by(_C.source_id)
    return list(connection.scalars(query))


def listing(connection: sa.Connection, *, skipped: bool) -> list[Trouble]:
    """The ledger, or only the records that are left alone."""
    query = sa.select(trouble).order_by(_C.mapping, _C.nav_no, _C.direction, _C.source_id)
    return [_trouble(row) for row in connection.execute(query.where(_C.skipped) if skipped else query)]


def page(connection: sa.Connection, limit: int, offset: int) -> LeftAlone:
    """Some of the records that are left alone, in the order of `listing`, and how many there are."""
    total = connection.scalar(sa.select(sa.func.count()).select_from(trouble).where(_C.skipped))
    query = sa.select(trouble).where(_C.skipped).order_by(_C.mapping, _C.nav_no, _C.direction, _C.source_id)
    rows = connection.execute(query.limit(limit).offset(offset))
    return LeftAlone(int(total or 0), tuple(_trouble(row) for row in rows))


def numbers(connection: sa.Connection) -> dict[str, int]:
    """How many entries each mapping has, where it has any."""
    query = sa.select(_C.mapping, sa.func.count()).group_by(_C.mapping)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def left_alone(connection: sa.Connection, mappings: Collection[str]) -> int:
    """How many records of some mappings are left alone until an operator asks to retry them."""
    query = sa.select(sa.func.count()).select_from(trouble).where(_C.skipped, _C.mapping.in_(mappings))
    return int(connection.scalar(query) or 0)


def with_left_alone(connection: sa.Connection, most: int) -> set[str]:
    """The mappings of which records are left alone, by the first `most` entries of the ledger."""
    looked_at = sa.select(_C.mapping, _C.skipped).limit(most).subquery().c
    return set(connection.scalars(sa.select(looked_at.mapping).where(looked_at.skipped).distinct()))


def uncoupled(connection: sa.Connection, most: int) -> dict[str, int] | None:
    """How many uncoupled records each mapping has in the ledger; None when that has more than `most` entries, since
    each of them is looked up.
    """
    looked_at = sa.select(_C.mapping, _C.direction, _C.source_id).limit(most + 1).subquery().alias("entry")
    e, c = looked_at.c, coupling.c
    mine = sa.or_(
        sa.and_(e.direction == _TO.value, c.nav_id == e.source_id),
        sa.and_(e.direction == _FROM.value, c.crm_id == e.source_id),
    )
    has_partner = sa.exists().where(c.mapping == e.mapping, mine)
    alone = sa.func.sum(sa.case((has_partner, 0), else_=1))
    rows = connection.execute(sa.select(e.mapping, sa.func.count(), alone).group_by(e.mapping)).all()
    return None if sum(row[1] for row in rows) > most else {row[0]: int(row[2]) for row in rows}


def retry(connection: sa.Connection, mapping: str | None = None, nav_no: str | None = None) -> list[Trouble]:
    """Let records that are left alone take part again, in both directions as if they had never failed; which these
    were. Case does not matter in a NAV number; databases fold that of ASCII only, so it is compared here.
    """
    found = [
        one
        for one in listing(connection, skipped=True)
        if mapping in (None, one.mapping) and (nav_no is None or _folded(one.nav_no) == _folded(nav_no))
    ]
    try_again(connection, found)
    return found


def behind(
    connection: sa.Connection, run: int, mapping: str, cause: str, code: str, source_id: str | None = None
) -> list[Trouble]:
    """The entries of the records that a run named with that cause, or of the one of them that is meant."""
    o = outcome.c
    named = sa.select(o.direction, o.source_id).where(
        o.run_id == run, o.mapping == mapping, o.cause == cause, o.code == code
    )
    query = sa.select(trouble).where(_C.mapping == mapping, sa.tuple_(_C.direction, _C.source_id).in_(named))
    rows = connection.execute(query if source_id is None else query.where(_C.source_id == source_id))
    return [_trouble(row) for row in rows]


def try_again(connection: sa.Connection, found: Iterable[Trouble]) -> None:
    """Let these records take part again, in both directions as if they had never failed."""
    for (name, one_way), ids in _by_pass(found).items():
        for chunk in chunks(ids):
            _start_anew(connection, name, one_way, chunk)
            back = _FROM if one_way is _TO else _TO
            _start_anew(connection, name, back, _partners(connection, name, one_way, chunk))


def leave_alone(connection: sa.Connection, found: Iterable[Trouble]) -> int:
    """Mark those of these records that are coupled as Skipped, until an operator asks to retry them; how many these
    were. A mark means nothing to uncoupled records, which are tried in each run.
    """
    number = 0
    for (name, one_way), ids in _by_pass(found).items():
        for chunk in chunks(ids):
            c = coupling.c
            mine = c.nav_id if one_way is _TO else c.crm_id
            coupled = sa.select(mine).where(c.mapping == name, mine.in_(chunk))
            where = (*_pass(name, one_way), _C.source_id.in_(coupled), sa.not_(_C.skipped))
            number += connection.execute(sa.update(trouble).where(*where).values(skipped=True)).rowcount
    return number


def _by_pass(found: Iterable[Trouble]) -> dict[tuple[str, Direction], list[str]]:
    ids: dict[tuple[str, Direction], list[str]] = {}
    for one in found:
        ids.setdefault((one.mapping, one.direction), []).append(one.source_id)
    return ids


def forget(connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> None:
    """Drop the entries of records that succeeded or are gone."""
    if not ids or _none(connection, mapping, one_way):
        return
    for chunk in chunks(ids):
        connection.execute(sa.delete(trouble).where(*_pass(mapping, one_way), _C.source_id.in_(chunk)))


def note(
    connection: sa.Connection, mapping: str, one_way: Direction, outcomes: Iterable[Outcome], run: int, at: datetime
) -> None:
    """Enter what failed, with how often in a row it did so with the same message, and drop what did not."""
    failed: list[Mapping[str, Any]] = []
    over: list[str] = []
    for one in outcomes:
        problem = one.problem
        if problem is not None and one.action is Action.FAILED:
            values = {
                "mapping": mapping,
                "direction": one_way.value,
                "source_id": one.source_id,
                "code": problem.code,
                "message": problem.message,
                "nav_no": one.nav_no,
                "name": one.name,
                "times": 1,
                "skipped": one.set_aside,
                "run_id": run,
                "at": at,
            }
            failed.append(values)
        elif not _did_not_take_part(one):
            over.append(one.source_id)
    forget(connection, mapping, one_way, over)
    if failed:
        statement = insert(connection, trouble)
        new = statement.excluded
        again = sa.case((_C.message == new.message, _C.times + 1), else_=1)
        names = ("code", "message", "nav_no", "name", "skipped", "run_id", "at")
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[_C.mapping, _C.direction, _C.source_id],
                set_={**{name: new[name] for name in names}, "times": again},
            ),
            failed,
        )


def _none(connection: sa.Connection, mapping: str, one_way: Direction) -> bool:
    """Whether a pass has no entries at all, as is usual."""
    return connection.scalar(sa.select(_C.source_id).where(*_pass(mapping, one_way)).limit(1)) is None


def _partners(connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> list[str]:
    """The other records of coupled pairs."""
    c = coupling.c
    mine, other = (c.nav_id, c.crm_id) if one_way is _TO else (c.crm_id, c.nav_id)
    return list(connection.scalars(sa.select(other).where(c.mapping == mapping, mine.in_(ids))))


def _start_anew(connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> None:
    where = (*_pass(mapping, one_way), _C.source_id.in_(ids))
    connection.execute(sa.update(trouble).where(*where).values(skipped=False, times=0))


def _folded(text: str) -> str:
    return text.strip().casefold()


def _did_not_take_part(one: Outcome) -> bool:
    """Whether a record was not even tried: it is marked as Skipped, or uncoupled where only coupled ones take part."""
    return one.action is Action.SKIPPED and (one.problem is None or one.problem.code == LEFT_ALONE)


def _pass(mapping: str, one_way: Direction) -> tuple[sa.ColumnElement[bool], ...]:
    return (_C.mapping == mapping, _C.direction == one_way.value)


def _trouble(row: Any) -> Trouble:
    return Trouble(
        mapping=row.mapping,
        direction=Direction(row.direction),
        source_id=row.source_id,
        code=row.code,
        message=row.message,
        nav_no=row.nav_no,
        name=row.name,
        times=row.times,
        skipped=row.skipped,
        run=row.run_id,
        at=row.at,
    )
