"""Find out what became of creates whose outcome nobody recorded (design.md section 6; reference/reliability.md section
2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from msgspec import structs

from engine.connectors.protocol import Row
from engine.mapping.transfer import FROM, TO
from engine.mapping.values import folded
from engine.model.errors import Brake, ConfigError
from engine.model.mapping import Direction
from engine.store.couplings import Coupling, born_in_nav
from engine.store.runs import Beat
from engine.store.work import Create, Intent, Scope, open_intents, settle_intent
from engine.sync.context import Context

GRACE = timedelta(seconds=1)


async def settle_intents(
    context: Context, run: int, scope: Scope | None = None, beats: Mapping[int, Beat] | None = None
) -> list[Create]:
    """Couple every create that happened and return those that did not; raises Brake when one record was created twice.

    What is missing may still arrive for a while, which is waited for. Those of `run` whose page is committed stay open:
    the pass must make them again at its end. All others are forgotten, but for those that carry no mark: nobody can
    tell what came of them. With a scope only intents of its mapping and direction are looked at, and only its own are
    returned. `beats` are the last signs of life of the engines that may have sent them: a create may have left long
    after it was recorded, behind others or put off by the service.
    """
    intents = await context.store.read(open_intents)
    again: list[Create] = []
    for intent in reversed(intents):  # what was sent again has the values of the last time, if any arrived
        if scope is not None and _way(intent.scope) != _way(scope):
            continue
        if intent.scope.mapping not in context.mappings:
            raise ConfigError(
                f"Records of {intent.scope.mapping} were sent and never answered, and that mapping is gone.",
                f"Put [mapping.{intent.scope.mapping}] back into config.toml until one run has settled them.",
            )
        left = left_at(context, intent.sent_at, (beats or {}).get(intent.scope.run))
        found, absent = await _by_id(context, intent, left)
        marked, unmarked = await _by_marker(context, intent, left)
        found, absent = await _free(context, intent.scope, [*found, *marked]), [*absent, *unmarked]
        own = intent.scope.run == run
        keep = [create for create in absent if create.unknowable or (own and create.read)]
        at = context.clock()
        await context.store.write(partial(settle_intent, one=intent, found=found, still_open=keep, at=at))
        if scope is None or intent.scope == scope:
            again.extend(absent)
    return again


def left_at(context: Context, sent_at: datetime, beat: Beat | None) -> datetime:
    """When writes left at the latest that were recorded at a moment, by our clock. That may have been set since: what
    is still to come was sent just now, and NAV's own clock may tell that less time has passed.
    """
    now, left = context.clock(), sent_at
    if beat is not None:
        left = max(left, beat.at)
        if beat.nav_at is not None and context.nav.now is not None:
            later = max(sent_at - beat.at, timedelta())
            left = max(left, now - max(context.nav.now - beat.nav_at - later, timedelta()))
    return min(left, now)


async def _free(context: Context, scope: Scope, found: list[Coupling]) -> list[Coupling]:
    """Those whose new record nobody coupled with another one meanwhile, as when their source was entered anew."""
    made = {(pair.crm_id if scope.direction is TO else pair.nav_id): pair for pair in found}
    taken = await context.taken(scope.mapping, scope.direction, list(made))
    return [pair for id, pair in made.items() if id not in taken]


def _way(scope: Scope) -> tuple[str, Direction]:
    return scope.mapping, scope.direction


@dataclass(frozen=True, slots=True)
class Doubts:
    """Creates in NAV of which nobody can tell whether they happened: CRM ids, and names that such records may have."""

    sources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def concern(self, id: str, name: str, one_way: Direction) -> bool:
        """Whether a record that is not coupled may be either side of a doubt, so that it must not be created."""
        return id in self.sources if one_way is FROM else str(folded(name)) in self.names


async def read_doubts(context: Context, mapping: str) -> Doubts:
    """The doubts about a mapping: creates without a mark that got no answer; they are never sent again unasked."""
    intents = await context.store.read(open_intents)
    creates = [
        create
        for intent in intents
        if (intent.scope.mapping, intent.scope.direction) == (mapping, FROM)
        for create in intent.creates
        if create.unknowable
    ]
    names = frozenset(str(folded(create.name)) for create in creates if create.name)
    return Doubts(frozenset(create.source_id for create in creates), names)


async def may_repeat(context: Context, scope: Scope) -> bool:
    """Whether a create of this pass under an id of ours can be sent again: the side that makes the record is known, by
    its answers or by what it once made, to keep the ids that it is given.
    """
    side, mapping = context.target(scope.direction), context.mappings[scope.mapping]
    if not side.client_ids or scope.direction is not FROM or side.keeps_ids(mapping.nav.entity):
        return side.client_ids
    made = await context.store.read(partial(born_in_nav, mapping=scope.mapping))
    return any(pair.nav_id == context.new_id(scope.mapping, pair.crm_id, pair.generation) for pair in made)


async def _by_id(context: Context, intent: Intent, sent_by: datetime) -> tuple[list[Coupling], list[Create]]:
    """Creates under an id of ours: those that exist happened. The others are absent once nothing can be under way any
    more; they are without their id where the service may have given them another one.
    """
    to_crm = intent.scope.direction is not FROM
    mapping = context.mappings[intent.scope.mapping]
    table = mapping.crm if to_crm else mapping.nav
    known = [create for create in intent.creates if create.target_id is not None]
    if not known:
        return [], []
    coupled = await _coupled(context, intent)
    left = [create for create in known if create.source_id not in coupled]
    target, ids = context.target(intent.scope.direction), [str(create.target_id) for create in left]
    columns = (table.key,) if to_crm else (table.key, table.number)
    rows = dict(await target.fetch(table.entity, table.key, ids, columns))
    if missing := [id for id in ids if id not in rows]:
        await wait_out(context, intent.scope.direction, sent_by)
        rows.update(await target.fetch(table.entity, table.key, missing, columns))
    found = [
        Coupling(
            create.source_id if to_crm else str(create.target_id),
            str(create.target_id) if to_crm else create.source_id,
            create.number if to_crm else str(rows[str(create.target_id)][table.number]),
            create.base or None,
            uncounted=True,
            born=intent.scope.born,
            generation=create.generation,
        )
        for create in left
        if create.target_id in rows
    ]
    absent = [create for create in left if create.target_id not in rows]
    if not absent or found or await may_repeat(context, intent.scope):
        return found, absent
    return found, [structs.replace(create, target_id=None) for create in absent]


async def _by_marker(context: Context, intent: Intent, sent_by: datetime) -> tuple[list[Coupling], list[Create]]:
    """Creates whose id the other side chose: found by the marker, once nothing can still be under way. Nothing tells of
    them on a side that has ids of ours by now.
    """
    side, table = context.nav, context.mappings[intent.scope.mapping].nav
    chosen = [create for create in intent.creates if create.target_id is None]
    coupled = await _coupled(context, intent) if chosen else set()
    creates = [create for create in chosen if create.source_id not in coupled]
    if side.client_ids:
        creates = [structs.replace(create, marker="") for create in creates]
    unmarked = [create for create in creates if create.unknowable]
    marked = [create for create in creates if not create.unknowable]
    if not marked:
        return [], unmarked
    await wait_out(context, FROM, sent_by)
    marker = marked[0].marker
    columns = (table.key, table.number, marker)
    rows: dict[str, list[Row]] = {}
    for row in await side.find(table.entity, marker, [create.source_id for create in marked], columns):
        rows.setdefault(str(row[marker]).lower(), []).append(row)
    found, absent = list[Coupling](), unmarked
    for create in marked:
        match rows.get(create.source_id, []):
            case []:
                absent.append(create)
            case [row]:
                found.append(
                    Coupling(
                        str(row[table.key]).lower(),
                        create.source_id,
                        str(row[table.number]),
                        create.base or None,
                        uncounted=True,
                        born="nav",
                        generation=create.generation,
                    )
                )
            case several:
                raise Brake(
                    f"{len(several)} {table.caption} records carry the mark of CRM record {create.source_id}: "
                    f"{_numbers(several, table.number)}.",
                    "Delete the ones too many in NAV, then resume.",
                )
    return found, absent


async def wait_out(context: Context, one_way: Direction, left: datetime) -> None:
    """Sleep until nothing can arrive any more that left at a moment, looking now and then whether the run must stop."""
    moment, name = context.arrived(one_way, left), "CRM" if one_way is TO else "NAV"
    while (more := moment + GRACE - context.clock()) > timedelta():
        context.wait_for(f"until {moment:%H:%M:%S} UTC for {name} to end what may still be under way")
        await context.checkpoint()
        await context.sleep(min(more.total_seconds(), 1.0))
    context.wait_for("")


async def _coupled(context: Context, intent: Intent) -> set[str]:
    """The source records whose creates are accounted for: they are coupled to a partner of that generation."""
    scope = intent.scope
    generations = {create.source_id: create.generation for create in intent.creates}
    known = await context.store.read(
        lambda connection: context.couplings.of(connection, scope.mapping, scope.direction, list(generations))
    )
    return {id for id, pair in known.items() if pair.generation >= generations[id]}


def _numbers(rows: Sequence[Row], name: str) -> str:
    return ", ".join(str(row[name]) for row in rows)
