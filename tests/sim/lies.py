"""Bugs to plant into what the engine decides in an operator's place, and into what it says of its work: answers, conflicts,
counters. What both servers hold may be right with each of them.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from engine.mapping import decide
from engine.mapping.values import UNKNOWN
from engine.model.mapping import Direction
from engine.model.snapshot import Counters
from engine.runs import control, full
from engine.store import pages, schema


def advance_answer_inverted() -> AbstractContextManager[Any]:
    """The answer that was given in advance is taken the other way."""
    real = control.put_answer

    def put(connection: sa.Connection, run: int, *, yes: bool, by: str, at: Any) -> bool:
        return real(connection, run, yes=not yes, by=by, at=at)

    return patch.object(full, "put_answer", put)


def answer_inverted() -> AbstractContextManager[Any]:
    """The answer to the closing question is taken the other way."""
    real = control.put_answer

    def put(connection: sa.Connection, run: int, *, yes: bool, by: str, at: Any) -> bool:
        return real(connection, run, yes=not yes, by=by, at=at)

    return patch.object(control, "put_answer", put)


def yes_unasked() -> AbstractContextManager[Any]:
    """Where no answer was given in advance nobody is asked: it is Yes."""
    real = full.FullSynchronization._finish

    async def finish(self: Any, kind: str, by: str, *, keep_cleared: bool | None) -> None:
        await real(self, kind, by, keep_cleared=True if keep_cleared is None else keep_cleared)

    return patch.object(full.FullSynchronization, "_finish", finish)


def asked_all_the_same() -> AbstractContextManager[Any]:
    """The question is asked although it was answered in advance."""
    real = full.FullSynchronization._finish

    async def finish(self: Any, kind: str, by: str, *, keep_cleared: bool | None) -> None:
        del keep_cleared
        await real(self, kind, by, keep_cleared=None)

    return patch.object(full.FullSynchronization, "_finish", finish)


def one_side_is_a_conflict() -> AbstractContextManager[Any]:
    """A field that only one side changed is taken for a conflict."""
    real = decide._winner

    def winner(base: Any, field: Any, one_way: Any, given: Any, current: Any, desired: Any) -> str:
        known = base.of(field, one_way)[0] != UNKNOWN
        return "conflict" if known else real(base, field, one_way, given, current, desired)

    return patch.object(decide, "_winner", winner)


def conflicts_go_to_nav() -> AbstractContextManager[Any]:
    """Of a field that people edited on both sides NAV's value is taken, and nobody is told."""
    real = decide._winner

    def winner(base: Any, field: Any, one_way: Any, given: Any, current: Any, desired: Any) -> str:
        found = real(base, field, one_way, given, current, desired)
        if found != "conflict":
            return found
        return "source" if one_way is Direction.TO_INTEGRATION_TABLE else "target"

    return patch.object(decide, "_winner", winner)


def pages_missing() -> AbstractContextManager[Any]:
    """At the end of a run nothing is left of what its pages counted."""
    real = full.FullSynchronization._finish

    async def finish(self: Any, kind: str, by: str, *, keep_cleared: bool | None) -> None:
        statement = sa.delete(schema.page).where(schema.page.c.run_id == self._run)
        await self._store.write(lambda connection: connection.execute(statement).rowcount)
        await real(self, kind, by, keep_cleared=keep_cleared)

    return patch.object(full.FullSynchronization, "_finish", finish)


def only_inserted_counted() -> AbstractContextManager[Any]:
    """Counters know of new records only."""
    return _counting(lambda right: Counters(inserted=right.inserted))


def half_of_them_counted() -> AbstractContextManager[Any]:
    """What a page did not change counts neither as read nor as unchanged."""
    return _counting(lambda right: replace(right, read=right.read - right.unchanged, unchanged=0))


def read_without_outcome() -> AbstractContextManager[Any]:
    """Unchanged records count as read only."""
    return _counting(lambda right: replace(right, unchanged=0))


def modified_is_unchanged() -> AbstractContextManager[Any]:
    """Modified records count as unchanged."""
    return _counting(lambda right: replace(right, modified=0, unchanged=right.unchanged + right.modified))


def unchanged_is_modified() -> AbstractContextManager[Any]:
    """Unchanged records count as modified."""
    return _counting(lambda right: replace(right, unchanged=0, modified=right.unchanged + right.modified))


def failed_is_unchanged() -> AbstractContextManager[Any]:
    """Failed records count as unchanged."""
    return _counting(lambda right: replace(right, failed=0, unchanged=right.unchanged + right.failed))


def matches_not_counted() -> AbstractContextManager[Any]:
    """Records that were coupled with what was there already do not count as coupled."""
    return _counting(lambda right: replace(right, coupled=0))


def _counting(wrongly: Any) -> AbstractContextManager[Any]:
    real = pages._counters
    return patch.object(pages, "_counters", lambda result: wrongly(real(result)))


LIES = (
    advance_answer_inverted, answer_inverted, yes_unasked, asked_all_the_same, one_side_is_a_conflict, conflicts_go_to_nav,
    pages_missing, only_inserted_counted, half_of_them_counted, read_without_outcome, modified_is_unchanged, unchanged_is_modified,
    failed_is_unchanged, matches_not_counted,
)  # fmt: skip
