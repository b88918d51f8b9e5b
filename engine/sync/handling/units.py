"""UNITOFMEASURE: a unit group `NAV <code>` with one base unit of that name (reference/domain.md section 1.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.connectors.protocol import ETAG, Row, Status, Write, WriteKind
from engine.mapping.transfer import TO
from engine.mapping.values import lenient
from engine.model.mapping import FieldKind
from engine.model.outcome import Problem
from engine.sync.context import Context
from engine.sync.handling.base import Handling
from engine.sync.handling.steps import record
from engine.sync.item import Item

UNITS = "uoms"
_GROUPS = "uomschedules"
_HINT = "Mend the unit group in CRM, then run again."
_ROUNDS = 4
_QUANTITY_DIGITS = 10
_FIELDS = ("uomid", "name", "quantity", "isschedulebaseuom", "_uomscheduleid_value")


@dataclass(frozen=True, slots=True)
class Unit:
    """The only unit of a group."""

    id: str
    name: str
    etag: str


class UnitHandling(Handling):
    """A group that was found, not made, may have a unit of another name; it is renamed."""

    async def complete(self, items: Sequence[Item]) -> None:
        """Check the units of the groups that were coupled by match or earlier."""
        left = {str(item.target_id): item for item in items if not item.created}
        for _ in range(_ROUNDS):
            units = await read_units(self.context, list(left))
            renames: list[Write] = []
            before: list[tuple[Row, Write]] = []
            for group, item in list(left.items()):
                unit = units.get(group)
                if isinstance(unit, Unit) and unit.name != item.number:
                    write = Write(group, WriteKind.UPDATE, UNITS, unit.id, {"name": item.number}, unit.etag)
                    renames.append(write)
                    before.append(({"name": unit.name}, write))
                    continue
                if isinstance(unit, Problem):
                    item.fail(unit, one_way=TO)
                del left[group]
            if self.context.plan:
                for write in renames:
                    left[write.key].written = True
                return
            await record(self.context, self.scope, before)
            for group, result in (await self.context.crm.write(renames)).items() if renames else ():
                if result.status is Status.DONE:
                    left.pop(group).written = True
                elif result.status is Status.UNKNOWN:
                    left[group].written = True
                elif result.status is not Status.STALE:
                    left.pop(group).fail(_not_renamed(result.message), one_way=TO)
            if not left:
                return
        for item in left.values():
            item.fail(_not_renamed("CRM did not settle on an answer."), one_way=TO)


def _not_renamed(message: str) -> Problem:
    return Problem("unit_name", "the unit of the group cannot be renamed", message, _HINT)


async def read_units(context: Context, groups: Sequence[str]) -> dict[str, Unit | Problem]:
    """The base unit of each group, or what is wrong with the group or its units."""
    states = await context.crm.fetch(_GROUPS, "uomscheduleid", list(groups), ("name", "statecode")) if groups else {}
    found: dict[str, list[Row]] = {group: [] for group in groups}
    for row in await context.crm.find(UNITS, "_uomscheduleid_value", list(groups), _FIELDS) if groups else ():
        found[str(row["_uomscheduleid_value"])].append(row)
    return {group: _check(states.get(group), rows) for group, rows in found.items() if rows or not context.plan}


def _check(group: Row | None, rows: Sequence[Row]) -> Unit | Problem:
    if group is None:
        return Problem(
            "unit_group_missing",
            "the unit group is not in CRM",
            "The coupled unit group is not in CRM any more.",
            _HINT,
        )
    if group["statecode"] != 0:
        return Problem(
            "unit_group_inactive",
            "the unit group is inactive",
            f"Unit group {group['name']} in CRM is inactive.",
            "Activate the unit group in CRM, then run again.",
        )
    if not rows:
        return Problem("unit_missing", "the unit group has no unit", "The unit group in CRM has no unit.", _HINT)
    if len(rows) > 1:
        names = ", ".join(str(row["name"]) for row in rows)
        return Problem(
            "unit_several",
            "the unit group has several units",
            f"The unit group in CRM has several units: {names}.",
            _HINT,
        )
    row = rows[0]
    if lenient(FieldKind.DECIMAL, _QUANTITY_DIGITS, row["quantity"]) != 1:
        return Problem(
            "unit_quantity",
            "the unit's quantity is not 1",
            f"Unit {row['name']} has quantity {row['quantity']}, not 1.",
            _HINT,
        )
    if not row["isschedulebaseuom"]:
        return Problem(
            "unit_base",
            "the unit is not its group's base unit",
            f"Unit {row['name']} is not the base unit of its group.",
            _HINT,
        )
    return Unit(str(row["uomid"]), str(row["name"]), str(row[ETAG]))
