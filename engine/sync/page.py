"""One page of source records, from what was read to what can be committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.connectors.protocol import Row
from engine.mapping.transfer import TO, Transferred, transfer
from engine.model.mapping import FieldMapping, TableMapping
from engine.model.outcome import Action, Problem
from engine.store.couplings import Coupling
from engine.store.work import Create, Link, PageResult, Scope
from engine.sync.context import Context
from engine.sync.handling import handling_of
from engine.sync.handling.base import Handling
from engine.sync.item import Item, Mode
from engine.sync.lookups import partners
from engine.sync.matching import find_partners
from engine.sync.settling import Doubts, read_doubts
from engine.sync.writing import Writer


@dataclass(frozen=True, slots=True)
class Pass:
    """One mapping in one direction.

    `claimed` are the destination records that its own records have taken so far, `doubts` what may have been created
    already.
    """

    context: Context
    scope: Scope
    mapping: TableMapping
    handling: Handling
    only_coupled: bool = False
    doubts: Doubts = field(default_factory=Doubts)
    claimed: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, context: Context, scope: Scope, *, only_coupled: bool = False) -> "Pass":
        """The pass of a scope."""
        mapping = context.mappings[scope.mapping]
        unsure = await read_doubts(context, mapping.name)
        return cls(context, scope, mapping, handling_of(context, scope, mapping), only_coupled, unsure)


async def work_page(
    one: Pass, rows: Sequence[Row], after: str | None, *, only: FieldMapping | None = None
) -> PageResult:
    """Synchronize records and return what to commit. `only` limits the transfer to one field of coupled records."""
    context, scope = one.context, one.scope
    source = one.mapping.table(scope.direction)
    items = await _items(one, rows)
    active = [item for item in items.values() if item.open]
    found = await partners(context, one.mapping, scope.direction, [item.row for item in active])
    prepared = await one.handling.prepare({item.id: item.row for item in active})
    for item in active:
        if item.id in prepared.left_out:
            item.skip(scope.direction)
            continue
        if (problem := prepared.problems.get(item.id)) is not None:
            item.fail(problem, one_way=scope.direction)
            continue
        item.wanted = _transfer(one, item, found, prepared.derived.get(item.id, {}))
        if item.wanted.problem is not None:
            item.fail(item.wanted.problem, one_way=scope.direction)
        elif only is not None:
            item.wanted = replace(item.wanted, values={f: v for f, v in item.wanted.values.items() if f is only})
        item.warnings.extend(item.wanted.warnings)
    active = [item for item in active if item.open]
    new = [item for item in active if item.mode is Mode.CREATE]
    await find_partners(context, scope, one.mapping, new, found, one.claimed)
    for item in new:
        if item.open and item.mode is Mode.CREATE and one.doubts.concern(item.id, item.name, scope.direction):
            item.fail(IN_DOUBT, one_way=scope.direction)
    creates = [item for item in new if item.open and item.mode is Mode.CREATE]
    if context.target(scope.direction).client_ids:
        for item in creates:
            item.target_id = context.new_id(scope.mapping, item.id)
            one.claimed.add(item.target_id)
    await one.handling.before_create(creates)
    writer = Writer(context, scope, one.mapping)
    await writer.write([item for item in active if item.open])
    if only is None:
        await one.handling.complete([item for item in active if item.open])
    for item in active:
        if item.open:
            item.succeed(_action(item), scope.direction)
    marker = context.target(scope.direction).marker or ""
    return PageResult(
        after=after,
        last_key=str(rows[-1][source.key]),
        read=len(rows),
        outcomes=[item.outcome for item in items.values() if item.outcome is not None],
        pairs=[pair for item in active if (pair := _pair(item, scope)) is not None],
        links=[link for item in active if item.settled for link in _links(item, scope)],
        intents=writer.intents,
        left_open=[Create(item.id, item.number, None, item.name, marker) for item in active if item.doubt],
    )


async def _items(one: Pass, rows: Sequence[Row]) -> dict[str, Item]:
    """The records by id, with their couplings; uncoupled ones are skipped when only coupled ones are wanted."""
    scope = one.scope
    table = one.mapping.table(scope.direction)
    by_id = {str(row[table.key]).lower(): row for row in rows}
    couplings = await one.context.store.read(
        lambda connection: one.context.couplings.of(connection, scope.mapping, scope.direction, list(by_id))
    )
    items: dict[str, Item] = {}
    for id, row in by_id.items():
        item = Item(id, row, str(row.get(table.number) or ""), str(row.get(table.name) or ""))
        coupling = couplings.get(id)
        if coupling is not None:
            item.coupling = coupling
            item.target_id = coupling.crm_id if scope.direction is TO else coupling.nav_id
            item.target_number = "" if scope.direction is TO else coupling.nav_no
        else:
            item.mode = Mode.CREATE
            if one.only_coupled:
                item.skip(scope.direction)
        items[id] = item
    return items


def _transfer(
    one: Pass, item: Item, found: Mapping[str, Mapping[str, str]], derived: Mapping[str, object]
) -> Transferred:
    try:
        return transfer(one.mapping, one.scope.direction, item.row, found, derived)  # type: ignore[arg-type]  # values of handlings
    except (ArithmeticError, ValueError) as error:
        problem = Problem(
            "value",
            "a value cannot be converted",
            f"A value of the record cannot be converted: {error}",
            "Mend the value on the side it comes from and run again.",
        )
        return Transferred({}, problem=problem)


def _action(item: Item) -> Action:
    if item.new:
        return Action.INSERTED
    return Action.MODIFIED if item.written else Action.UNCHANGED


IN_DOUBT = Problem(
    "in_doubt",
    "it may have been created already",
    "An earlier create got no answer, and without a marker field nobody can tell what came of it; it is not repeated.",
    "Look for the record in NAV and couple it by hand; set [nav] marker_field, so that it cannot happen again.",
)


def _pair(item: Item, scope: Scope) -> Coupling | None:
    """The coupling to store: a new one, or one whose number or remembered values changed."""
    if not item.settled or item.target_id is None:
        # what was made before an end and fails now is counted as failed, and not a second time as made
        return (
            replace(item.coupling, uncounted=False) if item.coupling is not None and item.coupling.uncounted else None
        )
    to_crm = scope.direction is TO
    nav_id, crm_id = (item.id, item.target_id) if to_crm else (item.target_id, item.id)
    number = item.number if to_crm else item.target_number
    old = item.coupling
    base = item.base if item.base is not None or old is None else old.base
    if old is not None and (old.nav_no, old.base, old.uncounted) == (number, base, False):
        return None
    if old is not None and old.planned:
        return None
    return Coupling(nav_id, crm_id, number, base)


def _links(item: Item, scope: Scope) -> list[Link]:
    """What must be written once its partner is coupled."""
    return [Link(scope.mapping, scope.direction, item.id, waiting.field.lookup) for waiting in item.wanted.waiting]
