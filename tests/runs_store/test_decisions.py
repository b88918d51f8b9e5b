"""Who decided what about a run, and when."""

from datetime import timedelta

import pytest

from engine.config import Settings
from engine.model.conflict import Choice, Clash, Conflict
from engine.model.decision import Decision, Deed
from engine.model.errors import RunError
from engine.model.snapshot import RunState, Wish
from engine.runs import control, queues, retention
from engine.store import conflicts, decisions
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.store.schema import decision
from engine.store.schema import run as run_table
from tests.reliability.payloads import SAMPLE
from tests.runs_store.tools import at, put
from tests.store.tools import CUSTOMER, crm, later, nav, rows

KIM, BO = "kim@bastion", "bo@bastion"


def started(store: Store, settings: Settings, state: RunState = RunState.RUNNING) -> int:
    number = control.start(store, settings, by="me@here", clock=at(0))
    put(store, number, state)
    return number


def decided(store: Store, number: int, limit: int = 50) -> list[Decision]:
    with store.reading() as connection:
        return decisions.listing(connection, number, limit)


def waiting(store: Store, number: int, nav_value: str = "Bonn", crm_value: str | None = "Berlin") -> Conflict:
    fields = (Clash("City", "address1_city", nav_value, crm_value), Clash("Phone_No", "telephone1", "1", None))
    one = Conflict(CUSTOMER, nav(1), crm(1), "C1", "Firm", number, later(0), fields)
    with store.writing() as connection:
        conflicts.save(connection, [one])
    return one


def test_wishes_are_kept_once_with_who_and_when(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    for seconds, (wanted, by) in enumerate(
        [(Wish.PAUSE, KIM), (Wish.PAUSE, BO), (Wish.RUN, BO), (Wish.STOP, KIM), (Wish.CANCEL, KIM), (Wish.STOP, BO)]
    ):
        control.wish(store, number, wanted, by=by, clock=at(seconds))
    assert decided(store, number) == [
        Decision(later(0), KIM, Deed.PAUSE),
        Decision(later(2), BO, Deed.GO_ON),
        Decision(later(3), KIM, Deed.STOP),
        Decision(later(4), KIM, Deed.CANCEL),
    ]


def test_a_wish_without_a_name_is_that_of_the_user(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    control.wish(store, number, Wish.STOP)
    assert [one.by for one in decided(store, number)] == [control.who()]


def test_what_is_refused_is_not_decided(store: Store, settings: Settings) -> None:
    number = started(store, settings, RunState.FINISHED)
    with pytest.raises(RunError):
        control.wish(store, number, Wish.STOP, by=KIM)
    with pytest.raises(RunError):
        control.cancel(store, number, KIM)
    with pytest.raises(RunError):
        control.resume(store, settings, number, by=KIM)
    assert decided(store, number) == []


@pytest.mark.parametrize(("keep", "text"), [(None, ""), (True, "keep cleared: yes"), (False, "keep cleared: no")])
def test_who_resumes_is_kept_with_the_answer_in_advance(
    store: Store, settings: Settings, keep: bool | None, text: str
) -> None:
    number = started(store, settings, RunState.STOPPED)
    control.resume(store, settings, number, keep_cleared=keep, by=KIM, clock=at(5))
    assert decided(store, number) == [Decision(later(5), KIM, Deed.RESUME, text=text)]


def test_who_cancels_is_kept(store: Store, settings: Settings) -> None:
    number = started(store, settings, RunState.STOPPED)
    control.cancel(store, number, KIM, clock=at(5))
    assert decided(store, number) == [Decision(later(5), KIM, Deed.CANCEL)]


def test_a_run_that_is_still_stopping_is_cancelled_once(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    with engine_lock(store):
        control.cancel(store, number, KIM, clock=at(5))
        control.cancel(store, number, BO, clock=at(6))
    assert decided(store, number) == [Decision(later(5), KIM, Deed.CANCEL)]


def test_a_flag_that_is_set_during_a_run_is_kept_with_the_run(store: Store, settings: Settings) -> None:
    control.set_only_coupled(store, settings, CUSTOMER, value=True, by=BO, clock=at(0))
    number = control.start(store, settings, only=(CUSTOMER,), by="me@here", clock=at(1))
    control.set_only_coupled(store, settings, CUSTOMER, value=False, by=KIM, clock=at(2))
    control.set_only_coupled(store, settings, "CONTACTS", value=False, by=KIM, clock=at(3))
    put(store, number, RunState.FINISHED)
    control.set_only_coupled(store, settings, CUSTOMER, value=True, by=BO, clock=at(4))
    assert decided(store, number) == [Decision(later(2), KIM, Deed.FLAG, CUSTOMER, text="off")]


def test_a_conflict_that_is_resolved_is_kept_with_both_values(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    choices = {"City=address1_city": Choice.NAV, "Phone_No=telephone1": Choice.CRM}
    queues.choose(store, waiting(store, number), choices, by=KIM, clock=at(5))
    text = "City=nav: Bonn, not Berlin; Phone_No=crm: nothing, not 1"
    assert decided(store, number) == [Decision(later(5), KIM, Deed.CHOOSE, CUSTOMER, "C1", text)]


@pytest.mark.parametrize("text", SAMPLE)
def test_a_conflict_of_any_text_can_be_resolved(store: Store, settings: Settings, text: str) -> None:
    number = started(store, settings)
    waiting(store, number, text, None)
    queues.choose(store, queues.conflict(store, CUSTOMER, "C1"), {"City=address1_city": Choice.NAV}, by=text)
    assert [one.deed for one in decided(store, number)] == [Deed.CHOOSE]


def test_a_conflict_is_resolved_although_its_run_is_deleted(store: Store, settings: Settings) -> None:
    number = started(store, settings, RunState.FINISHED)
    one = waiting(store, number)
    put(store, number, ended_at=later(0))
    retention.forget_older(store, 1, clock=lambda: later(0) + timedelta(days=2))
    assert rows(store, run_table) == []
    started(store, settings)
    queues.choose(store, one, {"City=address1_city": Choice.NAV}, by=KIM)
    assert rows(store, decision) == []
    assert queues.conflicts(store)[0].fields[0].choice is Choice.NAV


def test_decisions_go_with_their_run(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    control.wish(store, number, Wish.STOP, by=KIM)
    put(store, number, RunState.CANCELLED, ended_at=later(0))
    retention.forget_older(store, 1, clock=lambda: later(0) + timedelta(days=2))
    assert rows(store, decision) == []


def test_the_last_ones_are_listed_when_there_are_too_many(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    for seconds, wanted in enumerate([Wish.PAUSE, Wish.RUN] * 3):
        control.wish(store, number, wanted, by=KIM, clock=at(seconds))
    assert [one.at for one in decided(store, number, 2)] == [later(4), later(5)]
    with store.reading() as connection:
        assert decisions.count(connection, number) == 6
