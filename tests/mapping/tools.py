"""Small mappings and records for tests of the rules for one record."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.mapping.base import created_base
from engine.mapping.decide import Decision, decide
from engine.mapping.transfer import FROM, TO, Partners, Transferred, transfer
from engine.mapping.values import Value
from engine.model.mapping import ConflictPolicy, Direction, FieldKind, FieldMapping, Table, TableMapping, Transformation

Row = dict[str, Any]
BOTH = Direction.BIDIRECTIONAL
NO_PARTNERS: Partners = {}
UNIT_GROUP = Transformation("prefix", ("NAV ",), TO)
NOT_NEGATIVE = Transformation("not_negative", (), TO)


def mapping_of(*fields: FieldMapping, conflict: ConflictPolicy = ConflictPolicy.NONE) -> TableMapping:
    return TableMapping(
        name="THING",
        nav=Table("Thing", "Thing", "SystemId", "No", "Name"),
        crm=Table("things", "thing", "thingid", "name", "name"),
        direction=BOTH,
        fields=fields,
        conflict=conflict,
    )


def text(nav: str = "Name", crm: str = "name", **options: Any) -> FieldMapping:
    return FieldMapping(nav, crm, **options)


def moved(
    field: FieldMapping, one_way: Direction, row: Row, partners: Partners = NO_PARTNERS, **derived: Value
) -> Transferred:
    """What the transfer of one field gives."""
    return transfer(mapping_of(field), one_way, row, partners, derived)


def only_value(field: FieldMapping, one_way: Direction, row: Row, partners: Partners = NO_PARTNERS) -> Value:
    """The one value of a transfer without trouble."""
    result = moved(field, one_way, row, partners)
    assert result.problem is None
    assert result.values.keys() == {field}
    return result.values[field]


class Pair:
    """A coupled pair of records on which passes run, as the engine runs them, but in memory."""

    def __init__(
        self,
        mapping: TableMapping,
        nav: Mapping[str, Any],
        crm: Mapping[str, Any],
        *,
        base: bytes | None = None,
        partners: Mapping[Direction, Partners] | None = None,
    ) -> None:
        self.mapping = mapping
        self.nav, self.crm = dict(nav), dict(crm)
        self.base = base
        self.partners = partners or {TO: {}, FROM: {}}
        self.unsettled: dict[Direction, list[Row]] = {}
        """What engines sent that died before they could remember it, by way."""

    def decide(self, one_way: Direction, *, first: bool = False) -> Decision:
        """What a pass would write."""
        source, target = (self.nav, self.crm) if one_way is TO else (self.crm, self.nav)
        wanted = transfer(self.mapping, one_way, source, self.partners[one_way], {})
        assert wanted.problem is None, wanted.problem
        return decide(
            self.mapping, one_way, source, target, wanted, base=self.base, first=first, unsettled=self.unsettled
        )

    def carry(self, one_way: Direction, *, arrives: bool) -> None:
        """An engine sends what a pass writes, whether that arrives or not, and dies before it can remember it."""
        decision = self.decide(one_way)
        there = self.crm if one_way is TO else self.nav
        sent = {(f.column if one_way is TO else f.nav): _raw(value) for f, value in decision.values.items()}
        self.unsettled.setdefault(one_way, []).append(sent)
        if arrives:
            there.update(sent)

    def run(self, one_way: Direction, *, first: bool = False) -> dict[str, Value]:
        """Run a pass; returns what it wrote, by the name on the side that it wrote to."""
        decision = self.decide(one_way, first=first)
        if decision.problem is None:
            self.base = decision.base
        if one_way is TO:
            self.crm.update({field.column: _raw(value) for field, value in decision.values.items()})
            return {field.crm: value for field, value in decision.values.items()}
        self.nav.update({field.nav: _raw(value) for field, value in decision.values.items()})
        return {field.nav: value for field, value in decision.values.items()}

    def synchronize(self, *, first: bool = False) -> list[dict[str, Value]]:
        """Both passes in their order; returns what each wrote."""
        return [self.run(TO, first=first), self.run(FROM)]

    def same(self) -> "Pair":
        """Take both records to be the same as of now, as after a synchronization."""
        assert self.synchronize() == [{}, {}], "they are not the same"
        return self


def made(mapping: TableMapping, one_way: Direction, source: Row, partners: Partners = NO_PARTNERS) -> Pair:
    """A pair whose other half has just been created from a record."""
    wanted = transfer(mapping, one_way, source, partners, {})
    assert wanted.problem is None
    base = created_base(one_way, source, wanted)
    other = {(f.column if one_way is TO else f.nav): _raw(value) for f, value in wanted.values.items()}
    both = (source, other) if one_way is TO else (other, source)
    return Pair(mapping, *both, base=base, partners={TO: partners, FROM: partners})


def _raw(value: Value) -> Any:
    """A value as JSON brings it back."""
    return float(value) if isinstance(value, Decimal) else value


LOOKUP: dict[str, Any] = {"kind": FieldKind.LOOKUP, "lookup": "CURRENCY", "target": "transactioncurrencies"}
