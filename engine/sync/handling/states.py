"""The states of products in CRM: drafts are published, blocked ones retired (reference/domain.md section 1.6)."""

from collections.abc import Mapping, Sequence

from engine.connectors.protocol import Status, Write, WriteKind
from engine.store.work import Scope, intend
from engine.sync.context import Context
from engine.sync.handling.steps import give_up, note
from engine.sync.item import Item
from engine.sync.traces import bases_of, overwrites

ACTIVE, RETIRED, DRAFT = 0, 1, 2
_STATUS = {ACTIVE: 1, RETIRED: 2}
_PRODUCTS = "products"
_STATE = "statecode"
_ROUNDS = 4


async def set_states(context: Context, scope: Scope, items: Sequence[Item]) -> None:
    """Publish drafts, then retire or activate what was decided; CRM retires only what was published."""
    drafts = {item.id: item for item in items if item.created or (item.target or {}).get(_STATE) == DRAFT}
    await _set(context, scope, {id: (item, ACTIVE) for id, item in drafts.items()}, "publish")
    decided: dict[str, tuple[Item, int]] = {}
    for item in items:
        wanted = next((value for field, value in item.wanted.values.items() if field.crm == _STATE), None)
        if item.open and (wanted == RETIRED if item.id in drafts else item.late):
            decided[item.id] = (item, RETIRED if wanted == RETIRED else ACTIVE)
    await _set(context, scope, decided, "state")


async def _set(context: Context, scope: Scope, wanted: Mapping[str, tuple[Item, int]], step: str) -> None:
    left = {id: item for id, (item, _) in wanted.items()}
    updates = [
        (item.target, Write(id, WriteKind.UPDATE, _PRODUCTS, item.target_id, _values(wanted[id][1])))
        for id, item in left.items()
        if item.target is not None and not item.created
    ]
    changed = overwrites(updates, bases_of(left.values()))
    if changed:
        at = context.clock()
        await context.store.write(lambda connection: intend(connection, scope, (), changed, at))
    for _ in range(_ROUNDS):
        if not left:
            return
        writes = [
            Write(id, WriteKind.UPDATE, _PRODUCTS, item.target_id, _values(wanted[id][1])) for id, item in left.items()
        ]
        for id, result in (await context.crm.write(writes)).items():
            note(left, id, result, step)
            if result.status is Status.DONE:
                del left[id]
    give_up(left, step)


def _values(state: int) -> dict[str, int]:
    return {_STATE: state, "statuscode": _STATUS[state]}
