"""Short ways to fill a store."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action, Outcome, Problem
from engine.store import pages, runs, work
from engine.store.couplings import Coupling, save
from engine.store.database import Store
from engine.store.pages import PageResult
from engine.store.schema import page
from engine.store.work import Scope

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUSTOMER = "CUSTOMER"


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def guid(number: int, side: str = "a") -> str:
    return f"{number:08x}-0000-4000-8000-00000000000{side}"


def nav(number: int) -> str:
    return guid(number, "a")


def crm(number: int) -> str:
    return guid(number, "c")


def pair(number: int, **options: Any) -> Coupling:
    return Coupling(nav(number), crm(number), f"C{number}", **options)


def pairs(*numbers: int) -> list[Coupling]:
    return [pair(number) for number in numbers]


def new_run(store: Store, kind: str = "run", *, flags: dict[str, tuple[bool, int]] | None = None) -> int:
    new = runs.NewRun(kind, "uat", "CRONUS https://nav", "https://crm", "f" * 64, flags or {}, None, "me@here")
    with store.writing() as connection:
        return runs.create(connection, new, [(1, "CURRENCY", [TO]), (4, CUSTOMER, [TO, FROM])], AT)


def scope_of(run: int, one_way: Direction = TO, *, plan: bool = False) -> Scope:
    return Scope(run, 4, CUSTOMER, one_way, plan)


def couple(store: Store, *found: Coupling, mapping: str = CUSTOMER, run: int = 1, plan: bool = False) -> None:
    with store.writing() as connection:
        save(connection, mapping, found, run=run, at=AT, plan=plan)


def take(store: Store, scope: Scope) -> tuple[int, str | None, bool]:
    with store.writing() as connection:
        return work.take_slice(connection, scope)


def commit(store: Store, scope: Scope, epoch: int, result: PageResult, at: datetime = AT) -> None:
    with store.writing() as connection:
        pages.commit_page(connection, scope, epoch, result, at)


def page_of(
    after: str | None, last: str, outcomes: Sequence[Outcome] = (), found: Sequence[Coupling] = (), **more: Any
) -> PageResult:
    return PageResult(after, last, len(outcomes), outcomes, found, **more)


def done(number: int, action: Action = Action.INSERTED, **more: Any) -> Outcome:
    return Outcome(nav(number), action, nav_no=f"C{number}", name=f"Firm {number}", nav_id=nav(number), **more)


def problem(code: str = "rejected", cause: str = "no city", message: str = "There is no city.") -> Problem:
    return Problem(code, cause, message, "Give it one.")


def failed(number: int, what: Problem | None = None) -> Outcome:
    return done(number, Action.FAILED, problem=what or problem())


def rows(store: Store, table: sa.Table) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def sums(store: Store) -> dict[str, int]:
    """The counters of all pages together, those that are not 0."""
    found: dict[str, int] = {}
    for row in rows(store, page):
        for name, value in row.items():
            if isinstance(value, int) and value and name not in ("run_id", "seq", "slice_no"):
                found[name] = found.get(name, 0) + value
    return found
