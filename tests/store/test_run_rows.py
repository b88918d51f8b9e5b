"""Runs, jobs, flags and events as rows."""

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.errors import StoreError
from engine.model.snapshot import RunState, Wish
from engine.store import couplings, deeds, runs
from engine.store.database import Store
from engine.store.schema import event, flag, job, outcome, page, run, slice_
from engine.store.traces import (
    Overwrite,
    Sent,
    Values,
    any_unsettled,
    keep,
    settle,
    settle_uncoupled,
    unsettled,
    unsettled_rows,
)
from tests.store.tools import (
    AT,
    CUSTOMER,
    FROM,
    TO,
    commit,
    crm,
    failed,
    later,
    new_run,
    page_of,
    pair,
    rows,
    scope_of,
    take,
)


def set_state(store: Store, number: int, state: RunState) -> None:
    with store.writing() as connection:
        assert runs.change(connection, number, list(RunState), {"state": state.value})


# Runs.


def test_a_run_starts_running_with_its_jobs_waiting_in_order(store: Store) -> None:
    number = new_run(store, flags={CUSTOMER: (True, 3)})
    with store.reading() as connection:
        row = runs.get(connection, number)
        jobs = runs.job_rows(connection, number)
        assert runs.get(connection, number + 1) is None
    assert row is not None
    assert (row.kind, row.state, row.wish, row.paused, row.answer) == ("run", "running", "run", False, None)
    assert row.saved_flags == {CUSTOMER: [True, 3]}
    assert (row.created_at, row.created_by, row.beat_at) == (AT, "me@here", None)
    assert [(one.seq, one.mapping, one.direction, one.state) for one in jobs] == [
        (1, "CURRENCY", "ToIntegrationTable", "WAIT"),
        (4, CUSTOMER, "ToIntegrationTable", "WAIT"),
        (4, CUSTOMER, "FromIntegrationTable", "WAIT"),
    ]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.STOPPED, RunState.ASKING])
def test_there_is_one_active_run(store: Store, state: RunState) -> None:
    first = new_run(store)
    set_state(store, first, state)
    with pytest.raises(StoreError, match=r"(?i)unique") as caught:
        new_run(store)
    assert isinstance(caught.value.__cause__, sa.exc.IntegrityError)
    with store.reading() as connection:
        found = runs.active(connection)
    assert found is not None
    assert found.id == first
    assert [row["id"] for row in rows(store, run)] == [first]


def test_updates_are_unsettled_until_it_is_known_what_came_of_them(store: Store) -> None:
    number = new_run(store)
    sent = [Overwrite("accounts", crm(n), Values({"name": "Old"}, {"name": "New"}, base=b"base")) for n in (1, 2)]
    with store.writing() as connection:
        assert runs.left_behind(connection) == ({}, False)
        keep(connection, {**scope_of(number).key, "mapping": CUSTOMER}, sent, AT)
        assert runs.left_behind(connection) == ({}, True)
        assert unsettled(connection, CUSTOMER, "contacts", [crm(1)]) == {}
        settle(connection, CUSTOMER, {"contacts": {crm(1): ()}})
        settle(connection, "BRANCH", {"accounts": {crm(2): ()}})
        settle(connection, CUSTOMER, {"accounts": {crm(1): (), crm(3): ()}})
        assert unsettled(connection, "BRANCH", "accounts", [crm(2)]) == {}
        assert unsettled_rows(connection, "BRANCH", "accounts") == []
        assert unsettled(connection, CUSTOMER, "accounts", [crm(1), crm(2)]) == {
            crm(2): [Sent(number, AT, sent[1].values)]
        }
        assert (unsettled_rows(connection, CUSTOMER, "accounts"), unsettled_rows(connection, CUSTOMER, "contacts")) == (
            [crm(2)],
            [],
        )
        settle(connection, CUSTOMER, {"accounts": {crm(2): ()}})
        assert runs.left_behind(connection) == ({}, False)


def test_an_update_of_a_row_of_which_nothing_is_remembered_needs_no_settling(store: Store) -> None:
    scope = scope_of(new_run(store))
    with store.writing() as connection:
        line = [Overwrite("productpricelevels", crm(1), Values({"amount": 10}, {"amount": 12}))]
        keep(connection, {**scope.key, "mapping": CUSTOMER}, line, AT)
        assert runs.left_behind(connection) == ({}, False)
        assert deeds.written(connection, scope.run, "productpricelevels", [crm(1)])[0].values == (line[0].values,)


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.CANCELLED])
def test_when_it_has_ended_another_one_may_start_with_a_new_number(store: Store, state: RunState) -> None:
    first = new_run(store)
    set_state(store, first, state)
    with store.reading() as connection:
        assert runs.active(connection) is None
    assert new_run(store) == first + 1


