"""Bugs to plant into the real engine, each as a switch that only tests have: the simulation must find every one.

Each breaks one step of the protocol of design.md section 6 in the way in which it could be got wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from msgspec import structs

from engine.connectors import body, jsonbatch
from engine.connectors.client import ODataClient, Unanswered
from engine.connectors.protocol import Query, Result, Status, Write, WriteKind
from engine.model.outcome import Action, Outcome, Problem
from engine.runs import control, full
from engine.store import couplings, pages, runs, watermarks, work
from engine.store.couplings import Coupling
from engine.store.pages import PageResult
from engine.store.schema import slice_
from engine.store.work import Create, Scope
from engine.sync import page, passes, settling, writing
from engine.sync.item import Item
from tests.sim import world
from tests.sim.lies import LIES

Bug = Callable[[], AbstractContextManager[Any]]


def no_intent() -> AbstractContextManager[Any]:
    """Creates are sent without being recorded first."""
    real = work.intend

    def intend(connection: sa.Connection, scope: Scope, creates: Any, updates: Any, at: Any, extras: Any = ()) -> None:
        real(connection, scope, (), updates, at, extras)

    return patch.object(writing, "intend", intend)


def no_waiting() -> AbstractContextManager[Any]:
    """A create in doubt is looked for at once, while it may still be under way."""

    async def wait_out(*_: Any) -> None:
        return

    return patch.object(settling, "wait_out", wait_out)


def doubts_dropped() -> AbstractContextManager[Any]:
    """A page closes its intents, those without an answer too."""
    real = pages.commit_page

    def commit(connection: sa.Connection, scope: Scope, epoch: int, result: PageResult, at: Any) -> None:
        real(connection, scope, epoch, replace(result, left_open=()), at)

    return patch.object(passes, "commit_page", commit)


def not_settled_first() -> AbstractContextManager[Any]:
    """A new engine goes on without looking at what the last one left open."""

    async def settle(*_: Any, **__: Any) -> list[Create]:
        return []

    return patch.object(full, "settle_intents", settle)


def coupled_later() -> AbstractContextManager[Any]:
    """Couplings are written in a commit of their own, after that of the page."""
    real = passes._commit

    async def commit(one: Any, epoch: int, result: PageResult) -> None:
        await real(one, epoch, replace(result, pairs=()))
        await one.context.store.write(
            lambda connection: couplings.save(
                connection, one.scope.mapping, result.pairs, run=one.scope.run, at=one.context.clock(), plan=False
            )
        )

    return patch.object(passes, "_commit", commit)


def cursor_first() -> AbstractContextManager[Any]:
    """The cursor moves when a page was read, and not when it is done."""
    real = page.work_page

    async def work_page(one: Any, rows: Any, after: str | None, **more: Any) -> PageResult:
        key = str(rows[-1][one.mapping.table(one.scope.direction).key])
        where = [slice_.c[name] == value for name, value in one.scope.key.items()]
        statement = sa.update(slice_).where(*where).values(cursor=key)
        await one.context.store.write(lambda connection: connection.execute(statement).rowcount)
        return await real(one, rows, after, **more)

    def commit(connection: sa.Connection, scope: Scope, epoch: int, result: PageResult, at: Any) -> None:
        pages.add_page(connection, scope, result, at)

    return _both(patch.object(passes, "work_page", work_page), patch.object(passes, "commit_page", commit))


def no_if_match() -> AbstractContextManager[Any]:
    """Updates are sent whatever the record has become since it was compared."""
    real = writing.Writer._update

    def update(self: writing.Writer, item: Item) -> Write | None:
        write = real(self, item)
        return None if write is None else structs.replace(write, etag="*")

    return patch.object(writing.Writer, "_update", update)


def stale_is_done() -> AbstractContextManager[Any]:
    """An update that was refused, because others were faster, counts as made."""
    real = writing.Writer._updated

    def updated(self: writing.Writer, item: Item, result: Result) -> None:
        real(self, item, structs.replace(result, status=Status.DONE) if result.status is Status.STALE else result)

    return patch.object(writing.Writer, "_updated", updated)


def creates_repeated() -> AbstractContextManager[Any]:
    """The client repeats every request that got no answer, as some libraries do."""
    real = ODataClient.write

    async def write(self: ODataClient, *args: Any, **more: Any) -> Any:
        for _ in range(3):
            try:
                return await real(self, *args, **more)
            except Unanswered:
                continue
        return await real(self, *args, **more)

    return patch.object(ODataClient, "write", write)


def own_create_is_foreign() -> AbstractContextManager[Any]:
    """A create that is refused, because its first delivery succeeded, counts as somebody else's record."""
    real = writing.Writer._created

    def created(self: writing.Writer, item: Item, result: Result) -> None:
        if result.status is Status.EXISTS:
            problem = Problem("duplicate", "another record has this key", result.message, "")
            item.fail(problem, one_way=self._scope.direction)
        else:
            real(self, item, result)

    return patch.object(writing.Writer, "_created", created)


def watermark_at_the_start() -> AbstractContextManager[Any]:
    """The watermark moves when a pass begins."""
    real = work.begin_slice

    def begin(connection: sa.Connection, scope: Scope, source_at: Any) -> None:
        real(connection, scope, source_at)
        watermarks.advance(connection, scope.mapping, scope.direction, source_at)

    return patch.object(passes, "begin_slice", begin)


def no_lock() -> AbstractContextManager[Any]:
    """A second engine may work on a store that has one."""

    @contextmanager
    def lock(_: Any) -> Iterator[None]:
        yield

    return _both(patch.object(control, "refuse_busy", lambda _: None), patch.object(world, "engine_lock", lock))


