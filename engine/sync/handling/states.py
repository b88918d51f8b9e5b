"""The states of products in CRM: drafts are published, blocked ones retired (reference/domain.md section 1.6)."""

from collections.abc import Mapping, Sequence

from engine.connectors.protocol import ETAG, Result, Status, Write, WriteKind
from engine.mapping.values import Value
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.handling.steps import give_up, note, record
from engine.sync.item import Item
from engine.sync.traces import bases_of

ACTIVE, RETIRED, DRAFT = 0, 1, 2
_STATUS = {ACTIVE: 1, RETIRED: 2}
_PRODUCTS = "products"
_KEY, _STATE = "productid", "statecode"
_CHANGED = "Somebody changed its state meanwhile, which was left as it is."
_ROUNDS = 4


async def set_states(context: Context, scope: Scope, items: Sequence[Item]) -> None:
    """Publish drafts, then retire or activate what was decided; CRM retires only what was published."""
    drafts = {item.id: item for item in items if item.created or (item.target or {}).get(_STATE) == DRAFT}
    await _set(context, scope, {id: (item, DRAFT, ACTIVE) for id, item in drafts.items()}, "publish")
    decided: dict[str, tuple[Item, Value, int]] = {}
    for item in items:
        wanted = next((value for field, value in item.wanted.values.items() if field.crm == _STATE), None)
        if item.open and (wanted == RETIRED if item.id in drafts else item.late):
            before = ACTIVE if item.id in drafts else (item.target or {}).get(_STATE)
            decided[item.id] = (item, before, RETIRED if wanted == RETIRED else ACTIVE)
    await _set(context, scope, decided, "state")


async def _set(context: Context, scope: Scope, wanted: Mapping[str, tuple[Item, Value, int]], step: str) -> None:
    """Set states, each of a row that has the state that was compared; a new row is ours, and is not looked at."""
    left = {id: item for id, (item, _, _) in wanted.items()}
    for _ in range(_ROUNDS):
        if not left:
            return
        ids = [str(item.target_id) for item in left.values() if not item.created]
        rows = await context.crm.fetch(_PRODUCTS, _KEY, ids, (_KEY, _STATE)) if ids else {}
        writes = []
        for id, item in list(left.items()):
            _, before, state = wanted[id]
            row = rows.get(str(item.target_id))
            if row is not None and row[_STATE] not in (before, state):
                note(left, id, Result(id, Status.REJECTED, message=_CHANGED), step)
                continue
            etag = "*" if row is None else str(row[ETAG])
            writes.append(Write(id, WriteKind.UPDATE, _PRODUCTS, item.target_id, _values(state), etag))
        seen = [(left[one.key], rows.get(str(one.id), {}), one) for one in writes]
        updates = [({**(item.target or {}), **row}, one) for item, row, one in seen if not item.created]
        await record(context, scope, updates, bases=bases_of(left.values()))
        for id, result in (await context.crm.write(writes)).items() if writes else ():
            note(left, id, result, step)
            if result.status is Status.DONE:
                del left[id]
    give_up(left, step)


def _values(state: int) -> dict[str, int]:
    return {_STATE: state, "statuscode": _STATUS[state]}
