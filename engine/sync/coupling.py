"""Couplings that operators make by hand: of two records, or of one with a partner that is made for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import Row, Side
from engine.mapping.transfer import FROM, TO
from engine.model.mapping import Direction, Table, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.model.records import is_guid
from engine.store import troubles
from engine.store.couplings import Coupling, Couplings
from engine.store.pages import PageResult, add_page
from engine.store.work import Scope
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.page import Pass, work_page
from engine.sync.passes import close_pass

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The id of a record that was not found."""


@dataclass(frozen=True, slots=True)
class Named:
    """A record that was asked for, with what messages call it."""

    id: str
    row: Row
    number: str
    name: str


async def couple(context: Context, scope: Scope, nav: str, crm: str, follow: Scope | None) -> None:
    """Couple a NAV record, by number or id, and a CRM row, by id; `follow` synchronizes them in its direction."""
    mapping = context.mappings[scope.mapping]
    ours = await find_record(context.nav, mapping.nav, nav, source_columns(mapping, TO))
    theirs = await find_record(context.crm, mapping.crm, crm, source_columns(mapping, FROM))
    problem = _missing(mapping, nav, crm, ours, theirs)
    if problem is None and ours is not None and theirs is not None:
        problem = await hindrance(context, mapping, ours, theirs)
    if problem is not None or ours is None or theirs is None:
        await _refuse(context, scope, ours, theirs, problem)
        return
    pair = Coupling(ours.id, theirs.id, ours.number)
    done = Outcome(ours.id, Action.COUPLED, ours.number, ours.name, ours.id, theirs.id)
    await commit(context, scope, PageResult(None, ours.id, 1, [done], [pair], ledger=False))
    if follow is not None:
        one = replace(await Pass.of(context, follow, only_coupled=True), lead=True)
        await work_records(one, [(ours if follow.direction is TO else theirs).row], ours.id)


async def create_partner(context: Context, scope: Scope, name: str) -> None:
    """Make the partner of a record, as a pass would: match before create, and exactly once.

    The table filter is not asked: an operator means this record.
    """
    one_way = scope.direction
    mapping = context.mappings[scope.mapping]
    table = mapping.table(one_way)
    found = await find_record(context.source(one_way), table, name, source_columns(mapping, one_way))
    if found is None:
        await _refuse(context, scope, None, None, _absent(one_way, table, name))
        return
    coupled = await context.store.read(
        lambda connection: context.couplings.of(connection, mapping.name, one_way, [found.id])
    )
    if (pair := coupled.get(found.id)) is not None:
        partner = pair.crm_id if one_way is TO else pair.nav_no
        other = mapping.crm if one_way is TO else mapping.nav
        problem = _already(_called(table, found), f"a new {other.caption}", f"{other.caption} {partner}")
        await _refuse(context, scope, found if one_way is TO else None, found if one_way is FROM else None, problem)
        return
    await work_records(await Pass.after_renames(context, scope), [found.row], found.id)


async def work_records(one: Pass, rows: Sequence[Row], key: str) -> PageResult:
    """Synchronize some records of a pass and settle what is unknown; each of them has an outcome then."""
    scope = one.scope
    table = one.mapping.table(scope.direction)
    result = await work_page(one, rows, None)
    told = [_told(outcome) for outcome in result.outcomes]
    known = {outcome.source_id for outcome in told} | {create.source_id for create in result.left_open}
    left_out = [
        Outcome(id, Action.FAILED, str(row.get(table.number) or ""), str(row.get(table.name) or ""), problem=_LEFT_OUT)
        for row in rows
        if (id := str(row[table.key]).lower()) not in known
    ]
    await commit(one.context, scope, replace(result, last_key=key, outcomes=[*told, *left_out]))
    await close_pass(one)
    return result


def _told(outcome: Outcome) -> Outcome:
    """A job over a whole table skips what takes no part without a word; somebody who named a record is told."""
    if outcome.action is not Action.SKIPPED or outcome.problem is not None:
        return outcome
    why = outcome.warnings[0] if outcome.warnings else _LEFT_OUT
    return replace(outcome, action=Action.FAILED, problem=why, warnings=())