def test_a_number_is_never_given_again(store: Store) -> None:
    first = new_run(store)
    with store.writing() as connection:
        connection.execute(sa.delete(run))
    assert new_run(store) > first


def test_plans_are_not_active_runs(store: Store) -> None:
    plans = [new_run(store, "plan") for _ in range(2)]
    with store.reading() as connection:
        assert runs.active(connection) is None
    assert new_run(store) > max(plans)


def test_of_two_that_start_at_once_one_wins(url: str) -> None:
    stores = [Store.open(url) for _ in range(2)]
    together, results = threading.Barrier(2), list[str]()

    def start(store: Store) -> None:
        together.wait(10)
        try:
            new_run(store)
            results.append("started")
        except StoreError:
            results.append("refused")

    threads = [threading.Thread(target=start, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["refused", "started"]
    for store in stores:
        store.close()


@pytest.mark.parametrize("present", [state for state in RunState if state is not RunState.INTERRUPTED])
@pytest.mark.parametrize("expected", [(RunState.RUNNING,), (RunState.RUNNING, RunState.STOPPED), (RunState.ASKING,)])
def test_a_run_changes_only_from_the_states_that_are_expected(
    store: Store, present: RunState, expected: tuple[RunState, ...]
) -> None:
    number = new_run(store)
    set_state(store, number, present)
    with store.writing() as connection:
        assert runs.change(connection, number, expected, {"message": "changed"}) is (present in expected)
        assert not runs.change(connection, number + 1, expected, {"message": "changed"})
    assert rows(store, run)[0]["message"] == ("changed" if present in expected else "")


def test_an_engine_whose_run_is_gone_stops_and_one_whose_run_was_ended_takes_it_as_cancelled(store: Store) -> None:
    number = new_run(store)

    def wished(of: int) -> Wish:
        with store.reading() as connection:
            return runs.wished(runs.get(connection, of))

    assert (wished(number), wished(number + 1)) == (Wish.RUN, Wish.STOP)
    set_state(store, number, RunState.CANCELLED)
    assert wished(number) is Wish.CANCEL


def test_what_belongs_to_a_run_goes_with_it(store: Store) -> None:
    scope = scope_of(new_run(store))
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", [failed(1)]))
    with store.writing() as connection:
        runs.add_event(connection, scope.run, CUSTOMER, "hello", AT)
        connection.execute(sa.delete(run))
    for table in (job, slice_, page, outcome, event):
        assert rows(store, table) == [], table.name


# Jobs.


def test_a_job_row_is_one_direction(store: Store) -> None:
    number = new_run(store)
    with store.writing() as connection:
        runs.set_job(connection, scope_of(number, FROM), state="OK", total=7, ended_at=later(1))
    found = {(row["seq"], row["direction"]): (row["state"], row["total"]) for row in rows(store, job)}
    assert found == {(1, TO.value): ("WAIT", None), (4, TO.value): ("WAIT", None), (4, FROM.value): ("OK", 7)}


def test_what_a_pass_read_and_how_much_failed_is_summed_over_its_pages(store: Store) -> None:
    scope = scope_of(new_run(store))
    with store.reading() as connection:
        assert runs.read_and_failed(connection, scope) == (0, 0)
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", [failed(1), failed(2)]))
    commit(store, scope, 1, page_of("k1", "k2", [failed(3)]))
    with store.reading() as connection:
        assert runs.read_and_failed(connection, scope) == (3, 3)
        assert runs.read_and_failed(connection, scope_of(scope.run, FROM)) == (0, 0)


# Flags: Synch. Only Coupled Records.


def put(store: Store, value: bool, expected: int | None = None, by: str = "me") -> bool:
    with store.writing() as connection:
        return runs.set_flag(connection, CUSTOMER, value=value, at=AT, by=by, expected=expected)


def flags(store: Store) -> dict[str, tuple[bool, int]]:
    with store.reading() as connection:
        return runs.flags(connection)


def test_a_flag_has_a_version_that_counts_its_changes(store: Store) -> None:
    assert flags(store) == {}
    assert put(store, False)
    assert flags(store) == {CUSTOMER: (False, 1)}
    assert put(store, True)
    assert put(store, True)
    assert flags(store) == {CUSTOMER: (True, 3)}


@pytest.mark.parametrize(("version", "expected", "stored"), [
    (0, 0, True), (1, 1, True), (1, 0, False), (2, 1, False), (2, 3, False), (2, None, True),
])  # fmt: skip
def test_a_flag_is_stored_when_its_version_is_still_the_expected_one(
    store: Store, version: int, expected: int | None, stored: bool
) -> None:
    """Version 0 is a flag that was never stored."""
    for _ in range(version):
        put(store, True, by="before")
    assert put(store, False, expected, by="now") is stored
    assert flags(store) == {CUSTOMER: (not stored, version + stored)}
    (row,) = rows(store, flag)
    assert row["changed_by"] == ("now" if stored else "before")


def test_of_two_that_expect_the_same_version_one_wins(url: str) -> None:
    """On a server both may be inside a transaction at once; the version is compared where it is written."""
    one, other = Store.open(url), Store.open(url)
    put(one, True)
    results = [False, False]
    ready = threading.Event()

    def second() -> None:
        ready.wait(10)
        results[1] = put(other, True, 1, by="second")

    thread = threading.Thread(target=second)
    thread.start()
    with one.writing() as connection:
        assert runs.flags(connection) == {CUSTOMER: (True, 1)}
        results[0] = runs.set_flag(connection, CUSTOMER, value=False, at=AT, by="first", expected=1)
        ready.set()
        wait_until_blocked(one)
    thread.join(30)
    assert results == [True, False]
    assert flags(one) == {CUSTOMER: (False, 2)}
    one.close()
    other.close()


def wait_until_blocked(store: Store) -> None:
    """On a server: until another transaction waits for ours. SQLite lets nobody else begin one anyway."""
    if store.engine.dialect.name != "postgresql":
        return
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    for _ in range(2000):
        with store.reading() as connection:
            if connection.scalar(waiting):
                return
            connection.execute(sa.text("SELECT pg_sleep(0.005)"))
    raise AssertionError("nobody waits")


# Events.


def test_the_tail_keeps_its_newest_lines(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_EVENTS_KEPT", 3)
    number = new_run(store)
    other = new_run(store, "plan")
    with store.writing() as connection:
        for line in range(5):
            runs.add_event(connection, number, CUSTOMER, f"line {line}", later(line))
            runs.add_event(connection, other, CUSTOMER, f"other {line}", later(line))
        runs.trim_events(connection, number)
        runs.trim_events(connection, number)
    texts = [row["text"] for row in rows(store, event)]
    assert [text for text in texts if text.startswith("line")] == ["line 2", "line 3", "line 4"]
    assert len([text for text in texts if text.startswith("other")]) == 5


def test_a_short_tail_is_left_as_it_is(store: Store) -> None:
    number = new_run(store)
    with store.writing() as connection:
        runs.add_event(connection, number, "", "hello", AT)
        runs.trim_events(connection, number)
    found: list[Any] = rows(store, event)
    assert [(row["text"], row["at"]) for row in found] == [("hello", AT)]


def test_a_column_of_an_update_may_stay_unsettled_alone(store: Store) -> None:
    number = new_run(store)
    values = Values({"name": "Old", "fax": "1"}, {"name": "New", "fax": "2"}, base=b"base")
    with store.writing() as connection:
        keep(connection, {**scope_of(number).key, "mapping": CUSTOMER}, [Overwrite("accounts", crm(1), values)], AT)
        settle(connection, CUSTOMER, {"accounts": {crm(1): ("name",)}})
        ((sent,),) = unsettled(connection, CUSTOMER, "accounts", [crm(1)]).values()
        assert (sent.values.old, sent.values.new, sent.values.in_question) == (values.old, values.new, {"name": "New"})
        settle(connection, CUSTOMER, {"accounts": {crm(1): ("fax",)}})
        assert runs.left_behind(connection) == ({}, False)


def test_what_was_sent_to_rows_that_are_not_coupled_is_settled(store: Store) -> None:
    number = new_run(store)
    updates = [Overwrite("accounts", crm(n), Values({"name": "Old"}, {"name": "New"}, base=b"base")) for n in (1, 2)]
    with store.writing() as connection:
        couplings.save(connection, CUSTOMER, [pair(1)], run=number, at=AT, plan=False)
        keep(connection, {**scope_of(number).key, "mapping": CUSTOMER}, updates, AT)
        settle_uncoupled(connection)
        assert unsettled_rows(connection, CUSTOMER, "accounts") == [crm(1)]


def test_what_is_unsettled_is_found_without_looking_at_all_updates(tmp_path: Path) -> None:
    queries: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        queries.append((f"EXPLAIN QUERY PLAN {statement}", parameters))

    store = Store.open(f"sqlite:///{tmp_path}/coupler.db")
    with store.reading() as connection:
        sa.event.listen(connection, "before_cursor_execute", note)
        any_unsettled(connection)
        unsettled(connection, CUSTOMER, "accounts", [crm(1)])
        unsettled_rows(connection, CUSTOMER, "accounts")
        sa.event.remove(connection, "before_cursor_execute", note)
        plans = [str(connection.exec_driver_sql(*query).all()) for query in queries]
    store.close()
    assert len(plans) == 3
    assert all("ix_overwritten_entity_target_id" in plan for plan in plans), plans
