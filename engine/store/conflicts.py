"""Conflicts that wait for an operator, with what was chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.model.conflict import Choice, Clash, Conflict, ConflictPage
from engine.store.chunks import chunks
from engine.store.naming import called
from engine.store.schema import conflict
from engine.store.upsert import insert

_C = conflict.c


def of(connection: sa.Connection, mapping: str, nav_ids: Sequence[str]) -> dict[str, Conflict]:
    """The conflicts of these NAV records, by id."""
    found: dict[str, Conflict] = {}
    if not nav_ids or connection.scalar(sa.select(_C.mapping).where(_C.mapping == mapping).limit(1)) is None:
        return found
    for chunk in chunks(nav_ids):
        query = sa.select(conflict).where(_C.mapping == mapping, _C.nav_id.in_(chunk))
        found.update({row.nav_id: _conflict(row) for row in connection.execute(query)})
    return found


def chosen(connection: sa.Connection, mapping: str) -> list[Conflict]:
    """The conflicts for some of whose fields a choice was made, in key order."""
    query = sa.select(conflict).where(_C.mapping == mapping).order_by(_C.nav_id)
    found = (_conflict(row) for row in connection.execute(query))
    return [one for one in found if any(clash.choice is not None for clash in one.fields)]


def listing(connection: sa.Connection, mapping: str | None = None) -> list[Conflict]:
    """All conflicts, or those of one mapping, in the order of mapping and NAV number."""
    query = sa.select(conflict).order_by(_C.mapping, _C.nav_no, _C.nav_id)
    if mapping is not None:
        query = query.where(_C.mapping == mapping)
    return [_conflict(row) for row in connection.execute(query)]


def page(connection: sa.Connection, limit: int, offset: int, words: Sequence[str] = ()) -> ConflictPage:
    """Some of all conflicts in the same order, or of those of records that are called so, and how many there are."""
    where = called(conflict, words)
    total = connection.scalar(sa.select(sa.func.count()).select_from(conflict).where(*where))
    query = sa.select(conflict).where(*where).order_by(_C.mapping, _C.nav_no, _C.nav_id)
    rows = connection.execute(query.limit(limit).offset(offset))
    return ConflictPage(int(total or 0), tuple(_conflict(row) for row in rows))


def of_run(connection: sa.Connection, run: int, limit: int) -> list[Conflict]:
    """The first conflicts that a run was the last to meet, in the order of mapping and NAV number."""
    query = sa.select(conflict).where(_C.run_id == run).order_by(_C.mapping, _C.nav_no, _C.nav_id).limit(limit)
    return [_conflict(row) for row in connection.execute(query)]


def count(connection: sa.Connection, run: int | None = None) -> int:
    """How many records have conflicts; or have some that this run was the last to meet."""
    query = sa.select(sa.func.count()).select_from(conflict)
    return int(connection.scalar(query if run is None else query.where(_C.run_id == run)) or 0)


def unchosen(connection: sa.Connection) -> int:
    """How many records have a conflict that waits for a choice; with all choices made, only a pass is waited for."""
    untouched = sa.select(sa.func.count()).select_from(conflict).where(_C.choices.is_(sa.null()))
    begun = connection.execute(sa.select(_C.fields, _C.choices).where(_C.choices.is_not(sa.null())))
    return int(connection.scalar(untouched) or 0) + sum(len(row.choices) < len(row.fields) for row in begun)


def save(connection: sa.Connection, found: Iterable[Conflict]) -> None:
    """Keep conflicts as they are now. A choice that was made meanwhile stays, when it is about the same values."""
    for one in found:
        stored = of(connection, one.mapping, [one.nav_id]).get(one.nav_id)
        made = {clash.same: clash.choice for clash in stored.fields} if stored is not None else {}
        fields = [
            clash if clash.choice is not None else replace(clash, choice=made.get(clash.same)) for clash in one.fields
        ]
        values = {
            "crm_id": one.crm_id,
            "nav_no": one.nav_no,
            "name": one.name,
            "run_id": one.run,
            "at": one.at if stored is None else stored.at,
            **_columns(fields),
        }
        statement = insert(connection, conflict).values(mapping=one.mapping, nav_id=one.nav_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=[_C.mapping, _C.nav_id], set_=values))


def clear(connection: sa.Connection, mapping: str, nav_ids: Sequence[str]) -> None:
    """Drop conflicts that are none any more."""
    for chunk in chunks(nav_ids):
        connection.execute(sa.delete(conflict).where(_C.mapping == mapping, _C.nav_id.in_(chunk)))


def choose(connection: sa.Connection, one: Conflict, choices: Mapping[str, Choice]) -> bool:
    """Store choices by `Clash.key`; False when the conflict is not what the operator saw any more."""
    stored = of(connection, one.mapping, [one.nav_id]).get(one.nav_id)
    if stored is None or {clash.same for clash in stored.fields} != {clash.same for clash in one.fields}:
        return False
    fields = [replace(clash, choice=choices.get(clash.key, clash.choice)) for clash in stored.fields]
    where = (_C.mapping == one.mapping, _C.nav_id == one.nav_id)
    connection.execute(sa.update(conflict).where(*where).values(**_columns(fields)))
    return True


def _columns(fields: Sequence[Clash]) -> dict[str, Any]:
    names = ("nav", "crm", "nav_value", "crm_value")
    choices = {clash.key: clash.choice.value for clash in fields if clash.choice is not None}
    return {
        "fields": [
            {**dict(zip(names, clash.same, strict=True)), "newer": clash.newer and clash.newer.value}
            for clash in fields
        ],
        "choices": choices or sa.null(),
    }


def _conflict(row: Any) -> Conflict:
    choices = row.choices or {}
    fields = (Clash(**{**one, "newer": _side(one.get("newer"))}) for one in row.fields)
    chosen = (replace(one, choice=_side(choices.get(one.key))) for one in fields)
    return Conflict(row.mapping, row.nav_id, row.crm_id, row.nav_no, row.name, row.run_id, row.at, tuple(chosen))


def _side(name: str | None) -> Choice | None:
    return None if name is None else Choice(name)