async def find_record(side: Side, table: Table, name: str, columns: tuple[str, ...]) -> Named | None:
    """A record by id, else the only one of that number; None when there is none."""
    rows: list[Row] = []
    if is_guid(name):
        rows = list((await side.fetch(table.entity, table.key, [name.lower()], columns)).values())
    elif table.number != table.name:
        rows = await side.find(table.entity, table.number, [name], columns)
    if len(rows) != 1:
        return None
    row = rows[0]
    return Named(str(row[table.key]).lower(), row, str(row.get(table.number) or ""), str(row.get(table.name) or ""))


async def hindrance(context: Context, mapping: TableMapping, ours: Named, theirs: Named) -> Problem | None:
    """Why two records that exist cannot be coupled: one of them has another partner."""
    pair = Coupling(ours.id, theirs.id, ours.number)
    names = (_called(mapping.nav, ours), _called(mapping.crm, theirs))
    return await context.store.read(
        partial(hindered, couplings=context.couplings, mapping=mapping, pair=pair, names=names)
    )


def hindered(
    connection: sa.Connection, couplings: Couplings, mapping: TableMapping, pair: Coupling, names: tuple[str, str]
) -> Problem | None:
    """What keeps a pair from being coupled, when something does; `names` are what messages call its two records."""
    x, y = names
    by_nav = couplings.of(connection, mapping.name, TO, [pair.nav_id])
    if (found := by_nav.get(pair.nav_id)) is not None:
        return _already(x, y, f"{mapping.crm.caption} {found.crm_id}")
    by_crm = couplings.of(connection, mapping.name, FROM, [pair.crm_id])
    if (found := by_crm.get(pair.crm_id)) is not None:
        return _already(y, x, f"{mapping.nav.caption} {found.nav_no or found.nav_id}")
    elsewhere = couplings.elsewhere(connection, mapping.name, TO, [pair.nav_id])
    if elsewhere or couplings.taken(connection, mapping.name, TO, [pair.crm_id]):
        return _already(x if elsewhere else y, y if elsewhere else x, "a record of another mapping of these tables")
    return None


async def commit(context: Context, scope: Scope, result: PageResult, *, both: bool = False) -> None:
    """Commit what was done to some records; `both` forgets earlier failures of either side of removed couplings."""
    at = context.clock()

    def work(connection: sa.Connection) -> None:
        add_page(connection, scope, result, at)
        if both:
            troubles.forget(connection, scope.mapping, TO, [one.nav_id for one in result.outcomes if one.nav_id])
            troubles.forget(connection, scope.mapping, FROM, [one.crm_id for one in result.outcomes if one.crm_id])

    await context.store.write(work)


async def _refuse(
    context: Context, scope: Scope, ours: Named | None, theirs: Named | None, problem: Problem | None
) -> None:
    known = ours or theirs
    outcome = Outcome(
        known.id if known is not None else NOBODY,
        Action.FAILED,
        ours.number if ours is not None else "",
        known.name if known is not None else "",
        ours.id if ours is not None else None,
        theirs.id if theirs is not None else None,
        problem=problem,
    )
    await commit(context, scope, PageResult(None, outcome.source_id, 1, [outcome], [], ledger=False))


def _missing(mapping: TableMapping, nav: str, crm: str, ours: Named | None, theirs: Named | None) -> Problem | None:
    if ours is None:
        return _absent(TO, mapping.nav, nav)
    return _absent(FROM, mapping.crm, crm) if theirs is None else None


def _absent(one_way: Direction, table: Table, name: str) -> Problem:
    side = "NAV" if one_way is TO else "CRM"
    return Problem(
        "no_record",
        f"{side} has no such {table.caption} record",
        f"{side} has no {table.caption} record {name}.",
        "Name a NAV record by its number or id, a CRM row by its id.",
    )


def _already(x: str, y: str, z: str) -> Problem:
    return Problem(
        "already_coupled",
        "one of the records is already coupled",
        f"cannot couple {x} to {y} because it is already coupled to {z}",
        "Uncouple it first with `coupler uncouple`, or leave it as it is.",
    )


def _called(table: Table, record: Named) -> str:
    number = record.number if table.number != table.name else record.name
    return f"{table.caption} {number or record.id}"


_LEFT_OUT = Problem(
    "left_out",
    "the record does not take part in the mapping",
    "The mapping leaves the record out, such as a contact whose company is no customer.",
    "Look at what the mapping asks of its records.",
)
