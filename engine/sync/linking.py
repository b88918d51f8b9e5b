"""Lookups whose partner came later: a customer's primary contact is written once the contact is coupled.

Reference/domain.md section 1.4, primary contact cycle.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from engine.mapping.transfer import target_name
from engine.model.mapping import Direction, FieldMapping, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store.couplings import Coupling
from engine.store.traces import Answered
from engine.store.work import Link, Scope, commit_links, count_waiting, links
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.page import Pass, work_page

_BATCH = 1000
"""As many as a page has: enough for all the requests that may be under way at once."""


async def write_links(
    context: Context, run: int, partner_mapping: str, seqs: dict[str, int], tell: Callable[[str], Awaitable[None]]
) -> None:
    """Write the lookups that waited for records of a mapping, and tell how far it is.

    A lookup whose partner is still not coupled, or was deleted, is a warning; the next full synchronization tries it
    again. What a mapping waited for that is configured no more is forgotten.
    """
    total, linked = await context.store.read(partial(count_waiting, partner_mapping=partner_mapping)), 0
    if total > _BATCH:
        await tell(f"links {total:,} records that waited for {partner_mapping}")
    while batch := await context.store.read(partial(links, partner_mapping=partner_mapping, limit=_BATCH)):
        await context.checkpoint()
        scope = Scope(run, seqs.get(batch[0].mapping, 0), batch[0].mapping, batch[0].direction, plan=False)
        if scope.mapping not in context.mappings:
            at = context.clock()
            forget = partial(commit_links, scope=scope, done=batch, outcomes=[], pairs=[], answered={}, at=at)
            await context.store.write(forget)
            continue
        await _write_batch(context, scope, batch)
        linked += len({link.source_id for link in batch})
        far = f"{linked:,} of {total:,}" if linked < total else f"{linked:,}"
        await tell(f"linked {far} records that waited for {partner_mapping}")


async def _write_batch(context: Context, scope: Scope, batch: list[Link]) -> None:
    one = await Pass.of(context, scope, only_coupled=True)
    table = one.mapping.table(scope.direction)
    columns = source_columns(one.mapping, scope.direction)
    ids = list(dict.fromkeys(link.source_id for link in batch))
    rows = await context.source(scope.direction).fetch(table.entity, table.key, ids, columns)
    outcomes: list[Outcome] = []
    pairs: list[Coupling] = []
    answered: Answered = {}
    fields = _fields(one.mapping, scope.direction, batch)
    if rows and fields:
        result = await work_page(one, list(rows.values()), None, only=list(fields.values()))
        waiting: dict[str, list[FieldMapping]] = {}
        for link in batch:
            if link.field in fields and link in result.links:
                waiting.setdefault(link.source_id, []).append(fields[link.field])
        outcomes = [
            _unresolved(outcome, waiting[outcome.source_id]) if outcome.source_id in waiting else outcome
            for outcome in result.outcomes
            if outcome.source_id in waiting or outcome.action is Action.FAILED
        ]
        pairs, answered = list(result.pairs), result.answered
    at = context.clock()
    done = partial(commit_links, scope=scope, done=batch, outcomes=outcomes, pairs=pairs, answered=answered, at=at)
    await context.store.write(done)


def _fields(mapping: TableMapping, one_way: Direction, batch: list[Link]) -> dict[str, FieldMapping]:
    """The fields that wait, by name; those that are configured otherwise by now are not among them."""
    names, partner = {link.field for link in batch}, batch[0].partner_mapping
    able = [one for one in mapping.fields if one.lookup == partner and one.clear_on_fail]
    return {name: one for one in able if (name := target_name(one, one_way)) in names}


def _unresolved(outcome: Outcome, fields: list[FieldMapping]) -> Outcome:
    names, partner = ", ".join(one.nav for one in fields), fields[0].lookup
    problem = Problem(
        "link",
        f"{names}: the {partner} record is not coupled, or its partner is gone",
        f"{names} was left empty on the other side, because that record is not coupled, or its partner is gone.",
        f"Mend the failed records of {partner} and run again.",
    )
    return Outcome(
        outcome.source_id, outcome.action, outcome.nav_no, outcome.name, outcome.nav_id, outcome.crm_id, problem=problem
    )
