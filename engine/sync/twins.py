"""NAV records that were made twice for one record of CRM.

A create in NAV has no id of ours, so that nothing keeps something between from delivering it a second time, and the
answer is one (reference/reliability.md section 2.1). Both records carry the mark of the CRM record; one is coupled with
it, the other one looks like a record that CRM does not have yet, and must not be made there.
"""

from collections.abc import Sequence

from engine.mapping.transfer import FROM, TO
from engine.model.mapping import Direction, TableMapping
from engine.model.outcome import Problem
from engine.store.work import Scope
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.item import Item, Mode


def marker_of(context: Context, mapping: TableMapping, one_way: Direction) -> str | None:
    """The field of a source record that may have the mark of a CRM record; None where none has one."""
    return context.nav.marker if one_way is TO and mapping.direction.includes(FROM) else None


def marked_columns(context: Context, mapping: TableMapping, one_way: Direction) -> tuple[str, ...]:
    """The columns of a source record, with the mark where records of NAV may have one."""
    columns, marker = source_columns(mapping, one_way), marker_of(context, mapping, one_way)
    return columns if marker is None else tuple(dict.fromkeys((*columns, marker)))


async def refuse_twins(context: Context, scope: Scope, items: Sequence[Item]) -> None:
    """Fail uncoupled records of NAV whose mark is that of a CRM record that is coupled with another one."""
    marker = context.nav.marker
    if marker is None or scope.direction is not TO:
        return
    uncoupled = [item for item in items if item.open and item.mode is Mode.CREATE]
    marks = {item.id: mark for item in uncoupled if (mark := str(item.row.get(marker) or "").lower())}
    if not marks:
        return
    pairs = await context.store.read(
        lambda connection: context.couplings.of(connection, scope.mapping, FROM, list(marks.values()))
    )
    for item in uncoupled:
        pair = pairs.get(marks.get(item.id, ""))
        if pair is not None and not pair.planned and pair.nav_id != item.id:
            item.fail(_made_twice(item.number, pair.nav_no, marker, pair.crm_id), one_way=TO)


def _made_twice(number: str, coupled: str, marker: str, crm_id: str) -> Problem:
    return Problem(
        "made_twice",
        "it was made for a CRM record that is coupled with another one",
        f"{number} and {coupled} have the mark of CRM record {crm_id} in {marker}, which is coupled with {coupled}: "
        f"NAV was asked once and made two. Nothing was made in CRM for {number}.",
        f"Delete the one too many in NAV. If it is a record of its own, such as a copy, clear {marker} in it.",
    )
