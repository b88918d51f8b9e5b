"""Records of another mapping that are synchronized on the spot, because a record of this one needs them.

Reference/domain.md section 1.5: the account of a contact. The rules are the other mapping's own: its filter, match
before create, its counters.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from engine.store import runs
from engine.store.pages import add_page
from engine.store.work import Scope, ended_badly
from engine.sync.context import Context
from engine.sync.twins import marked_columns


async def synchronize_now(context: Context, scope: Scope, needs: Mapping[str, frozenset[str]]) -> None:
    """Synchronize and commit the records that are needed, by mapping; those that cannot be have their own outcomes.

    What became of them is known when it returns: a create without an answer is settled at once. Nothing is done for a
    mapping that has no job of this direction in the run, nor for records that failed in it.
    """
    # pages need records on the spot, and these are worked on as a page
    from engine.sync.page import Pass, work_page  # noqa: PLC0415
    from engine.sync.passes import close_again  # noqa: PLC0415

    rows = await context.store.read(partial(runs.job_rows, run_id=scope.run))
    jobs = {row.mapping: row.seq for row in rows if row.direction == scope.direction.value}
    for name, ids in needs.items():
        if name not in jobs:
            continue
        mapping = context.mappings[name]
        table = mapping.table(scope.direction)
        columns = marked_columns(context, mapping, scope.direction)
        side = context.source(scope.direction)
        there = Scope(scope.run, jobs[name], name, scope.direction, scope.plan)
        tried = await context.store.read(partial(ended_badly, scope=there, ids=sorted(ids)))
        wanted = sorted(ids - tried)
        found = await side.find(table.entity, table.key, wanted, columns, table.filter) if wanted else []
        if not found:
            continue
        result = await work_page(await Pass.after_renames(context, there), found, None)
        at = context.clock()
        # a key of its own: the page that needs them may come again, and need others by then
        result = replace(result, last_key=f"for {scope.mapping} {at.isoformat()}", read=0)
        await context.store.write(partial(add_page, scope=there, result=result, at=at))
        await close_again(context, there)
