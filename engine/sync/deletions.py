"""Coupled records whose partner is gone: made again, or uncoupled, as the mapping says (reference/domain.md 3.5).

A deletion is never carried over to the other side.
"""

from collections.abc import Sequence

from engine.mapping.transfer import TO
from engine.model.mapping import DeletionPolicy, Direction, Table, TableMapping
from engine.model.outcome import Problem
from engine.sync.brake import DELETED, Losses
from engine.sync.context import Context
from engine.sync.item import Item, Mode

COUPLING_REMOVED = "coupling_removed"
"""The code of records whose coupling a pass removed."""


def uncouple_or_renew(
    policy: DeletionPolicy, one_way: Direction, partner: Table, gone: Sequence[Item], doubtful: frozenset[str]
) -> list[Item]:
    """End the records whose coupling is removed, and return those that get a new partner.

    A new partner is of the next generation, so that its id differs from that of the deleted one. A record that may
    have got its new partner already, as nobody can tell, is left as it is.
    """
    renewed = []
    for item in gone:
        if item.coupling is None or item.id in doubtful:
            item.fail(gone_problem(partner.caption), one_way=one_way)
            continue
        item.lost = item.coupling
        item.target_id = None
        if policy is DeletionPolicy.REMOVE_COUPLING:
            item.skip(one_way, _uncoupled(partner.caption))
            continue
        item.generation = item.lost.generation + 1
        item.coupling, item.mode, item.gone, item.target_number = None, Mode.CREATE, False, ""
        renewed.append(item)
    return renewed


async def end_hindered(
    context: Context,
    mapping: TableMapping,
    one_way: Direction,
    hindered: Sequence[tuple[Item, Problem | None]],
    *,
    mend: bool,
    losses: Losses | None,
) -> None:
    """Fail records that cannot be written, and skip those without a problem, that take no part.

    Those whose coupled partner was deleted follow the deletion policy of their mapping all the same: they may be
    hindered by the same deletion, as contacts are that lost their account too. What is to be uncoupled is left `gone`.
    Without `mend` nobody looks for partners. `losses` stops a pass that meets too many of the deleted.
    """
    table = mapping.crm if one_way is TO else mapping.nav
    coupled = {
        item.id: str(item.target_id)
        for item, _ in hindered
        if mend and item.coupling is not None and not item.coupling.planned
    }
    ids = list(coupled.values())
    there = await context.target(one_way).fetch(table.entity, table.key, ids, (table.key,)) if ids else {}
    for item, problem in hindered:
        lost = item.id in coupled and coupled[item.id] not in there
        if lost and losses is not None:
            losses.meet(item.id, item.trouble)
        if lost and mapping.deletion is DeletionPolicy.REMOVE_COUPLING:
            item.gone = True
        elif problem is None:
            item.skip(one_way)
        elif lost and mapping.deletion is DeletionPolicy.NONE:
            item.fail(gone_problem(table.caption), one_way=one_way)
        else:
            item.fail(problem, one_way=one_way)


def gone_problem(caption: str) -> Problem:
    """The partner was deleted, and the mapping says nothing about that."""
    return Problem(
        DELETED,
        f"the coupled {caption} record is gone",
        f"The record cannot be updated because the {caption} record that it is coupled to was deleted.",
        "Restore the partner or remove the coupling, then run again.",
    )


def _uncoupled(caption: str) -> Problem:
    return Problem(
        COUPLING_REMOVED,
        f"the coupled {caption} record is gone, and the coupling was removed",
        f"The {caption} record was deleted, so the coupling was removed; the record itself was left as it is.",
        "A full synchronization makes a new partner for it; delete the record if it is to go too.",
    )
