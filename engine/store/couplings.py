"""Couplings: which NAV record and which CRM row are the same thing. During a plan the planned ones count too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.model.errors import StoreError
from engine.model.mapping import Direction
from engine.store.schema import coupling, planned
from engine.store.upsert import insert

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Coupling:
    """A coupled pair. `base` holds the values both sides had when they were last the same (`engine.mapping.decide`)."""

    nav_id: str
    crm_id: str
    nav_no: str
    base: bytes | None = None
    uncounted: bool = False
    planned: bool = False


class Couplings:
    """The couplings that one job may see; `plan` is the run whose planned couplings count as made."""

    def __init__(self, plan: int | None = None) -> None:
        self._plan = plan

    def of(
        self, connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]
    ) -> dict[str, Coupling]:
        """The couplings of source records, by source id."""
        by_nav = one_way is Direction.TO_INTEGRATION_TABLE
        name = "nav_id" if by_nav else "crm_id"
        found: dict[str, Coupling] = {}
        for row in self._rows(connection, mapping, name, ids):
            found[row.nav_id if by_nav else row.crm_id] = row
        return found

    def taken(self, connection: sa.Connection, mapping: str, one_way: Direction, ids: Sequence[str]) -> set[str]:
        """Which of these destination records are coupled."""
        name = "crm_id" if one_way is Direction.TO_INTEGRATION_TABLE else "nav_id"
        return {str(getattr(row, name)) for row in self._rows(connection, mapping, name, ids)}

    def partners(
        self, connection: sa.Connection, mapping: str, one_way: Direction, values: Sequence[str]
    ) -> dict[str, str]:
        """What lookup values of a source record are on the other side: numbers to ids, or ids to numbers."""
        if one_way is Direction.TO_INTEGRATION_TABLE:
            return {row.nav_no: row.crm_id for row in self._rows(connection, mapping, "nav_no", values)}
        return {row.crm_id: row.nav_no for row in self._rows(connection, mapping, "crm_id", values)}

    def _rows(self, connection: sa.Connection, mapping: str, name: str, values: Sequence[str]) -> Iterator[Coupling]:
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            c = coupling.c
            query = sa.select(c.nav_id, c.crm_id, c.nav_no, c.base, c.uncounted).where(
                c.mapping == mapping, c[name].in_(chunk)
            )
            for row in connection.execute(query):
                yield Coupling(*row)
            if self._plan is not None:
                p = planned.c
                of_plan = sa.select(p.nav_id, p.crm_id, p.nav_no).where(
                    p.run_id == self._plan, p.mapping == mapping, p[name].in_(chunk)
                )
                for pair in connection.execute(of_plan):
                    yield Coupling(pair.nav_id, pair.crm_id, pair.nav_no, planned=True)


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
    statement = insert(connection, coupling)
    new = statement.excluded
    done = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[coupling.c.mapping, coupling.c.nav_id],
            set_={"nav_no": new.nav_no, "base": new.base, "uncounted": new.uncounted},
            where=coupling.c.crm_id == new.crm_id,
        ),
        [
            {
                "mapping": mapping,
                "nav_id": one.nav_id,
                "crm_id": one.crm_id,
                "nav_no": one.nav_no,
                "base": one.base,
                "run_id": run,
                "uncounted": one.uncounted,
                "coupled_at": at,
            }
            for one in ordered
        ],
        execution_options={"preserve_rowcount": True},
    )
    if done.rowcount != len(ordered):
        raise StoreError(
            f"A {mapping} record of NAV is coupled to another CRM record already.",
            "Nothing was recorded; look at the couplings of the mapping with `coupler couplings`, and resume.",
        )


def uncounted(connection: sa.Connection, mapping: str) -> list[Coupling]:
    """Couplings that settling made and that no page has counted."""
    c = coupling.c
    query = sa.select(c.nav_id, c.crm_id, c.nav_no, c.base, c.uncounted).where(c.mapping == mapping, c.uncounted)
    return [Coupling(*row) for row in connection.execute(query)]


def counts(connection: sa.Connection) -> dict[str, int]:
    """How many pairs each mapping has."""
    query = sa.select(coupling.c.mapping, sa.func.count()).group_by(coupling.c.mapping)
    return {row[0]: row[1] for row in connection.execute(query)}


def listing(
    connection: sa.Connection, mapping: str | None, after: tuple[str, str] | None, limit: int
) -> list[tuple[str, Coupling]]:
    """Couplings in the order of mapping and NAV id, behind a pair of these."""
    c = coupling.c
    query = sa.select(c.mapping, c.nav_id, c.crm_id, c.nav_no).order_by(c.mapping, c.nav_id).limit(limit)
    if mapping is not None:
        query = query.where(c.mapping == mapping)
    if after is not None:
        name, nav_id = after
        query = query.where(sa.or_(c.mapping > name, sa.and_(c.mapping == name, c.nav_id > nav_id)))
    return [(row.mapping, Coupling(row.nav_id, row.crm_id, row.nav_no)) for row in connection.execute(query)]