def flags_cleared() -> AbstractContextManager[Any]:
    """The flags are really cleared during a run, and set back by whoever is still there at its end."""
    real = full.FullSynchronization._work

    async def work_(self: Any, beats: Mapping[int, Any], *, plan: bool) -> None:
        row = await self._store.read(lambda connection: runs.get(connection, self._run))

        def put(connection: sa.Connection, values: Mapping[str, bool]) -> None:
            for name, value in values.items():
                runs.set_flag(connection, name, value=value, at=self._clock(), by="engine")

        stored = await self._store.read(runs.flags)
        kept = {name: stored[name][0] for name in row.saved_flags if name in stored}
        await self._store.write(lambda connection: put(connection, dict.fromkeys(kept, False)))
        await real(self, beats, plan=plan)
        await self._store.write(lambda connection: put(connection, kept))

    return patch.object(full.FullSynchronization, "_work", work_)


def parts_by_order() -> AbstractContextManager[Any]:
    """The answers of a batch are taken in the order in which they come."""

    def parse(content: bytes, sent: int) -> list[jsonbatch.Part | None]:
        try:
            parts: list[jsonbatch.Part | None] = list(jsonbatch._DECODER.decode(content).responses)
        except body.JSON_FAULTS as error:
            raise body.Malformed("it is no answer to a batch") from error
        return [*parts, *[None] * (sent - len(parts))][:sent]

    return patch.object(jsonbatch, "parse", parse)


def settled_not_counted() -> AbstractContextManager[Any]:
    """A record that was found to have been made is coupled, and nobody counts it."""
    real = work.settle_intent

    def settle(connection: Any, one: Any, found: Sequence[Coupling], still_open: Any, at: Any) -> None:
        real(connection, one, [structs.replace(pair, uncounted=False) for pair in found], still_open, at)

    return patch.object(settling, "settle_intent", settle)


def base_forgotten() -> AbstractContextManager[Any]:
    """What both sides held of a create without an answer is not kept (mended)."""
    real = pages.PageResult

    def result(**fields: Any) -> PageResult:
        fields["left_open"] = [structs.replace(one, base=b"") for one in fields.get("left_open", ())]
        return real(**fields)

    return patch.object(page, "PageResult", result)


def edits_forgotten() -> AbstractContextManager[Any]:
    """What people edit in a row that we made, before its lost answer is looked for, is overwritten (mended)."""
    real = writing.Writer._intended

    def intended(self: writing.Writer, item: Item) -> Create:
        create = real(self, item)
        item.sent_base = None
        return create

    return patch.object(writing.Writer, "_intended", intended)


def counted_elsewhere() -> AbstractContextManager[Any]:
    """A record that was found to have been made is counted by the first pass that sees it, in whatever direction (mended)."""

    def new(self: Item) -> bool:
        return self.created or (self.coupling is not None and self.coupling.uncounted)

    return patch.object(Item, "new", property(new))


def broken_off_forgotten() -> AbstractContextManager[Any]:
    """An update that arrived before its engine died is taken for an edit of somebody (mended)."""

    async def recall(*_: Any) -> None:
        return

    return patch.object(writing, "recall", recall)


def gone_without_a_word() -> AbstractContextManager[Any]:
    """A record that is deleted before a create without an answer is sent again has no outcome (mended)."""
    real = passes._left

    def left(one: Any, create: Create, action: Action, problem: Problem) -> Outcome:
        return real(one, create, Action.COUPLED if action is Action.SKIPPED else action, problem)

    return patch.object(passes, "_left", left)


def no_filter() -> AbstractContextManager[Any]:
    """Passes read records that their table filter leaves out."""
    real = Query

    def query(entity: str, key: str, fields: Any, _conditions: Any, after: Any, size: int) -> Any:
        return real(entity, key, fields, (), after, size)

    return patch.object(passes, "Query", query)


def source_marked() -> AbstractContextManager[Any]:
    """A currency gets a mark in NAV when it was synchronized."""
    real = passes.close_pass

    async def close(one: page.Pass) -> None:
        await real(one)
        if one.scope.mapping == "CURRENCY":
            pairs = await one.context.store.read(lambda connection: couplings.listing(connection, "CURRENCY", None, 1))
            for _, pair in pairs:
                values = {"Symbol": "done"}
                write = Write(pair.nav_id, WriteKind.UPDATE, "Currency", pair.nav_id, values, "*")
                await one.context.nav.write([write])

    return patch.object(passes, "close_pass", close)


def marks_forgotten() -> AbstractContextManager[Any]:
    """What a mark says of a partner is not asked for, so that a state store which is lost has records made again (mended)."""

    async def match_by_mark(*_: Any) -> None:
        return

    return patch.object(page, "match_by_mark", match_by_mark)


@contextmanager
def _both(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield


BUGS: Mapping[str, Bug] = {
    bug.__name__.replace("_", " "): bug
    for bug in (
        no_intent, no_waiting, doubts_dropped, not_settled_first, coupled_later, cursor_first, no_if_match, stale_is_done,
        creates_repeated, own_create_is_foreign, watermark_at_the_start, no_lock, flags_cleared, parts_by_order,
        settled_not_counted, base_forgotten, edits_forgotten, counted_elsewhere, broken_off_forgotten,
        gone_without_a_word, marks_forgotten, no_filter, source_marked,
        *LIES,
    )
}  # fmt: skip
START = {
    "parts by order": 105,
    "base forgotten": 280,
    "no waiting": 145,
    "coupled later": 35,
    "own create is foreign": 125,
    "no lock": 45,
    "counted elsewhere": 260,
    "edits forgotten": 980,
    "broken off forgotten": 575,
    "gone without a word": 1140,
    "marks forgotten": 440,
}
"""From which seed on a bug is looked for, so that it is found soon."""
