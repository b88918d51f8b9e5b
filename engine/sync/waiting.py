"""What a page must know of earlier troubles and conflicts of its records, and what it leaves of them."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from engine.mapping.transfer import FROM, TO
from engine.model.conflict import Conflict
from engine.model.outcome import Problem
from engine.model.trouble import Trouble
from engine.store import conflicts, troubles
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.item import Item


async def remember(context: Context, scope: Scope, items: Sequence[Item]) -> None:
    """Give records their troubles and conflicts; coupled ones that are marked as Skipped are left alone."""
    one_way, back = scope.direction, FROM if scope.direction is TO else TO
    coupled = [item for item in items if item.coupling is not None and not item.coupling.planned]
    partners = [str(item.target_id) for item in coupled]
    nav_ids = [item.id for item in coupled] if one_way is TO else partners

    def read(connection: sa.Connection) -> tuple[dict[str, Trouble], dict[str, Trouble], dict[str, Conflict]]:
        return (
            troubles.of(connection, scope.mapping, one_way, [item.id for item in coupled]),
            troubles.of(connection, scope.mapping, back, partners),
            conflicts.of(connection, scope.mapping, nav_ids),
        )

    own, other, known = await context.store.read(read)
    for item, nav_id in zip(coupled, nav_ids, strict=True):
        item.trouble = own.get(item.id)
        item.conflict = known.get(nav_id)
        for one in (item.trouble, other.get(str(item.target_id))):
            if one is not None and one.skipped and item.open:
                item.skip(one_way, _left_alone(one))


def to_ask(items: Iterable[Item], scope: Scope) -> None:
    """Count the records with fields that wait for a choice as skipped."""
    for item in items:
        names = [clash.nav for clash in item.clashes if clash.choice is None]
        if names and item.open:
            item.skip(scope.direction, _waits(", ".join(names)))


def asked(context: Context, scope: Scope, items: Iterable[Item]) -> list[Conflict]:
    """The conflicts of records that are otherwise right."""
    at = context.clock()
    return [
        Conflict(
            mapping=scope.mapping,
            nav_id=item.id if scope.direction is TO else str(item.target_id),
            crm_id=str(item.target_id) if scope.direction is TO else item.id,
            nav_no=item.number if scope.direction is TO else item.target_number,
            name=item.name,
            run=scope.run,
            at=at,
            fields=item.clashes,
        )
        for item in items
        if item.settled and item.clashes
    ]


def over(items: Iterable[Item]) -> list[str]:
    """The NAV ids of records whose conflict is none any more."""
    found = [item.conflict.nav_id for item in items if item.settled and item.conflict is not None and not item.clashes]
    return found + [item.lost.nav_id for item in items if item.lost is not None]


def _left_alone(one: Trouble) -> Problem:
    return Problem(
        troubles.LEFT_ALONE,
        "marked as Skipped after it failed twice",
        f"It failed {one.times} times with the same message and is left alone: {one.message}",
        f"Mend the cause, then: coupler retry {one.mapping} {one.nav_no}",
    )


def _waits(names: str) -> Problem:
    return Problem(
        "conflict_waits",
        f"both sides changed {names}: waits for a choice",
        f"{names} changed in NAV and in CRM, differently; nothing of it was overwritten. All else is synchronized.",
        "Choose with `coupler conflicts`, or make both sides the same.",
    )
