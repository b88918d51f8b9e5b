"""Old runs may be deleted, and nothing with them that is still needed."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.model.errors import LockHeld
from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from engine.runs import retention, snapshots
from engine.store import runs, undoing
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.store.schema import coupling, event, intent, job, outcome, overwritten, page, run
from engine.store.undoing import REMOVE, Step
from tests.cli.conftest import Coupler, config, coupler, environment
from tests.runs_store.tools import at, put
from tests.store.tools import AT, commit, failed, nav, new_run, page_of, pairs, rows, scope_of, take

__all__ = ["config", "coupler", "environment"]
DAY = 86_400


def ended(store: Store, days: int, kind: str = "run", state: RunState = RunState.FINISHED) -> int:
    """A run that ended on that day, with a page, a failure, a coupling and an event."""
    number = new_run(store, kind)
    scope = scope_of(number)
    epoch, *_ = take(store, scope)
    found = pairs(number)
    commit(store, scope, epoch, page_of(None, nav(number), [failed(number)], found))
    with store.writing() as connection:
        runs.add_event(connection, number, "CUSTOMER", "a line", AT)
    put(store, number, state, ended_at=AT + timedelta(days=days))
    return number


def forget(store: Store, days: int, today: int) -> tuple[int, int] | None:
    return retention.forget_older(store, days, clock=at(today * DAY))


def left(store: Store) -> list[int]:
    return sorted(row["id"] for row in rows(store, run))


def test_old_runs_go_with_all_their_rows_and_couplings_stay(store: Store) -> None:
    first, second, third = (ended(store, day) for day in (0, 1, 20))
    assert forget(store, 7, today=21) == (first, second)
    assert left(store) == [third]
    for table in (job, page, outcome, event):
        assert {row["run_id"] for row in rows(store, table)} <= {third}, table.name
    assert len(rows(store, coupling)) == 3
    assert {one.run for one in snapshots.history(store, limit=50)} <= {third}
    assert forget(store, 7, today=21) is None
    assert new_run(store) > third, "no number is given again"


@pytest.mark.parametrize(
    ("kind", "state"), [("run", RunState.STOPPED), ("run", RunState.ASKING), ("undo", RunState.STOPPED)]
)
def test_a_run_that_may_go_on_stays_and_so_does_all_after_it(store: Store, kind: str, state: RunState) -> None:
    first = ended(store, 0)
    kept = ended(store, 1, kind, state)
    later = ended(store, 2, "sync")
    assert forget(store, 7, today=100) == (first, first)
    assert left(store) == [kept, later]


def test_what_is_not_resumed_is_over(store: Store) -> None:
    numbers = [ended(store, 0, "plan", RunState.RUNNING), ended(store, 0, "sync", RunState.STOPPED)]
    assert forget(store, 7, today=100) == (numbers[0], numbers[-1])


def test_a_run_with_updates_of_which_nobody_knows_what_came_of_them_stays(store: Store) -> None:
    number = ended(store, 0)
    scope = {"run_id": number, "seq": 4, "direction": "x", "mapping": "CUSTOMER"}
    values = {
        **scope,
        "entity": "accounts",
        "target_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "values": b"",
        "at": AT,
    }
    with store.writing() as connection:
        connection.execute(sa.insert(overwritten).values({**values, "unsettled": True}))
    assert forget(store, 7, today=100) is None
    with store.writing() as connection:
        connection.execute(sa.update(overwritten).values(unsettled=False))
    assert forget(store, 7, today=100) == (number, number)


def test_a_run_with_creates_that_nobody_settled_stays(store: Store) -> None:
    number = ended(store, 0)
    values = {"run_id": number, "seq": 4, "direction": "x", "mapping": "CUSTOMER", "sent_at": AT, "creates": b""}
    with store.writing() as connection:
        connection.execute(sa.insert(intent).values(values))
    assert forget(store, 7, today=100) is None


def test_an_undo_that_was_given_up_stays_until_its_steps_are_settled(store: Store) -> None:
    number = ended(store, 0, "undo", RunState.CANCELLED)
    put(store, number, request={"undo": 1, "dry": False, "reviewed": True})
    removal = Step(10, "accounts", nav(1), REMOVE, 4, Direction.TO_INTEGRATION_TABLE, "CUSTOMER")
    with store.writing() as connection:
        undoing.add(connection, number, [removal])
    assert forget(store, 7, today=100) is None
    with store.writing() as connection:
        undoing.give_up(connection, number, [], AT)
    assert forget(store, 7, today=100) == (number, number)


def test_nothing_is_deleted_under_an_engine(store: Store, settings: Settings) -> None:
    ended(store, 0)
    with engine_lock(store), pytest.raises(LockHeld):
        forget(store, 7, today=100)


def test_the_command_asks_and_deletes(coupler: Coupler, config: Path) -> None:
    store = Store.open(f"sqlite:///{config.parent}/store.db")
    number = ended(store, 0)
    done = coupler("jobs", "--delete-older", "7")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    assert left(store) == [number]
    assert coupler("jobs", "--yes").returncode == 2
    assert coupler("jobs", "--delete-older", "7", "--json", "--yes").returncode == 2
    done = coupler("jobs", "--delete-older", "7", "--yes")
    assert (done.returncode, done.stderr) == (
        0,
        f"coupler: runs {number} to {number} were deleted; they cannot be undone any more.\n",
    )
    assert left(store) == []
    assert "no run is that old" in coupler("jobs", "--delete-older", "7", "--yes").stderr
    store.close()
