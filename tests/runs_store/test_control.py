"""What operators do to runs, in every state that a run may be in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.model.errors import ConfigError, CouplerError, LockHeld, RunError, StoreError
from engine.model.snapshot import RunState, Wish
from engine.runs import control, coupling
from engine.runs.requests import Match
from engine.store import runs
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.store.schema import job, run
from tests.runs_store.tools import JOBS, STORED_STATES, at, put, row_of, with_crm, with_nav
from tests.store.tools import later, rows

RUNNING, STOPPED, ASKING = RunState.RUNNING, RunState.STOPPED, RunState.ASKING
FINISHED, CANCELLED = RunState.FINISHED, RunState.CANCELLED


def start(store: Store, settings: Settings, **options: Any) -> int:
    return control.start(store, settings, by="me@here", clock=at(0), **options)


def started(store: Store, settings: Settings, state: RunState, **options: Any) -> int:
    number = start(store, settings, **options)
    put(store, number, state)
    return number


def flags(store: Store) -> dict[str, tuple[bool, int]]:
    with store.reading() as connection:
        return runs.flags(connection)


def set_flag(store: Store, settings: Settings, value: bool, name: str = "CUSTOMER", by: str = "op") -> None:
    control.set_only_coupled(store, settings, name, value=value, by=by, clock=at(1))


# Start.


def test_a_run_has_all_jobs_in_their_order_to_crm_first(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    row = row_of(store, number)
    assert (row["kind"], row["state"], row["created_by"], row["keep_cleared"]) == ("run", "running", "me@here", None)
    assert (row["environment"], row["nav"]) == ("uat", "CRONUS https://nav.example/ODataV4")
    assert (row["crm"], row["created_at"]) == ("https://crm.example", later(0))
    with store.reading() as connection:
        jobs = [(one.seq, one.mapping, one.direction) for one in runs.job_rows(connection, number)]
    to, back = "ToIntegrationTable", "FromIntegrationTable"
    ways = {"CURRENCY": [to], "SALEPEOPLE": [back], "UNITOFMEASURE": [to]}
    assert jobs == [(seq, name, way) for seq, name in enumerate(JOBS, 1) for way in ways.get(name, [to, back])]


def test_a_run_of_some_jobs_keeps_their_numbers_and_order(store: Store, settings: Settings) -> None:
    start(store, settings, only=["ITEM-PRODUCT", "CURRENCY"])
    assert {(row["seq"], row["mapping"]) for row in rows(store, job)} == {(1, "CURRENCY"), (7, "ITEM-PRODUCT")}
    assert set(rows(store, run)[0]["saved_flags"]) == {"CURRENCY", "ITEM-PRODUCT"}


@pytest.mark.parametrize(
    ("name", "hint"), [("CUSTOMERS", "Did you mean CUSTOMER?"), ("customer", "Did you mean CUSTOMER?"), ("?", "CURRENCY, SALEPEOPLE")]
)  # fmt: skip
def test_a_job_that_does_not_exist_is_refused_with_a_proposal(
    store: Store, settings: Settings, name: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match="There is no job") as caught:
        start(store, settings, only=["CURRENCY", name])
    assert hint in caught.value.hint
    assert rows(store, run) == []


def test_the_flags_of_the_moment_are_kept_with_their_versions(store: Store, settings: Settings) -> None:
    set_flag(store, settings, False, "CUSTOMER")
    set_flag(store, settings, False, "CURRENCY")
    set_flag(store, settings, True, "CURRENCY")
    saved = row_of(store, start(store, settings))["saved_flags"]
    others = {name: [True, 0] for name in JOBS}
    assert saved == {**others, "CUSTOMER": [False, 1], "CURRENCY": [True, 2]}
    assert flags(store) == {"CUSTOMER": (False, 1), "CURRENCY": (True, 2)}, "a run does not touch the flags"


@pytest.mark.parametrize("kind", ["run", "plan"])
@pytest.mark.parametrize("state", [RUNNING, STOPPED, ASKING])
def test_while_a_run_is_active_nothing_else_starts(
    store: Store, settings: Settings, state: RunState, kind: str
) -> None:
    number = started(store, settings, state)
    with pytest.raises(RunError, match=f"Run {number} is not finished"):
        start(store, settings, kind=kind)
    assert len(rows(store, run)) == 1


@pytest.mark.parametrize("state", [FINISHED, CANCELLED])
def test_after_a_run_another_one_may_start(store: Store, settings: Settings, state: RunState) -> None:
    first = started(store, settings, state)
    assert start(store, settings) > first


def test_a_plan_that_was_left_behind_is_in_nobodys_way(store: Store, settings: Settings) -> None:
    start(store, settings, kind="plan")
    start(store, settings, kind="plan")
    start(store, settings)


def test_nothing_begins_while_the_engine_of_a_run_that_has_just_finished_is_still_ending(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.writing

    @contextmanager
    def writing() -> Iterator[sa.Connection]:
        with engine_lock(store), real() as connection:
            yield connection

    monkeypatch.setattr(store, "writing", writing)
    with pytest.raises(LockHeld):
        start(store, settings, kind="sync")
    assert rows(store, run) == []


@pytest.mark.parametrize("kind", ["run", "plan"])
def test_while_an_engine_works_nothing_starts(store: Store, settings: Settings, kind: str) -> None:
    with engine_lock(store), pytest.raises(LockHeld):
        start(store, settings, kind=kind)
    assert rows(store, run) == []


def test_of_two_that_start_at_once_the_second_is_told(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(store, settings)
    monkeypatch.setattr(runs, "active", lambda _: None)  # as it was when the second one looked
    with pytest.raises(RunError, match="has just been started"):
        start(store, settings)
    assert len(rows(store, run)) == 1


def test_a_store_that_fails_is_not_taken_for_another_run(store: Store, settings: Settings) -> None:
    with store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE job RENAME TO lost"))
    try:
        with pytest.raises(StoreError):
            start(store, settings)
        assert rows(store, run) == []
    finally:
        with store.writing() as connection:
            connection.execute(sa.text("ALTER TABLE lost RENAME TO job"))


# Resume.


@pytest.mark.parametrize("state", STORED_STATES)
def test_a_run_that_stopped_or_lost_its_engine_can_be_resumed(
    store: Store, settings: Settings, state: RunState
) -> None:
    number = started(store, settings, state)
    put(store, number, wish="stop", code="connection", message="m", hint="h", ended_at=later(9))
    before = row_of(store, number)
    if state in (RUNNING, STOPPED):
        control.resume(store, settings, number)
        ready = {"state": "running", "wish": "run", "code": "", "message": "", "hint": "", "ended_at": None}
        assert row_of(store, number) == {**before, **ready}
    else:
        with pytest.raises(RunError, match=f"Run {number} cannot be resumed"):
            control.resume(store, settings, number)
        assert row_of(store, number) == before


def test_neither_a_plan_nor_a_run_that_is_not_there_can_be_resumed(store: Store, settings: Settings) -> None:
    plan = start(store, settings, kind="plan")
    for number in (plan, 999):
        with pytest.raises(RunError, match="cannot be resumed"):
            control.resume(store, settings, number)


def test_a_run_that_an_engine_works_on_is_not_resumed(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    with engine_lock(store), pytest.raises(LockHeld):
        control.resume(store, settings, number)


@pytest.mark.parametrize("first", [None, True, False])
@pytest.mark.parametrize("second", [None, True, False])
def test_the_answer_in_advance_is_the_last_one_given(
    store: Store, settings: Settings, first: bool | None, second: bool | None
) -> None:
    number = started(store, settings, STOPPED, keep_cleared=first)
    control.resume(store, settings, number, keep_cleared=second)
    assert row_of(store, number)["keep_cleared"] is (first if second is None else second)


def test_a_run_is_not_resumed_with_other_systems(store: Store, settings: Settings) -> None:
    number = started(store, settings, STOPPED)
    others = [
        replace(settings, environment="production"),
        with_nav(settings, url="https://nav.other/ODataV4"),
        with_nav(settings, company="OTHER"),
        with_nav(settings, version="2018"),
        with_crm(settings, url="https://crm.other"),
    ]
    for other in others:
        with pytest.raises(RunError, match=r"started for other systems: CRONUS https://nav\.example"):
            control.resume(store, other, number)
    assert row_of(store, number)["state"] == "stopped"
    assert len({control.fingerprint(one) for one in (settings, *others)}) == 6


def test_a_run_is_not_resumed_with_other_mappings(store: Store, settings: Settings) -> None:
    number = started(store, settings, STOPPED)
    first, *others = settings.mappings
    changed = replace(settings, mappings=(replace(first, only_coupled=not first.only_coupled), *others))
    with pytest.raises(RunError, match=f"not those with which run {number} was started"):
        control.resume(store, changed, number)
    assert row_of(store, number)["state"] == "stopped"


def test_what_does_not_say_which_systems_they_are_may_change(store: Store, settings: Settings) -> None:
    number = started(store, settings, STOPPED)
    control.resume(store, with_nav(with_crm(settings, batch=1, page_size=7), user="x", marker_field="CRM_Id"), number)


# Wishes.


@pytest.mark.parametrize("state", STORED_STATES)
@pytest.mark.parametrize("wanted", list(Wish))
def test_a_wish_is_for_a_run_that_runs(store: Store, settings: Settings, state: RunState, wanted: Wish) -> None:
    number = started(store, settings, state)
    if state is RUNNING:
        control.wish(store, number, wanted)
        assert row_of(store, number)["wish"] == wanted.value
    else:
        with pytest.raises(RunError, match="is not running"):
            control.wish(store, number, wanted)
        assert row_of(store, number)["wish"] == "run"


# Cancel.


@pytest.mark.parametrize("state", STORED_STATES)
def test_a_run_without_an_engine_is_cancelled_at_once(store: Store, settings: Settings, state: RunState) -> None:
    set_flag(store, settings, False)
    number = started(store, settings, state)
    before = flags(store)
    if state.active:
        control.cancel(store, number, "me@here", clock=at(5))
        row = row_of(store, number)
        assert (row["state"], row["code"], row["ended_at"], row["wish"]) == ("cancelled", "cancelled", later(5), "run")
        assert "me@here" in row["message"]
    else:
        with pytest.raises(RunError, match="is not active"):
            control.cancel(store, number, "me@here")
        assert row_of(store, number)["state"] == state.value
    assert flags(store) == before


@pytest.mark.parametrize("state", STORED_STATES)
def test_a_live_engine_is_asked_to_cancel_its_run(store: Store, settings: Settings, state: RunState) -> None:
    number = started(store, settings, state)
    with engine_lock(store):
        if state.active:
            control.cancel(store, number, "me@here")
        else:
            with pytest.raises(RunError, match="is not active"):
                control.cancel(store, number, "me@here")
    row = row_of(store, number)
    expected = {RUNNING: ("running", "cancel"), STOPPED: ("cancelled", "run"), ASKING: ("cancelled", "run")}
    assert (row["state"], row["wish"]) == expected.get(state, (state.value, "run"))


def test_an_interrupted_run_is_cancelled_at_once_while_an_engine_works_on_another(
    store: Store, settings: Settings
) -> None:
    left = started(store, settings, RUNNING)
    put(store, left, beat_at=later(10))
    working = coupling.start(store, settings, Match(("CUSTOMER",)), by="me@here", clock=at(20))
    with engine_lock(store):
        control.cancel(store, left, "me@here", clock=at(30))
        assert (row_of(store, left)["state"], row_of(store, left)["ended_at"]) == ("cancelled", later(30))
        control.cancel(store, working, "me@here")
    assert (row_of(store, working)["state"], row_of(store, working)["wish"]) == ("running", "cancel")


def test_an_engine_that_only_begins_learns_that_its_run_was_cancelled(store: Store, settings: Settings) -> None:
    begins = started(store, settings, RUNNING)
    put(store, begins, beat_at=later(10))
    interrupted = coupling.start(store, settings, Match(("CUSTOMER",)), by="me@here", clock=at(20))
    put(store, interrupted, beat_at=later(30))
    with engine_lock(store):
        control.cancel(store, begins, "me@here")
    assert row_of(store, begins)["wish"] == "cancel"


def test_a_run_that_is_not_there_is_not_cancelled(store: Store) -> None:
    with pytest.raises(RunError):
        control.cancel(store, 999, "me@here")


# The answer.


@pytest.mark.parametrize("yes", [True, False])
def test_yes_stores_the_flags_as_cleared_and_no_leaves_them(store: Store, settings: Settings, yes: bool) -> None:
    set_flag(store, settings, True, "CURRENCY")
    number = started(store, settings, ASKING, only=["CURRENCY", "CUSTOMER"])
    control.answer(store, number, yes=yes, by="boss@there", clock=at(7))
    row = row_of(store, number)
    assert (row["state"], row["answer"], row["answered_by"]) == ("finished", yes, "boss@there")
    assert (row["answered_at"], row["kept_edits"]) == (later(7), [])
    assert flags(store) == ({"CURRENCY": (False, 2), "CUSTOMER": (False, 1)} if yes else {"CURRENCY": (True, 1)})


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("edit", [True, False])
@pytest.mark.parametrize("stored_before", [True, False])
def test_an_operators_own_edit_during_the_run_wins(
    store: Store, settings: Settings, yes: bool, edit: bool, stored_before: bool
) -> None:
    if stored_before:
        set_flag(store, settings, True)
    number = started(store, settings, ASKING, only=["CURRENCY", "CUSTOMER"])
    set_flag(store, settings, edit)
    control.answer(store, number, yes=yes, by="boss@there", clock=at(7))
    assert flags(store)["CUSTOMER"] == (edit, 1 + stored_before)
    assert row_of(store, number)["kept_edits"] == ["CUSTOMER"]
    assert ("CURRENCY" in flags(store)) is yes


@pytest.mark.parametrize("state", [state for state in STORED_STATES if state is not ASKING])
def test_only_a_question_can_be_answered(store: Store, settings: Settings, state: RunState) -> None:
    number = started(store, settings, state)
    for one in (number, 999):
        with pytest.raises(RunError, match=f"Run {one} asks nothing"):
            control.answer(store, one, yes=True, by="me@here")
    assert flags(store) == {}
    assert row_of(store, number)["answer"] is None


def test_the_first_answer_stands(store: Store, settings: Settings) -> None:
    number = started(store, settings, ASKING)
    control.answer(store, number, yes=False, by="first")
    with pytest.raises(RunError, match="asks nothing"):
        control.answer(store, number, yes=True, by="second")
    assert row_of(store, number)["answered_by"] == "first"
    assert flags(store) == {}


def test_an_answer_and_what_it_changes_are_one_commit(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = started(store, settings, ASKING)

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "change", die)
        with pytest.raises(KeyboardInterrupt):
            control.answer(store, number, yes=True, by="me@here")
    assert flags(store) == {}
    assert row_of(store, number)["state"] == "asking"
    control.answer(store, number, yes=True, by="me@here")
    assert flags(store) == dict.fromkeys(JOBS, (False, 1))


# The flag itself.


def test_an_operator_may_choose_the_flag_of_a_mapping_that_there_is(store: Store, settings: Settings) -> None:
    set_flag(store, settings, False)
    assert flags(store) == {"CUSTOMER": (False, 1)}
    with pytest.raises(ConfigError, match="There is no job 'VENDOR'"):
        set_flag(store, settings, False, "VENDOR")


# Errors say what to do.


def test_every_refusal_has_a_hint(store: Store, settings: Settings) -> None:
    number = started(store, settings, FINISHED)
    found: list[CouplerError] = []
    refusals: list[Callable[[], None]] = [
        lambda: control.resume(store, settings, number),
        lambda: control.wish(store, number, Wish.STOP),
        lambda: control.cancel(store, number, "me"),
        lambda: control.answer(store, number, yes=True, by="me"),
    ]
    for refused in refusals:
        with pytest.raises(RunError) as caught:
            refused()
        found.append(caught.value)
    assert all("`coupler status`" in one.hint for one in found)


def test_who_acts_is_a_user_on_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass

    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    assert control.who().startswith("anna@")

    def unknown() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert control.who().startswith("uid ")
