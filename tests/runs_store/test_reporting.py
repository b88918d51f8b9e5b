"""What a report of a run is made from, read from a store."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.model.conflict import Clash, Conflict
from engine.model.decision import Decision, Deed
from engine.model.errors import RunError
from engine.model.outcome import Outcome
from engine.model.report import Most
from engine.model.snapshot import RunState, Wish
from engine.runs import control, reporting
from engine.store import conflicts, runs
from engine.store.database import Store
from engine.store.schema import outcome
from tests.runs_store.tools import add_page, at, put, scope_of, set_job
from tests.store.tools import CUSTOMER, FROM, TO, crm, done, failed, later, nav, page_of, problem

ALL = Most(100, 100, 100, 100)


@pytest.fixture
def number(store: Store, settings: Settings) -> int:
    return control.start(store, settings, by="me@here", clock=at(0))


def worked(store: Store, number: int, seconds: float, *outcomes: Outcome, mapping: str = CUSTOMER) -> None:
    """A page that was committed then."""
    page = page_of(None, f"{seconds}", outcomes)
    add_page(store, scope_of(number, mapping, TO), page, later(seconds))


def many(count: int, cause: str, first: int = 0) -> list[Outcome]:
    return [failed(first + one, problem(cause=cause, message=f"{cause} {one}")) for one in range(count)]


def test_a_run_that_is_not_there(store: Store) -> None:
    with pytest.raises(RunError, match="There is no run 99"):
        reporting.report(store, 99, ALL)


def test_the_throughput_is_what_was_read_when_pages_were_committed(store: Store, number: int) -> None:
    set_job(store, scope_of(number, CUSTOMER, TO), started_at=later(1))
    worked(store, number, 2.1, done(1), done(2))
    worked(store, number, 2.9, done(3), failed(4))
    worked(store, number, 3.0, done(5), mapping="CONTACTS")
    put(store, number, RunState.ASKING, ended_at=later(3.5))
    found = reporting.report(store, number, ALL, clock=at(1_000)).bars
    assert [(one.at, one.seq, one.read, one.failed) for one in found] == [
        (later(1), 4, 0, 0),
        (later(2), 4, 4, 1),
        (later(3), 5, 1, 0),
    ]


def test_the_throughput_of_a_run_that_is_going_ends_now_and_of_a_lost_one_with_its_last_sign_of_life(
    store: Store, number: int
) -> None:
    worked(store, number, 1, done(1))
    assert reporting.report(store, number, ALL, clock=at(7)).bars[-1].at == later(7)
    put(store, number, beat_at=later(5))
    interrupted = reporting.report(store, number, ALL, clock=at(7))
    assert interrupted.run.state is RunState.INTERRUPTED
    assert interrupted.bars[-1].at == later(5)


def test_failures_come_before_the_rest_and_what_is_left_out_is_counted(store: Store, number: int) -> None:
    warned = [replace(done(100 + one), warnings=(problem(cause="cut"),)) for one in range(5)]
    worked(store, number, 1, *many(2, "rare", 50), *many(3, "no city"), *warned)
    found = reporting.report(store, number, replace(ALL, records=2, causes=2))
    assert [(one.cause.kind, one.cause.cause, one.cause.count, len(one.records)) for one in found.groups] == [
        ("failed", "no city", 3, 2),
        ("failed", "rare", 2, 2),
    ]
    assert [one.message for one in found.groups[0].records] == ["no city 0", "no city 1"]
    assert (found.all_causes, found.all_problems) == (3, 10)


def test_a_warning_is_not_a_record_of_a_failure_with_the_same_cause(store: Store, number: int) -> None:
    worked(store, number, 1, *many(1, "same"), replace(done(9), warnings=(problem(cause="same"),)))
    found = reporting.report(store, number, ALL)
    assert [[record.kind for record in one.records] for one in found.groups] == [["failed"], ["warning"]]


@pytest.mark.parametrize("count", [0, 1, 1_999, 2_000, 2_001, 4_500])
def test_every_record_comes_once_also_one_that_two_things_are_said_of(store: Store, number: int, count: int) -> None:
    rows = [_row(number, (at_row + 1) // 2, "warning" if at_row % 2 else "failed") for at_row in range(count)]
    with store.writing() as connection:
        for begin in range(0, count, 500):
            connection.execute(sa.insert(outcome), rows[begin : begin + 500])
        another = runs.create(
            connection, runs.NewRun("sync", "uat", "", "", "", {}, None, "me"), [(4, CUSTOMER, [TO])], later(0)
        )
        connection.execute(sa.insert(outcome), [_row(another, 1, "failed")])
    found = [(one.nav_no, one.kind) for one in reporting.records(store, number)]
    assert sorted(found) == sorted((row["nav_no"], row["kind"]) for row in rows)


def _row(run: int, number: int, kind: str) -> dict[str, Any]:
    """Records of both directions; every second row but the first begins what is said of the next record."""
    texts = dict.fromkeys(("code", "cause", "message", "hint", "name"), "x")
    one_way = (TO if number % 3 else FROM).value
    key = {"run_id": run, "seq": 4, "direction": one_way, "source_id": nav(number), "kind": kind}
    return {**key, "mapping": CUSTOMER, "nav_no": f"C{number}", "at": later(0), **texts}


def test_conflicts_of_this_run_and_no_other(store: Store, number: int) -> None:
    fields = (Clash("City", "address1_city", "Bonn", "Berlin"),)
    mine = [Conflict(CUSTOMER, nav(one), crm(one), f"C{one}", "Firm", number, later(0), fields) for one in (1, 2, 3)]
    with store.writing() as connection:
        conflicts.save(connection, [*mine, replace(mine[0], nav_id=nav(9), crm_id=crm(9), nav_no="C0", run=number + 1)])
    found = reporting.report(store, number, replace(ALL, conflicts=2))
    assert [one.nav_no for one in found.conflicts] == ["C1", "C2"]
    assert found.all_conflicts == 3


def test_decisions_from_the_start_to_the_undoing(store: Store, settings: Settings) -> None:
    number = control.start(store, settings, keep_cleared=False, by="me@here", clock=at(0))
    control.wish(store, number, Wish.PAUSE, by="kim@bastion", clock=at(1))
    put(store, number, RunState.ASKING)
    control.answer(store, number, yes=True, by="bo@bastion", clock=at(2))
    undo = 0
    with store.writing() as connection:
        for seconds, target, dry in ((3, number, True), (4, number, False), (5, number + 50, False)):
            request = {"undo": target, "dry": dry, "reviewed": False}
            new = runs.NewRun(runs.UNDO, "uat", "", "", "", {}, None, "kim@bastion", request)
            undo = runs.create(connection, new, [(4, CUSTOMER, [TO])], later(seconds))
    found = reporting.report(store, number, ALL)
    assert found.decisions == (
        Decision(later(0), "me@here", Deed.START, text="keep cleared: no"),
        Decision(later(1), "kim@bastion", Deed.PAUSE),
        Decision(later(2), "bo@bastion", Deed.ANSWER, text="keep cleared: yes"),
        Decision(later(4), "kim@bastion", Deed.UNDO, text=f"run {undo - 1}"),
    )
    assert found.all_decisions == 4


def test_the_start_says_what_was_asked_for(store: Store) -> None:
    request = {"type": "uncouple", "mapping": CUSTOMER, "records": [f"C{one}" for one in range(22)], "dry": False}
    with store.writing() as connection:
        new = runs.NewRun("uncouple", "uat", "", "", "", {}, None, "me@here", request)
        number = runs.create(connection, new, [(4, CUSTOMER, [TO])], later(0))
    (start,) = reporting.report(store, number, ALL).decisions
    assert start.text == f"mapping: CUSTOMER; records: {', '.join(f'C{one}' for one in range(20))} and 2 more"
