"""One page of source records, from what was read to what can be committed."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs

from engine.connectors.protocol import Halted, Row, how_far
from engine.mapping.stamps import newest
from engine.mapping.templates import template_values
from engine.mapping.transfer import FROM, TO, Partners, Transferred, not_coupled, target_name, transfer
from engine.model.errors import Brake, ConnectionLost
from engine.model.mapping import Condition, FieldMapping, TableMapping
from engine.model.outcome import Action, Problem
from engine.store.couplings import Coupling
from engine.store.pages import PageResult
from engine.store.traces import any_unsettled
from engine.store.work import Create, Link, Scope
from engine.sync.brake import Losses
from engine.sync.context import Context
from engine.sync.deletions import end_hindered, uncouple_or_renew
from engine.sync.handling import handling_of
from engine.sync.handling.base import Handling, Prepared
from engine.sync.ids import choose_ids
from engine.sync.item import Item, Mode
from engine.sync.lookups import choices, partners
from engine.sync.marks import any_marked, match_by_mark
from engine.sync.matching import find_partners
from engine.sync.renames import Renames, follow_renames
from engine.sync.settling import Doubts, read_doubts
from engine.sync.spot import synchronize_now
from engine.sync.twins import refuse_twins
from engine.sync.waiting import asked, over, remember, to_ask
from engine.sync.writing import Writer


@dataclass(frozen=True, slots=True)
class Pass:
    """One mapping in one direction.

    `claimed` are the destination records that its own records have taken so far, `doubts` what may have been created
    already, `renames` what is known of records that were renamed. `since` limits it to records that were
    modified, `handled` have had their turn already. With `lead`, the source's values stand, whatever the other side
    has. `options` are the other sides of choices, `on_the_spot` lets one page at a time synchronize what it needs.
    `losses` counts the partners that are gone, where that stops a run. A pass that `looks_only` does not do so, nor
    anything else that the store would keep. `marked`: whether it may meet records with a mark.
    """

    context: Context
    scope: Scope
    mapping: TableMapping
    handling: Handling
    only_coupled: bool = False
    doubts: Doubts = field(default_factory=Doubts)
    renames: Renames = field(default_factory=Renames)
    claimed: set[str] = field(default_factory=set)
    since: tuple[Condition, ...] = ()
    handled: frozenset[str] = frozenset()
    lead: bool = False
    options: Partners = field(default_factory=dict)
    marked: bool = False
    on_the_spot: asyncio.Lock = field(default_factory=asyncio.Lock)
    losses: Losses | None = None
    looks_only: bool = False

    @classmethod
    async def of(cls, context: Context, scope: Scope, *, only_coupled: bool = False) -> "Pass":
        """The pass of a scope."""
        left = context.broken_off or await context.store.read(any_unsettled)  # by an earlier pass of this engine
        context = replace(context, broken_off=left)
        mapping = context.mappings[scope.mapping]
        unsure = await read_doubts(context, mapping.name)
        options = await choices(context, mapping, scope.direction)
        handling = handling_of(context, scope, mapping)
        marked = not only_coupled and await any_marked(context, scope, mapping)
        return cls(context, scope, mapping, handling, only_coupled, unsure, options=options, marked=marked)

    @classmethod
    async def after_renames(cls, context: Context, scope: Scope, *, only_coupled: bool = False) -> "Pass":
        """The same once couplings have followed records that were renamed."""
        renames = await follow_renames(context, scope, context.mappings[scope.mapping])
        return replace(await cls.of(context, scope, only_coupled=only_coupled), renames=renames)


async def work_page(
    one: Pass, rows: Sequence[Row], after: str | None, *, only: Collection[FieldMapping] | None = None
) -> PageResult:
    """Synchronize records and return what to commit. `only` limits the transfer to some fields of coupled records."""
    context, scope = one.context, one.scope
    source = one.mapping.table(scope.direction)
    items = await _items(one, rows)
    active = [item for item in items.values() if item.open]
    found = {**await partners(context, one.mapping, scope.direction, [item.row for item in active]), **one.options}
    prepared = await _prepare(one, {item.id: item.row for item in active}, alone=only is not None)
    hindered: list[tuple[Item, Problem | None]] = []
    for item in active:
        problem = prepared.problems.get(item.id)
        if problem is None and item.id not in prepared.left_out:
            item.wanted = _transfer(one, item, found, prepared.derived.get(item.id, {}))
            item.warnings.extend(item.wanted.warnings)
            problem = item.wanted.problem
        if problem is not None or item.id in prepared.left_out:
            hindered.append((item, problem))
        elif only is not None:
            values = {field: value for field, value in item.wanted.values.items() if field in only}
            item.wanted = replace(item.wanted, values=values)
    await end_hindered(context, one.mapping, scope.direction, hindered, mend=only is None, losses=one.losses)
    await refuse_twins(context, scope, [item for item in active if item.open and not item.gone])
    active = [item for item in active if item.open]
    await _match(one, [item for item in active if item.mode is Mode.CREATE], found)
    for item in active:
        if item.id in prepared.as_is and item.mode is not Mode.CREATE:
            item.wanted = replace(item.wanted, values={})
    writer = Writer(context, scope, one.mapping, mend=only is None, lead=one.lead, losses=one.losses)
    try:
        await writer.write([item for item in active if item.open and not item.gone])
        if gone := [item for item in active if item.gone]:
            partner = one.mapping.crm if scope.direction is TO else one.mapping.nav
            moment_ago = {item.id for item in gone if scope.direction is not TO and one.renames.doubtful(item.coupling)}
            doubtful = one.doubts.sources | one.renames.unsure | moment_ago
            renewed = uncouple_or_renew(one.mapping.deletion, scope.direction, partner, gone, doubtful)
            await _match(one, renewed, found)
            await writer.write([item for item in renewed if item.open])
        for item in active:
            item.warnings.extend(_never_linked(one, item))
        if only is None:
            await one.handling.complete([item for item in active if item.open])
    except (Halted, ConnectionLost, Brake) as end:
        await writer.let_go(active, how_far(end))
        raise
    to_ask(active, scope, one.mapping.conflict)
    for item in active:
        if item.open:
            item.succeed(_action(item), scope.direction)
    uncoupled = [item.lost.nav_id for item in active if item.lost is not None and (item.settled or item.gone)]
    marker = context.target(scope.direction).marker or ""
    return PageResult(
        after=after,
        last_key=str(rows[-1][source.key]),
        read=len(items),
        outcomes=[item.outcome for item in items.values() if item.outcome is not None],
        pairs=[pair for item in items.values() if (pair := _pair(item, scope)) is not None],
        links=[link for item in active if item.settled for link in _links(item, scope)],
        intents=writer.intents,
        left_open=[
            Create(item.id, item.number, None, item.generation, item.name, marker, item.base or b"", read=True)
            for item in active
            if item.doubt
        ],
        newest=newest(source, rows),
        removed=uncoupled,
        conflicts=asked(context, scope, active),
        cleared=over(active),
        answered=_answered(one, [item for item in active if not item.unsettled or _compared(item, only, prepared)]),
    )


async def _prepare(one: Pass, rows: Mapping[str, Row], *, alone: bool) -> Prepared:
    """What the special handling has for the records, once what they need is there."""
    prepared = await one.handling.prepare(rows)
    if not prepared.needs or alone or one.only_coupled or one.looks_only:
        return prepared
    async with one.on_the_spot:
        prepared = await one.handling.prepare(rows)
        await synchronize_now(one.context, one.scope, prepared.needs)
    return await one.handling.prepare(rows)


async def _match(one: Pass, items: Sequence[Item], found: Partners) -> None:
    """Couple uncoupled records with their matches, and prepare the others to be created."""
    context, scope = one.context, one.scope
    if one.marked:
        await match_by_mark(context, scope, one.mapping, items, one.claimed)
    await find_partners(context, scope, one.mapping, items, found, one.claimed)
    for item in items:
        if item.open and item.mode is Mode.CREATE and one.doubts.concern(item.id, item.name, scope.direction):
            item.fail(IN_DOUBT, one_way=scope.direction)
        hindrance = one.renames.hinders(scope.direction, item.id)
        if item.open and item.mode is Mode.CREATE and hindrance is not None:
            item.fail(hindrance, one_way=scope.direction)
    creates = [item for item in items if item.open and item.mode is Mode.CREATE]
    if context.target(scope.direction).client_ids:
        await choose_ids(context, scope, creates)
        one.claimed.update(str(item.target_id) for item in creates)
    await one.handling.before_create(creates)
    for item in creates:
        _start(one, item)


async def _items(one: Pass, rows: Sequence[Row]) -> dict[str, Item]:
    """The records by id, with their couplings; uncoupled ones are skipped when only coupled ones are wanted."""
    scope = one.scope
    table = one.mapping.table(scope.direction)
    by_id = {id: row for row in rows if (id := str(row[table.key]).lower()) not in one.handled}
    couplings = await one.context.store.read(
        lambda connection: one.context.couplings.of(connection, scope.mapping, scope.direction, list(by_id))
    )
    uncoupled = [id for id in by_id if id not in couplings]
    elsewhere = await one.context.store.read(
        lambda connection: one.context.couplings.elsewhere(connection, scope.mapping, scope.direction, uncoupled)
    )
    items: dict[str, Item] = {}
    for id, row in by_id.items():
        item = Item(id, row, str(row.get(table.number) or ""), str(row.get(table.name) or ""))
        coupling = couplings.get(id)
        if coupling is not None:
            item.coupling = coupling
            item.uncounted = coupling.uncounted and coupling.born == scope.born
            item.target_id = coupling.crm_id if scope.direction is TO else coupling.nav_id
            item.target_number = "" if scope.direction is TO else coupling.nav_no
        else:
            item.mode = Mode.CREATE
            if id in elsewhere:
                item.warnings.append(COUPLED_ELSEWHERE)
                item.skip(scope.direction)
            elif one.only_coupled:
                item.skip(scope.direction)
        items[id] = item
    await remember(one.context, scope, list(items.values()))
    return items


def _start(one: Pass, item: Item) -> None:
    """Let a new record start with what its template says, whatever was transferred."""
    one_way = one.scope.direction
    values = template_values(one.mapping, one_way, item.row)
    if not values:
        return
    mapped = {target_name(f, one_way): f for f in one.mapping.fields if f.direction.includes(one_way)}
    own = {mapped[name]: value for name, value in values.items() if name in mapped}
    item.wanted = replace(item.wanted, values={**item.wanted.values, **own})
    item.extra = {**{name: value for name, value in values.items() if name not in mapped}, **item.extra}


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


def _never_linked(one: Pass, item: Item) -> list[Problem]:
    """Warnings of lookups that were left alone and whose mapping was done before this one in the run."""
    if not item.wanted.waiting:
        return []
    names = list(one.context.mappings)
    later = names[names.index(one.scope.mapping) :]
    return [
        not_coupled(waiting.field, waiting.value, one.scope.direction)
        for waiting in item.wanted.waiting
        if waiting.field.lookup not in later
    ]


def _action(item: Item) -> Action:
    if item.new:
        return Action.INSERTED
    return Action.MODIFIED if item.written else Action.UNCHANGED


COUPLED_ELSEWHERE = Problem(
    "coupled_elsewhere",
    "another mapping of these tables has coupled it",
    "The record is coupled by another mapping of the same two tables, so this one leaves it alone.",
    "Keep the filters of the two mappings apart; to move the record, remove its coupling first.",
)
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
        kept = item.coupling or item.lost if not (item.lost and item.gone) else None
        return structs.replace(kept, uncounted=False) if kept is not None and item.uncounted else None
    to_crm = scope.direction is TO
    nav_id, crm_id = (item.id, item.target_id) if to_crm else (item.target_id, item.id)
    number = item.number if to_crm else item.target_number
    old = item.coupling
    base = item.base if item.base is not None or old is None else old.base
    left = old is not None and old.uncounted and not item.uncounted  # for the pass in the other direction to count
    if old is not None and (old.nav_no, old.base, old.uncounted) == (number, base, left):
        return None
    same = old is not None and (old.nav_id, old.crm_id, old.nav_no) == (nav_id, crm_id, number)
    if scope.plan and old is not None and (old.planned or same):
        return None  # a plan keeps pairs and no base
    born = scope.born if item.created else None
    return Coupling(nav_id, crm_id, number, base, uncounted=left, born=born, generation=item.generation)


def _compared(item: Item, only: Collection[FieldMapping] | None, prepared: Prepared) -> bool:
    """Whether all that is mapped of a record was compared with its partner."""
    return only is None and item.id not in prepared.as_is


def _answered(one: Pass, items: list[Item]) -> dict[str, dict[str, frozenset[str]]]:
    """The rows of both sides, by entity, of which it is known what came of all that was sent to them, each with the
    columns of which it is not: those that are left, and lookups without a partner, which were not compared. Once an
    update of ours was done to a partner, nothing can arrive there any more that was sent before.
    """
    one_way, back = one.scope.direction, FROM if one.scope.direction is TO else TO
    known = [item for item in items if item.answered and item.target_id is not None]
    here = {item.id: item for item in known if back not in item.under_way}
    there = {str(item.target_id): item for item in known if item.updated or one_way not in item.under_way}
    nav, crm = (here, there) if one_way is TO else (there, here)
    return {
        one.mapping.nav.entity: {id: frozenset(field.nav for field in _left(item)) for id, item in nav.items()},
        one.mapping.crm.entity: {id: frozenset(field.column for field in _left(item)) for id, item in crm.items()},
    }


def _left(item: Item) -> frozenset[FieldMapping]:
    unseen = {*(waiting.field for waiting in item.wanted.waiting), *item.wanted.lost} if item.unsettled else ()
    return item.left.union(unseen)


def _links(item: Item, scope: Scope) -> list[Link]:
    """What must be written once its partner is coupled."""
    mapping, one_way = scope.mapping, scope.direction
    fields = [waiting.field for waiting in item.wanted.waiting]
    return [Link(mapping, one_way, item.id, one.lookup, target_name(one, one_way)) for one in fields]
