"""What a page must know of earlier troubles and conflicts of its records, and what it leaves of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from engine.mapping.transfer import FROM, TO
from engine.model.conflict import Conflict
from engine.model.mapping import ConflictPolicy, Direction, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.model.trouble import Trouble
from engine.store import conflicts, troubles
from engine.store.chunks import chunks
from engine.store.work import Scope, ended_badly, save_outcomes
from engine.sync.context import Context
from engine.sync.item import Item

WAITS = "conflict_waits"
"""The code of the problem of records with fields that wait for a choice."""


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


def to_ask(items: Iterable[Item], scope: Scope, policy: ConflictPolicy) -> None:
    """Count the records of which nothing but what waits for a choice differs as skipped; the others carry a warning.

    Where the mapping asks no more, records whose conflict is over say so.
    """
    for item in items:
        names = [clash.nav for clash in item.clashes if clash.choice is None]
        if not item.open:
            continue
        if policy is not ConflictPolicy.ASK:
            if item.conflict is not None and item.settled and not item.clashes:
                item.warnings.append(_closed(item.conflict, f"its conflict policy, {policy}, was followed"))
            continue
        if not names:
            continue
        problem = _waits(", ".join(names))
        if item.written or item.new:
            item.warnings.append(problem)
        else:
            item.skip(scope.direction, problem)


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


async def close_conflicts(context: Context, scope: Scope, mapping: TableMapping) -> None:
    """Drop what still waits for a choice once all passes of a mapping that asks no more are done.

    A record that failed or was left alone has said what became of it; the others, which no pass has seen, say it here.
    """
    if mapping.conflict is ConflictPolicy.ASK or scope.direction is not mapping.direction.passes[-1]:
        return
    left = await context.store.read(partial(conflicts.listing, mapping=mapping.name))
    for some in chunks(left):
        await context.store.write(partial(_close, scope=scope, left=some, at=context.clock()))


def _close(connection: sa.Connection, scope: Scope, left: Sequence[Conflict], at: datetime) -> None:
    nav_ids, crm_ids = [one.nav_id for one in left], [one.crm_id for one in left]
    told = ended_badly(connection, replace(scope, direction=TO), nav_ids)
    told |= ended_badly(connection, replace(scope, direction=FROM), crm_ids)
    unseen = [one for one in left if not {one.nav_id, one.crm_id} & told]
    save_outcomes(connection, scope, [_unseen(one, scope.direction) for one in unseen], at)
    conflicts.clear(connection, scope.mapping, nav_ids)


def _unseen(one: Conflict, one_way: Direction) -> Outcome:
    what = "no pass has seen the record, and both sides keep what they have"
    source = one.nav_id if one_way is TO else one.crm_id
    return Outcome(
        source, Action.UNCHANGED, one.nav_no, one.name, one.nav_id, one.crm_id, warnings=(_closed(one, what),)
    )


def _left_alone(one: Trouble) -> Problem:
    return Problem(
        troubles.LEFT_ALONE,
        "marked as Skipped after it failed twice",
        f"It failed {one.times} times with the same message and is left alone: {one.message}",
        f"Mend the cause, then: coupler retry {one.mapping} {one.nav_no}",
    )


def _closed(one: Conflict, became: str) -> Problem:
    values = ", ".join(f"{clash.nav} (NAV '{clash.nav_value}', CRM '{clash.crm_value}')" for clash in one.fields)
    return Problem(
        "conflict_closed",
        "a conflict waited for a choice, and the mapping does not ask any more",
        f"{values} waited for a choice. The mapping does not ask any more: {became}.",
        "Look at the record if a choice is still meant.",
    )


def _waits(names: str) -> Problem:
    return Problem(
        WAITS,
        f"both sides changed {names}: waits for a choice",
        f"{names} changed in NAV and in CRM, differently; nothing of it was overwritten. All else is synchronized.",
        "Choose with `coupler conflicts`, or make both sides the same.",
    )
