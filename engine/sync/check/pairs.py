"""Coupled pairs: whether both records are there, and what a synchronization would write."""

from collections.abc import AsyncIterator, Iterator, Sequence

from engine.connectors.protocol import Query, Reference, Result, Side, Write, WriteKind
from engine.mapping.transfer import FROM, TO
from engine.model.check import Finding, What
from engine.model.mapping import Direction, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store.work import Scope
from engine.sync.brake import DELETED
from engine.sync.broken import broken
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.dry import DrySide
from engine.sync.page import COUPLED_ELSEWHERE, Pass, work_page
from engine.sync.uncoupling import all_couplings
from engine.sync.waiting import WAITS

_PARTLY = (WAITS, COUPLED_ELSEWHERE.code)
_WAY = {TO: "to CRM", FROM: "to NAV"}


class Noting(DrySide):
    """A side that pretends to write, and notes which columns of which record."""

    def __init__(self, side: Side) -> None:
        super().__init__(side)
        self.noted: dict[str, tuple[str, ...]] = {}

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Nothing is sent."""
        for one in writes:
            if one.kind is WriteKind.UPDATE:
                names = (f"_{n}_value" if type(value) is Reference else n for n, value in one.values.items())
                self.noted[one.key] = tuple(names)
        return await super().write(writes)


async def dangling(context: Context, mapping: TableMapping) -> AsyncIterator[Finding]:
    """Couplings with a record that is not there any more."""
    async for pairs in all_couplings(context, mapping.name):
        for one in await broken(context, mapping, pairs):
            sides = ((mapping.nav, one.nav_gone), (mapping.crm, one.crm_gone))
            gone = " and ".join(f"the {table.caption} record" for table, lost in sides if lost)
            are = "are" if one.nav_gone and one.crm_gone else "is"
            yield Finding(
                What.DANGLING,
                fault=True,
                mapping=mapping.name,
                message=f"{gone[0].upper()}{gone[1:]} of the coupling {are} gone.",
                nav_no=one.pair.nav_no,
                nav_id=one.pair.nav_id,
                crm_id=one.pair.crm_id,
            )


async def differing(context: Context, mapping: TableMapping) -> AsyncIterator[Finding]:
    """Pairs that a synchronization would write to, or could not, with the fields and the way.

    What hinders both directions alike, such as a conflict, is told once.
    """
    told: set[tuple[str, str]] = set()
    for one_way in mapping.direction.passes:
        async for outcome, names in _planned(context, mapping, one_way):
            for problem in _hindrances(outcome):
                key = (str(outcome.nav_id), problem.message)
                if key not in told:
                    told.add(key)
                    yield _finding(mapping, outcome, _hindered(problem, one_way))
            if outcome.action is Action.MODIFIED:
                what = ", ".join(names) or "its state"
                yield _finding(mapping, outcome, f"A synchronization would write {what} {_WAY[one_way]}.")


async def _planned(
    context: Context, mapping: TableMapping, one_way: Direction
) -> AsyncIterator[tuple[Outcome, Sequence[str]]]:
    """What a pass over coupled records would make of each, with the columns that it would write."""
    scope = Scope(0, 0, mapping.name, one_way, plan=True)
    one = await Pass.of(context, scope, only_coupled=True)
    table = mapping.table(one_way)
    columns = source_columns(mapping, one_way)
    target = context.target(one_way)
    query = Query(table.entity, table.key, columns, table.filter, None, context.page_size)
    async for rows in context.source(one_way).pages(query):
        result = await work_page(one, rows, None)
        noted = target.noted if isinstance(target, Noting) else {}
        for outcome in result.outcomes:
            yield outcome, noted.get(outcome.source_id, ())
        noted.clear()


def _hindrances(outcome: Outcome) -> Iterator[Problem]:
    """What keeps a coupled record from being synchronized, or a part of it."""
    problem = outcome.problem
    if (
        problem is not None
        and problem.code != DELETED
        and (outcome.action is Action.FAILED or outcome.nav_id is not None)
    ):
        yield problem
    yield from (one for one in outcome.warnings if one.code in _PARTLY)


def _hindered(problem: Problem, one_way: Direction) -> str:
    if problem.code == WAITS:
        return f"A conflict waits for a choice: {problem.message}"
    return f"A synchronization {_WAY[one_way]} would not succeed: {problem.message}"


def _finding(mapping: TableMapping, outcome: Outcome, message: str) -> Finding:
    return Finding(
        What.DIFFERS,
        fault=True,
        mapping=mapping.name,
        message=message,
        nav_no=outcome.nav_no,
        name=outcome.name,
        nav_id=outcome.nav_id,
        crm_id=outcome.crm_id,
    )
