"""Coupled pairs: whether both records are there, and what a synchronization would write."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from engine.connectors.protocol import Query, Reference, Result, Side, Write, WriteKind
from engine.mapping.transfer import TO
from engine.model.check import Finding, What
from engine.model.mapping import Direction, TableMapping
from engine.model.outcome import Action, Outcome
from engine.store import couplings
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.dry import DrySide
from engine.sync.page import Pass, work_page
from engine.sync.writing import source_columns

_PAGE = 500
_GONE = "deleted"


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
    after: tuple[str, str] | None = None
    while True:
        rows = await context.store.read(partial(couplings.listing, mapping=mapping.name, after=after, limit=_PAGE))
        if not rows:
            return
        pairs = [pair for _, pair in rows]
        nav, crm = mapping.nav, mapping.crm
        ours = await context.nav.fetch(nav.entity, nav.key, [pair.nav_id for pair in pairs], (nav.key,))
        theirs = await context.crm.fetch(crm.entity, crm.key, [pair.crm_id for pair in pairs], (crm.key,))
        for pair in pairs:
            gone = [
                f"the {caption} record"
                for caption, there in ((nav.caption, pair.nav_id in ours), (crm.caption, pair.crm_id in theirs))
                if not there
            ]
            if gone:
                message = f"{' and '.join(gone)} of the coupling is gone."
                yield Finding(
                    What.DANGLING,
                    fault=True,
                    mapping=mapping.name,
                    message=message[0].upper() + message[1:],
                    nav_no=pair.nav_no,
                    nav_id=pair.nav_id,
                    crm_id=pair.crm_id,
                )
        after = (mapping.name, pairs[-1].nav_id)


async def differing(context: Context, mapping: TableMapping, one_way: Direction) -> AsyncIterator[Finding]:
    """Pairs that a synchronization in this direction would write to, or could not, with the fields."""
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
            if (message := _message(outcome, one_way, noted.get(outcome.source_id, ()))) is not None:
                yield Finding(
                    What.DIFFERS,
                    fault=True,
                    mapping=mapping.name,
                    message=message,
                    nav_no=outcome.nav_no,
                    name=outcome.name,
                    nav_id=outcome.nav_id,
                    crm_id=outcome.crm_id,
                )
        noted.clear()


def _message(outcome: Outcome, one_way: Direction, names: Sequence[str]) -> str | None:
    way = "to CRM" if one_way is TO else "to NAV"
    if outcome.action is Action.MODIFIED:
        return f"A synchronization would write {', '.join(names) or 'its state'} {way}."
    if outcome.problem is None or outcome.problem.code == _GONE:
        return None
    if outcome.action is Action.FAILED or outcome.nav_id is not None:
        return f"A synchronization {way} would not succeed: {outcome.problem.message}"
    return None
