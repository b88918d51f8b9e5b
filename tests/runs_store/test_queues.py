"""What operators decide about records that failed, by what a run said of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Settings
from engine.model.decision import Decision, Deed
from engine.model.snapshot import Cause, RecordOutcome, RunState
from engine.runs import control, queues
from engine.runs.problems import causes, outcomes
from engine.store import decisions, troubles, work
from engine.store.database import Store
from tests.runs_store.tools import at, put, scope_of, settings_of
from tests.store.tools import FROM, TO, couple, crm, failed, later, nav, pairs, problem

NAME = "CUSTOMER"


@pytest.fixture
def cause(store: Store, settings: Settings) -> Cause:
    """CUSTOMER 1 to 3 failed alike, of which 1 and 2 are coupled; 4 failed in another way, and so did 1 from CRM."""
    number = control.start(store, settings, by="me", clock=at(0))
    put(store, number, RunState.FINISHED)
    couple(store, *pairs(1, 2, 4))
    other = failed(4, problem("too_long", "Name is too long"))
    for one_way, found in ((TO, [failed(1), failed(2), failed(3), other]), (FROM, [failed(1, problem("off", "off"))])):
        told = found if one_way is TO else [replace(one, source_id=crm(1)) for one in found]
        with store.writing() as connection:
            work.save_outcomes(connection, scope_of(number, NAME, one_way), told, later(1))
            troubles.note(connection, NAME, one_way, told, number, later(1))
    return next(one for one in causes(store, number) if one.code == "rejected")


def alone(store: Store) -> list[str]:
    return [one.source_id for one in queues.ledger(store)]


def record(store: Store, cause: Cause, number: int) -> RecordOutcome:
    found = outcomes(store, cause.run, mapping=cause.mapping, cause=cause.cause, code=cause.code)
    return next(one for one in found if one.nav_id == nav(number))


def test_the_coupled_records_of_a_cause_are_skipped_until_they_are_retried(store: Store, cause: Cause) -> None:
    assert cause.count == 3
    assert queues.skip_cause(store, cause) == 2, "a mark means nothing to a record that is not coupled"
    assert alone(store) == [nav(1), nav(2)], "and nothing of other causes"
    assert queues.skip_cause(store, cause) == 0
    assert queues.retry_cause(store, cause) == 2
    assert alone(store) == []
    assert queues.retry_cause(store, cause) == 0


def test_one_record_of_a_cause_is_skipped_and_retried(store: Store, cause: Cause) -> None:
    assert queues.skip_cause(store, cause) == 2
    assert queues.retry_cause(store, cause, record(store, cause, 1)) == 1
    assert alone(store) == [nav(2)]
    assert queues.retry_cause(store, cause, record(store, cause, 1)) == 0
    assert queues.skip_cause(store, cause, record(store, cause, 1)) == 1
    assert queues.skip_cause(store, cause, record(store, cause, 3)) == 0
    assert alone(store) == [nav(1), nav(2)]


def test_a_record_that_is_retried_starts_anew(store: Store, cause: Cause) -> None:
    queues.skip_cause(store, cause)
    assert {one.times for one in queues.ledger(store)} == {1}
    queues.retry_cause(store, cause)
    times = {one.source_id: one.times for one in queues.ledger(store, skipped=False)}
    assert (times[nav(1)], times[nav(2)], times[nav(3)]) == (0, 0, 1)


def test_a_record_without_an_id_of_its_own_side_is_none(store: Store, cause: Cause) -> None:
    nobody = replace(record(store, cause, 1), nav_id=None)
    assert queues.skip_cause(store, cause, nobody) == 0


def test_what_succeeded_since_is_neither_skipped_nor_retried(store: Store, cause: Cause) -> None:
    with store.writing() as connection:
        troubles.forget(connection, NAME, TO, [nav(1), nav(2)])
    assert queues.skip_cause(store, cause) == 0


def test_what_failed_in_another_way_since_is_not_skipped_and_may_be_retried(store: Store, cause: Cause) -> None:
    """Who skips by what an old run says was not shown why the record fails now."""
    since = control.start(store, settings_of(Path("conf")), by="me", clock=at(2))
    put(store, since, RunState.FINISHED)
    told = replace(failed(1, problem("conflict", "both sides", "Both sides were edited.")), set_aside=True)
    with store.writing() as connection:
        troubles.note(connection, NAME, TO, [replace(told, set_aside=False)], since, later(2))
    assert queues.skip_cause(store, cause, record(store, cause, 1)) == 0
    assert queues.skip_cause(store, cause) == 1
    assert alone(store) == [nav(2)]
    with store.writing() as connection:
        troubles.note(connection, NAME, TO, [told], since, later(3))
    assert queues.retry_cause(store, cause, record(store, cause, 1)) == 1
    assert alone(store) == [nav(2)]


def test_what_fails_by_now_is_counted_over_all_mappings(store: Store, settings: Settings) -> None:
    assert queues.failing(store) == 0
    run = control.start(store, settings, by="me", clock=at(0))
    with store.writing() as connection:
        troubles.note(connection, NAME, TO, [failed(1), failed(2)], run, later(1))
        troubles.note(connection, "CONTACTS", FROM, [failed(3)], run, later(1))
    assert queues.failing(store) == 3


def test_who_skips_and_retries_is_kept_with_the_run_that_named_the_records(store: Store, cause: Cause) -> None:
    one = record(store, cause, 1)
    queues.skip_cause(store, cause, by="kim", clock=at(5))
    queues.retry_cause(store, cause, one, by="bo", clock=at(6))
    queues.retry_cause(store, cause, one, by="bo", clock=at(7))
    queues.skip_cause(store, cause, one, by="kim", clock=at(8))
    queues.retry(store, NAME, "c2", by="bo", clock=at(9))
    queues.retry(store, by="bo", clock=at(10))
    queues.retry(store, by="bo", clock=at(11))
    with store.reading() as connection:
        assert decisions.listing(connection, cause.run, 50) == [
            Decision(later(5), "kim", Deed.SKIP, NAME, text="2 records: no city"),
            Decision(later(6), "bo", Deed.RETRY, NAME, "C1", "no city"),
            Decision(later(8), "kim", Deed.SKIP, NAME, "C1", "no city"),
            Decision(later(9), "bo", Deed.RETRY, NAME, "C2"),
            Decision(later(10), "bo", Deed.RETRY, NAME, text="1 record"),
        ]


def test_what_is_left_alone_is_read_page_by_page_and_one_of_it_tried_again(store: Store, cause: Cause) -> None:
    queues.skip_cause(store, cause)
    first, rest = queues.left_alone(store, 1, 0), queues.left_alone(store, 5, 1)
    assert (first.total, [one.source_id for one in first.records]) == (2, [nav(1)])
    assert [one.source_id for one in rest.records] == [nav(2)]
    assert queues.retry_one(store, first.records[0], by="bo", clock=at(6)) == 1
    assert alone(store) == [nav(2)]
    assert queues.retry_one(store, first.records[0], by="bo", clock=at(7)) == 0, "it is tried again already"
    with store.reading() as connection:
        assert decisions.listing(connection, cause.run, 50)[1:] == [Decision(later(6), "bo", Deed.RETRY, NAME, "C1")]
