"""One pass: read ahead, work on several pages at once, commit them in order (design.md section 5)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from msgspec import structs

from engine.connectors.protocol import Halted, Query, Row
from engine.mapping.stamps import changed_since
from engine.mapping.transfer import TO
from engine.model.mapping import Condition, Direction, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store import couplings, watermarks
from engine.store.pages import PageResult, add_page, commit_page
from engine.store.runs import add_event
from engine.store.work import Create, Scope, begin_slice, finish_slice, open_intents, take_slice, with_outcome
from engine.sync.brake import Losses
from engine.sync.context import Context, StopRequested
from engine.sync.page import IN_DOUBT, Pass, work_page
from engine.sync.retries import retry_first
from engine.sync.settling import settle_intents
from engine.sync.twins import marked_columns
from engine.sync.waiting import close_conflicts

_PAGES_AT_ONCE = 3
_FAILURES_SHOWN = 3
_LAST_LOOKS = 4
_UNKNOWN_CLOCK = timedelta(minutes=5)
"""How far the clock of a service that does not tell the time may be behind ours."""


async def run_pass(context: Context, scope: Scope, *, only_coupled: bool, modified: bool = False) -> None:
    """Synchronize all records of a pass from where it was left; any number of calls has the effect of one.

    `modified` limits it to records that failed before, then those that were modified since the watermark.
    """
    epoch, cursor, done = await context.store.write(partial(take_slice, scope=scope))
    if done:
        return
    source_at = context.source(scope.direction).now or context.clock() - _UNKNOWN_CLOCK
    await context.store.write(partial(begin_slice, scope=scope, source_at=source_at))
    one = replace(
        await Pass.after_renames(context, scope, only_coupled=only_coupled),
        losses=Losses(context.mappings[scope.mapping]),
    )
    if modified:
        one = await retry_first(replace(one, since=await modified_since(context, one.mapping, scope.direction)))
    await _work(one, epoch, cursor)
    if not scope.plan:
        await close_pass(one)
        await close_conflicts(context, scope, one.mapping)
    await context.store.write(partial(finish_slice, scope=scope, epoch=epoch))


async def modified_since(context: Context, mapping: TableMapping, one_way: Direction) -> tuple[Condition, ...]:
    """What records of a source meet that nobody has looked at since they were modified."""
    mark = await context.store.read(partial(watermarks.get, mapping=mapping.name, one_way=one_way))
    return changed_since(mapping.table(one_way), mark, seconds=one_way is not TO)


async def _work(one: Pass, epoch: int, cursor: str | None) -> None:
    """Pages in flight, oldest first; a page is committed when all before it are, so that the cursor never skips one."""
    # NAV numbers some records after those that there are
    width = _PAGES_AT_ONCE if one.scope.direction is TO else 1
    flight: list[asyncio.Task[PageResult]] = []
    try:
        async for rows, after in _read_ahead(one, cursor):
            await one.context.checkpoint()
            flight.append(asyncio.create_task(work_page(one, rows, after)))
            while len(flight) >= width:
                await _commit(one, epoch, await flight[0])
                del flight[0]
        await _drain(one, epoch, flight)
    except (StopRequested, Halted):
        await asyncio.gather(*flight, return_exceptions=True)  # no request is cut off
        await _drain(one, epoch, flight)
        raise
    finally:
        for task in flight:
            task.cancel()
        await asyncio.gather(*flight, return_exceptions=True)


async def _drain(one: Pass, epoch: int, flight: list[asyncio.Task[PageResult]]) -> None:
    """Bring what is under way to its end."""
    while flight:
        await _commit(one, epoch, await flight[0])
        del flight[0]


async def _read_ahead(one: Pass, cursor: str | None) -> AsyncIterator[tuple[list[Row], str | None]]:
    """The pages behind the cursor, each with the cursor before it; the next one is read while one is worked on."""
    table = one.mapping.table(one.scope.direction)
    columns = marked_columns(one.context, one.mapping, one.scope.direction)
    query = Query(table.entity, table.key, columns, (*table.filter, *one.since), cursor, one.context.page_size)
    pages = one.context.source(one.scope.direction).pages(query)
    upcoming = asyncio.ensure_future(anext(pages, None))
    try:
        while (rows := await upcoming) is not None:
            upcoming = asyncio.ensure_future(anext(pages, None))
            if rows:
                yield rows, cursor
                cursor = str(rows[-1][table.key])
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)


async def _commit(one: Pass, epoch: int, result: PageResult) -> None:
    at = one.context.clock()

    def commit(connection: sa.Connection) -> None:
        commit_page(connection, one.scope, epoch, result, at)
        for text in _tail(result):
            add_event(connection, one.scope.run, one.scope.mapping, text, at)

    await one.context.store.write(commit)


def _tail(result: PageResult) -> Iterator[str]:
    """The lines that operators see of a page: what it did, and the first records that failed."""
    done = Counter(outcome.action for outcome in result.outcomes)
    words = [f"{done[action]:,} {action.value}" for action in Action if done[action]]
    yield f"{result.read:,} read: {', '.join(words) or 'none takes part'}"
    failed = [outcome for outcome in result.outcomes if outcome.action is Action.FAILED and outcome.problem is not None]
    for outcome in failed[:_FAILURES_SHOWN]:
        cause = outcome.problem.cause if outcome.problem is not None else ""
        yield f"{outcome.nav_no} {outcome.name} FAIL {cause}"


async def close_pass(one: Pass) -> None:
    """Make what turned out not to have been made, and count what was made and that no page has counted."""
    context, scope = one.context, one.scope
    for number in range(_LAST_LOOKS):
        again = await settle_intents(context, scope.run, scope)
        unsure = list({create.source_id: create for create in again if create.unknowable}.values())
        # others are of pages that an engine could not commit: those were read anew
        lost = [create for create in again if create.read and not create.unknowable]
        if number == 0:
            await _tell_doubts(one, unsure)
        if not lost:
            break
        if number < _LAST_LOOKS - 1:
            await _repeat(one, lost, unsure)
        else:
            outcomes = [_left(one, create, Action.FAILED, _UNANSWERED) for create in lost]
            done = await _intents(one)
            await _add(one, PageResult(None, "given up", 0, outcomes, [], intents=done, left_open=unsure))
    left = await context.store.read(partial(couplings.uncounted, mapping=scope.mapping, born=scope.born))
    if left:
        await _count(one, left)


async def close_again(context: Context, scope: Scope) -> None:
    """Close a pass that may be done: records of it are made on the spot for others, and an engine may not have heard
    what became of these, or have died before it counted them.
    """
    if scope.plan:
        return
    intents = await context.store.read(open_intents)
    left = await context.store.read(partial(couplings.uncounted, mapping=scope.mapping, born=scope.born))
    if left or any(intent.scope == scope for intent in intents):
        await close_pass(await Pass.after_renames(context, scope))


async def _tell_doubts(one: Pass, unsure: list[Create]) -> None:
    """Give an outcome to the creates of which nobody can tell; their intents stay open, so they are never repeated.
    Also where the source is gone before its page was read anew: what may have been made of it is to be looked for.
    """
    ids = [create.source_id for create in unsure]
    told = await one.context.store.read(partial(with_outcome, scope=one.scope, ids=ids))
    outcomes = [_left(one, create, Action.FAILED, IN_DOUBT) for create in unsure if create.source_id not in told]
    if outcomes:
        await _add(one, PageResult(None, "in doubt", 0, outcomes, []))


def _left(one: Pass, create: Create, action: Action, problem: Problem) -> Outcome:
    if one.scope.direction is TO:
        return Outcome(create.source_id, action, create.number, create.name, nav_id=create.source_id, problem=problem)
    return Outcome(create.source_id, action, name=create.name, crm_id=create.source_id, problem=problem)


async def _repeat(one: Pass, lost: list[Create], unsure: list[Create]) -> None:
    """Work again on records whose page is committed but that were not created after all."""
    old = await _intents(one)
    rows = await _sources(one, [create.source_id for create in lost])
    result = await work_page(replace(one, handled=frozenset()), rows, None) if rows else PageResult(None, "", 0, [], [])
    key = one.mapping.table(one.scope.direction).key
    there = {str(row[key]).lower() for row in rows}
    gone = [_left(one, create, Action.SKIPPED, _GONE) for create in lost if create.source_id not in there]
    repeated = replace(
        result,
        last_key=f"repeat {max(old)}",
        read=0,
        outcomes=[*result.outcomes, *gone],
        intents=[*result.intents, *old],
        left_open=[*result.left_open, *unsure],
    )
    await _add(one, repeated)


async def _count(one: Pass, left: list[couplings.Coupling]) -> None:
    """Count records that were found to have been created, and complete them: so far nothing but themselves is there."""
    to_crm = one.scope.direction is TO
    by_source = {pair.nav_id if to_crm else pair.crm_id: pair for pair in left}
    rows = await _sources(one, list(by_source))
    result = await work_page(replace(one, handled=frozenset()), rows, None) if rows else PageResult(None, "", 0, [], [])
    done = {outcome.source_id for outcome in result.outcomes}
    # the source is gone meanwhile, or takes part no more
    gone = {id: pair for id, pair in by_source.items() if id not in done}
    outcomes = [*result.outcomes, *(Outcome(id, Action.INSERTED) for id in gone)]
    # whose partner was deleted at once has a new one by now, or none
    known = {*result.removed, *(pair.nav_id for pair in result.pairs)}
    pairs = [*result.pairs, *(structs.replace(pair, uncounted=False) for pair in left if pair.nav_id not in known)]
    await _add(one, replace(result, last_key="settled", read=0, outcomes=outcomes, pairs=pairs))


async def _sources(one: Pass, ids: list[str]) -> list[Row]:
    """Those of some source records that are there and still take part."""
    table = one.mapping.table(one.scope.direction)
    columns = marked_columns(one.context, one.mapping, one.scope.direction)
    return await one.context.source(one.scope.direction).find(table.entity, table.key, ids, columns, table.filter)


async def _intents(one: Pass) -> list[int]:
    return [intent.id for intent in await one.context.store.read(open_intents) if intent.scope == one.scope]


async def _add(one: Pass, result: PageResult) -> None:
    """Commit what is no page of the source, under a key of its own: a resumed pass may come here again."""
    at = one.context.clock()
    result = replace(result, last_key=f"{result.last_key} {at.isoformat()}")
    await one.context.store.write(partial(add_page, scope=one.scope, result=result, at=at))


_UNANSWERED = Problem(
    "unanswered",
    "NAV did not answer and did not create it",
    "NAV was asked several times to create the record; no answer came, and the record is not there.",
    "See what is wrong with NAV or the line to it, then run again.",
)
_GONE = Problem(
    "gone",
    "it was there no more when it was to be created",
    "The record was read, but nothing could be created for it at once; then it was deleted, or left the table filter.",
    "Nothing is to be done, unless it should not have been deleted.",
)
