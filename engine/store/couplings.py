"""Couplings: which NAV record and which CRM row are the same thing. During a plan the planned ones count too."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from engine.model.errors import StoreError
from engine.model.mapping import Direction, TableMapping
from engine.store import troubles
from engine.store.chunks import chunks
from engine.store.prepared import AmongValues, Prepared
from engine.store.schema import conflict, coupling, overwritten, planned, restored
from engine.store.types import as_kept, to_bytes, to_milliseconds, to_text
from engine.store.upsert import insert, upsert

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SOME = 10


class Coupling(msgspec.Struct, frozen=True):
    """A coupled pair. `base` holds the values both sides had when they were last the same (`engine.mapping.decide`)."""

    nav_id: str
    crm_id: str
    nav_no: str
    base: bytes | None = None
    uncounted: bool = False
    planned: bool = False
    born: str | None = None
    generation: int = 0
    """How often the partner was made again."""


class Couplings:
    """The couplings that one job may see; `plan` is the run whose planned couplings count as made.

    Several `mappings` may be for one pair of tables: what one of them has coupled, the others do not couple again,
    and lookups find it. A pair of the plan whose CRM record is coupled, as that of a renamed NAV record, has the base
    of that coupling. The pair that the plan would make of the record `without` does not count.
    """

    def __init__(self, plan: int | None = None, mappings: Iterable[TableMapping] = (), *, without: str = "") -> None:
        self._plan = plan
        self._tables = {one.name: (one.nav.entity, one.crm.entity) for one in mappings}
        self._without = without

    def of(
        self, connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]
    ) -> dict[str, Coupling]:
        """The couplings of source records, by source id.

        A pair that is coupled already stays what it is when the plan would change it: it has its base, the planned one
        has none.
        """
        by_nav = one_way is Direction.TO_INTEGRATION_TABLE
        name = "nav_id" if by_nav else "crm_id"
        found: dict[str, Coupling] = {}
        for row in self._rows(connection, (mapping,), name, ids):
            source = row.nav_id if by_nav else row.crm_id
            there = found.get(source)
            if there is None or (there.nav_id, there.crm_id) != (row.nav_id, row.crm_id):
                found[source] = row
        return found

    def taken(self, connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> set[str]:
        """Which of these destination records are coupled, by this mapping or another one of their table."""
        mappings = self._sharing(mapping, (1,) if one_way is Direction.TO_INTEGRATION_TABLE else (0,))
        name = "crm_id" if one_way is Direction.TO_INTEGRATION_TABLE else "nav_id"
        return {str(getattr(row, name)) for row in self._rows(connection, mappings, name, ids)}

    def elsewhere(self, connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> set[str]:
        """Which of these source records another mapping of the same two tables has coupled."""
        others = [name for name in self._sharing(mapping, (0, 1)) if name != mapping]
        name = "nav_id" if one_way is Direction.TO_INTEGRATION_TABLE else "crm_id"
        return {str(getattr(row, name)) for row in self._rows(connection, others, name, ids)} if others else set()

    def partners(
        self, connection: sa.Connection, mapping: str, one_way: Direction, values: Sequence[str]
    ) -> dict[str, str]:
        """What lookup values of a source record are on the other side: numbers to ids, or ids to numbers."""
        mappings = self._sharing(mapping, (0, 1))
        if one_way is Direction.TO_INTEGRATION_TABLE:
            return {row.nav_no: row.crm_id for row in self._rows(connection, mappings, "nav_no", values)}
        return {row.crm_id: row.nav_no for row in self._rows(connection, mappings, "crm_id", values)}

    def _sharing(self, mapping: str, sides: tuple[int, ...]) -> list[str]:
        """The mapping, and the others whose tables on these sides, 0 for NAV and 1 for CRM, are the same."""
        own = self._tables.get(mapping)
        if own is None:
            return [mapping]
        return [name for name, tables in self._tables.items() if all(tables[side] == own[side] for side in sides)]

    def _rows(
        self, connection: sa.Connection, mappings: Sequence[str], name: str, values: Sequence[str]
    ) -> Iterator[Coupling]:
        kept = [_number(value) for value in values] if name == "nav_no" else [to_bytes(value) for value in values]
        for row in _pairs_with(name, len(mappings)).rows(connection, tuple(mappings), kept):
            nav_id, crm_id, nav_no, base, uncounted, born, generation = row
            yield Coupling(
                to_text(nav_id), to_text(crm_id), nav_no, base, bool(uncounted), born=born, generation=generation
            )
        if self._plan is None:
            return
        for chunk in chunks(values):
            p, c = planned.c, coupling.c
            beside = planned.outerjoin(coupling, sa.and_(c.mapping == p.mapping, c.crm_id == p.crm_id))
            of_plan = (
                sa.select(p.nav_id, p.crm_id, p.nav_no, c.base)
                .select_from(beside)
                .where(p.run_id == self._plan, p.mapping.in_(mappings), p[name].in_(chunk))
            )
            for pair in connection.execute(of_plan):
                if self._without in (pair.nav_id, pair.crm_id):
                    continue
                yield Coupling(pair.nav_id, pair.crm_id, pair.nav_no, pair.base, planned=True)


@cache
def _pairs_with(name: str, mappings: int) -> AmongValues:
    """The couplings of so many mappings by the values of a column."""
    c = coupling.c
    names = [f"mapping_{number}" for number in range(mappings)]

    def query() -> sa.Select[Any]:
        mine = c.mapping.in_([sa.bindparam(one, type_=c.mapping.type) for one in names])
        return sa.select(c.nav_id, c.crm_id, c.nav_no, c.base, c.uncounted, c.born, c.generation).where(mine)

    return AmongValues(query, c[name], names)


def _number(text: str) -> str:
    """A NAV number as it is stored."""
    return as_kept(text, coupling.c.nav_no.type.length)  # type: ignore[attr-defined]  # it is Said


def save(
    connection: sa.Connection, mapping: str, pairs: Iterable[Coupling], *, run: int, at: datetime, plan: bool
) -> None:
    """Make couplings, or bring the number and the base of existing ones up to date.

    A coupling never changes its partner: raises StoreError for a NAV record that is coupled to another CRM record, and
    the database does for a CRM record that is coupled to another NAV record.
    """
    # in the order of the primary key: random order costs SQLite a multiple (reference/engine.md section 7)
    ordered = sorted(pairs, key=lambda pair: pair.nav_id)
    if not ordered:
        return
    if plan:
        rows = [
            {"run_id": run, "mapping": mapping, "nav_id": one.nav_id, "crm_id": one.crm_id, "nav_no": one.nav_no}
            for one in ordered
        ]
        connection.execute(insert(connection, planned).on_conflict_do_nothing(), rows)
        return
    moment = to_milliseconds(at)
    changed = [
        (
            mapping,
            to_bytes(one.nav_id),
            to_bytes(one.crm_id),
            _number(one.nav_no),
            one.base,
            run,
            one.uncounted,
            one.born,
            one.generation,
            moment,
        )
        for one in ordered
    ]
    if _SAVE.many(connection, changed) != len(ordered):
        raise StoreError(
            f"A {mapping} record of NAV is coupled to another CRM record already.",
            "Nothing was recorded; look at the couplings of the mapping with `coupler couplings`, and resume.",
        )


def _saving(connection: sa.Connection) -> sa.ClauseElement:
    statement = insert(connection, coupling)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[coupling.c.mapping, coupling.c.nav_id],
        set_={"nav_no": new.nav_no, "base": new.base, "uncounted": new.uncounted},
        where=coupling.c.crm_id == new.crm_id,
    )


_SAVE = Prepared(
    _saving,
    ("mapping", "nav_id", "crm_id", "nav_no", "base", "run_id", "uncounted", "born", "generation", "coupled_at"),
)


def remove(connection: sa.Connection, mapping: str, nav_ids: Sequence[str]) -> None:
    """Uncouple NAV records. That they were coupled is kept, and how often their partner was made again: the ids of what
    was made for one another are used.
    """
    for chunk in chunks(nav_ids):
        c = coupling.c
        mine = sa.select(c.mapping, c.nav_id, c.generation).where(c.mapping == mapping, c.nav_id.in_(chunk))
        upsert(connection, restored, [{**row} for row in connection.execute(mine).mappings()])
        connection.execute(sa.delete(coupling).where(coupling.c.mapping == mapping, coupling.c.nav_id.in_(chunk)))


def rename(connection: sa.Connection, mapping: str, old: Coupling, nav_id: str, nav_no: str) -> None:
    """Let a coupling lead to the record that the NAV record of a pair has become, with the conflict that waits; how it
    failed under its former name does not matter any more.
    """
    for table in (coupling, conflict):
        mine = (table.c.mapping == mapping, table.c.nav_id == old.nav_id)
        connection.execute(sa.update(table).where(*mine).values(nav_id=nav_id, nav_no=nav_no))
    sent = (overwritten.c.unsettled, overwritten.c.mapping == mapping, overwritten.c.target_id == old.nav_id)
    connection.execute(sa.update(overwritten).where(*sent).values(target_id=nav_id))
    troubles.forget(connection, mapping, Direction.TO_INTEGRATION_TABLE, [old.nav_id])


def replace(connection: sa.Connection, mapping: str, one_way: Direction, pairs: Iterable[Coupling]) -> None:
    """Uncouple the source records of pairs whose partner was made again, so that they can be coupled anew."""
    name = "nav_id" if one_way is Direction.TO_INTEGRATION_TABLE else "crm_id"
    for pair in pairs:
        source = pair.nav_id if name == "nav_id" else pair.crm_id
        connection.execute(sa.delete(coupling).where(coupling.c.mapping == mapping, coupling.c[name] == source))


def generations(connection: sa.Connection, mapping: str, nav_ids: Sequence[str]) -> dict[str, int]:
    """Of NAV records that were coupled once and uncoupled, how often their partner had been made again; others are not
    in it.
    """
    found: dict[str, int] = {}
    c = restored.c
    if not nav_ids or connection.scalar(sa.select(c.mapping).where(c.mapping == mapping).limit(1)) is None:
        return found
    for chunk in chunks(nav_ids):
        query = sa.select(c.nav_id, c.generation).where(c.mapping == mapping, c.nav_id.in_(chunk))
        found.update({row.nav_id: row.generation for row in connection.execute(query)})
    return found


def named(connection: sa.Connection, mapping: str, names: Sequence[str]) -> list[Coupling]:
    """The couplings of NAV records by number or id."""
    ids = [name for name in names if _GUID.fullmatch(name)]
    found = {}
    c = coupling.c
    for column, values in ((c.nav_id, ids), (c.nav_no, [*names, *(name.upper() for name in names)])):
        for chunk in chunks(values):
            query = sa.select(c.nav_id, c.crm_id, c.nav_no).where(c.mapping == mapping, column.in_(chunk))
            found.update({row.nav_id: Coupling(*row) for row in connection.execute(query)})
    return list(found.values())


def uncounted(connection: sa.Connection, mapping: str, born: str) -> list[Coupling]:
    """Couplings of records made on one side ("nav" or "crm") that settling made and that no page has counted."""
    c = coupling.c
    query = sa.select(c.nav_id, c.crm_id, c.nav_no, c.base, c.uncounted).where(
        c.mapping == mapping, c.uncounted, c.born == born
    )
    return [Coupling(*row) for row in connection.execute(query)]


def born_in_nav(connection: sa.Connection, mapping: str) -> list[Coupling]:
    """Some pairs of a mapping whose NAV record was made by us, the newest first."""
    c = coupling.c
    query = (
        sa.select(c.nav_id, c.crm_id, c.nav_no, c.generation)
        .where(c.mapping == mapping, c.born == "nav")
        .order_by(c.coupled_at.desc())
        .limit(_SOME)
    )
    return [Coupling(*row[:3], generation=row.generation) for row in connection.execute(query)]


def counts(connection: sa.Connection) -> dict[str, int]:
    """How many pairs each mapping has."""
    query = sa.select(coupling.c.mapping, sa.func.count()).group_by(coupling.c.mapping)
    return {row[0]: row[1] for row in connection.execute(query)}


def listing(
    connection: sa.Connection,
    mapping: str | None,
    after: tuple[str, str] | None,
    limit: int,
    not_of: int | None = None,
) -> list[tuple[str, Coupling]]:
    """Couplings in the order of mapping and NAV id, behind a pair of these, or only those `not_of` a run."""
    c = coupling.c
    query = sa.select(c.mapping, c.nav_id, c.crm_id, c.nav_no).order_by(c.mapping, c.nav_id).limit(limit)
    if mapping is not None:
        query = query.where(c.mapping == mapping)
    if not_of is not None:
        query = query.where(c.run_id.is_distinct_from(not_of))
    if after is not None:
        name, nav_id = after
        # beside `mapping = ...` SQLite would use no more of the index for the pair
        query = query.where(c.nav_id > nav_id if name == mapping else sa.tuple_(c.mapping, c.nav_id) > after)
    return [(row.mapping, Coupling(row.nav_id, row.crm_id, row.nav_no)) for row in connection.execute(query)]
