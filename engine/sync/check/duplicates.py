"""Records that a match rule takes for the same, and records of ours that no coupling knows; page by page, with the keys
of all records in a temporary database.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from engine.connectors.protocol import Query, Row
from engine.mapping.transfer import FROM, TO, Partners, match_value, source_value, target_value
from engine.mapping.values import Value, blank
from engine.model.check import Finding, What
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping
from engine.store import couplings
from engine.sync.context import Context
from engine.sync.lookups import partners
from engine.sync.matching import rule_field, rule_key
from engine.sync.twins import marker_of

_TABLE = """
CREATE TABLE record (
    rule INTEGER, key BLOB, side INTEGER, id TEXT, number TEXT, name TEXT, coupled INTEGER
)"""
_GROUPS = """
SELECT rule, key, SUM(side = 0), SUM(side = 1), SUM(coupled) FROM record
GROUP BY rule, key HAVING SUM(side = 0) > 1 OR SUM(side = 1) > 1 ORDER BY rule, key"""
_MEMBERS = "SELECT side, id, number, name, coupled FROM record WHERE rule = ? AND key = ? ORDER BY side, number, id"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Record:
    """A record with its keys, one for each rule; None where a value is blank."""

    id: str
    number: str
    name: str
    coupled: bool
    keys: tuple[bytes | None, ...]


class Duplicates:
    """The records of one mapping."""

    def __init__(self, context: Context, mapping: TableMapping) -> None:
        self._context = context
        self._mapping = mapping
        self._rules = [[rule_field(mapping, nav, crm) for nav, crm in rule.pairs] for rule in mapping.match]

    async def find(self) -> AsyncIterator[Finding]:
        """Read both sides once; what was created and is not coupled comes at once, duplicates at the end."""
        database = sqlite3.connect("")  # a temporary file that goes with the connection
        try:
            database.execute(_TABLE)
            for one_way in (TO, FROM):
                async for found in self._read(database, one_way):
                    yield found
            database.execute("CREATE INDEX by_key ON record (rule, key)")
            for found in self._groups(database):
                yield found
        finally:
            database.close()

    async def _read(self, database: sqlite3.Connection, one_way: Direction) -> AsyncIterator[Finding]:
        """The records of the side that this direction reads from."""
        context, mapping = self._context, self._mapping
        table = mapping.table(one_way)
        marker = marker_of(context, mapping, one_way)
        as_source = mapping.direction.includes(one_way)
        other_way = one_way is FROM and mapping.direction.includes(TO)
        conditions = table.filter if as_source and not other_way else table.match_filter
        columns = tuple(dict.fromkeys((table.key, table.number, table.name, *self._columns(one_way))))
        columns = columns if marker is None else tuple(dict.fromkeys((*columns, marker)))
        query = Query(table.entity, table.key, columns, conditions, None, context.page_size)
        async for rows in context.source(one_way).pages(query):
            by_id = {str(row[table.key]).lower(): row for row in rows}
            pairs = await context.store.read(
                partial(context.couplings.of, mapping=mapping.name, one_way=one_way, ids=list(by_id))
            )
            known = await partners(context, mapping, TO, rows) if one_way is TO else {}
            records = [
                _Record(
                    id,
                    str(row.get(table.number) or ""),
                    str(row.get(table.name) or ""),
                    id in pairs,
                    tuple(self._key(number, fields, one_way, row, known) for number, fields in enumerate(self._rules)),
                )
                for id, row in by_id.items()
            ]
            _keep(database, one_way is not TO, records)
            if one_way is TO and mapping.direction.includes(TO):
                async for found in self._of_ours([one for one in records if not one.coupled]):
                    yield found
            for one in records if marker is not None else ():
                mark = str(by_id[one.id].get(str(marker)) or "").lower()
                if mark and one.id not in pairs:
                    yield self._uncoupled(one, f"NAV's record was made for {mark}, and no coupling knows it.", one.id)

    async def _of_ours(self, records: Sequence[_Record]) -> AsyncIterator[Finding]:
        """Rows in CRM under ids that these records' partners would get from us."""
        context, mapping = self._context, self._mapping
        ids = [one.id for one in records]
        made_again = await context.store.read(partial(couplings.generations, mapping=mapping.name, nav_ids=ids))
        ours = {
            context.new_id(mapping.name, one.id, generation): one
            for one in records
            for generation in {0, made_again.get(one.id, 0)}
        }
        if not ours:
            return
        table = mapping.crm
        rows = await context.crm.fetch(table.entity, table.key, list(ours), (table.key,))
        there = list(rows)
        taken = await context.taken(mapping.name, TO, there)
        for id in there:
            if id not in taken:
                message = "CRM has the row that a run makes for this record, and no coupling knows it."
                yield self._uncoupled(ours[id], message, ours[id].id, id)

    def _uncoupled(self, one: _Record, message: str, nav_id: str, crm_id: str | None = None) -> Finding:
        return Finding(
            What.UNCOUPLED,
            fault=True,
            mapping=self._mapping.name,
            message=message,
            nav_no=one.number,
            name=one.name,
            nav_id=nav_id,
            crm_id=crm_id,
        )

    def _columns(self, one_way: Direction) -> Iterator[str]:
        for fields in self._rules:
            for field in fields:
                yield field.nav if one_way is TO else field.column
        for field in self._mapping.fields if one_way is TO else ():
            if field.kind is FieldKind.LOOKUP and field.lookup and field.nav:
                yield field.nav  # `partners` looks at all of them

    def _key(
        self, number: int, fields: Sequence[FieldMapping], one_way: Direction, row: Row, known: Partners
    ) -> bytes | None:
        values = [_value(field, one_way, row, known) for field in fields]
        if any(blank(value) for value in values):
            return None
        text = repr((number, *rule_key(fields, values)))
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def _groups(self, database: sqlite3.Connection) -> Iterator[Finding]:
        """Groups of equal records. It is a fault where the other side has one too, and not all are coupled."""
        for rule, key, ours, theirs, coupled in database.execute(_GROUPS):
            fault = bool(ours and theirs and coupled < ours + theirs)
            names = " and ".join(nav for nav, _ in self._mapping.match[rule].pairs)
            members = database.execute(_MEMBERS, (rule, key)).fetchmany(_SHOWN)
            numbers = ", ".join(f"{'CRM' if side else 'NAV'} {number}" for side, _, number, _, _ in members)
            more = ", ..." if ours + theirs > len(members) else ""
            message = (
                f"{ours:,} in NAV and {theirs:,} in CRM have the same {names}, {coupled:,} coupled: {numbers}{more}"
            )
            first = members[0]
            yield Finding(
                What.DUPLICATES,
                fault=fault,
                mapping=self._mapping.name,
                message=message,
                nav_no=first[2] if first[0] == 0 else "",
                name=first[3],
                nav_id=first[1] if first[0] == 0 else None,
                crm_id=first[1] if first[0] == 1 else None,
            )


def _value(field: FieldMapping, one_way: Direction, row: Row, known: Partners) -> Value:
    """What partners have in common; a lookup that is not coupled stands for itself."""
    if one_way is not TO:
        return target_value(field, TO, row)
    found = match_value(field, TO, row, known)
    if blank(found) and field.kind is FieldKind.LOOKUP:
        own = source_value(field, TO, row)
        return None if blank(own) else f"NAV {own}"
    return found


def _keep(database: sqlite3.Connection, side: bool, records: Sequence[_Record]) -> None:  # noqa: FBT001 - a column
    database.executemany(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (rule, key, int(side), one.id, one.number, one.name, int(one.coupled))
            for one in records
            for rule, key in enumerate(one.keys)
            if key is not None
        ),
    )
