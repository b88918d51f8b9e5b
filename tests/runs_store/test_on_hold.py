"""What waits while a run is not over, and the flags that are put back to their defaults when none is."""

from collections.abc import Callable

import pytest

from engine.config import Settings
from engine.model.errors import OnHold
from engine.model.snapshot import RunState
from engine.runs import control, coupling, undoing
from engine.runs.requests import Match
from engine.store.database import Store
from engine.store.schema import run
from tests.runs_store.test_control import flags, set_flag, start, started
from tests.runs_store.tools import STORED_STATES, at, row_of
from tests.store.tools import rows


def test_a_reset_stores_the_default_of_flags_that_are_otherwise_and_tells_which(
    store: Store, settings: Settings
) -> None:
    defaults = {one.name: one.only_coupled for one in settings.mappings}
    set_flag(store, settings, not defaults["CUSTOMER"], "CUSTOMER")
    set_flag(store, settings, defaults["CONTACTS"], "CONTACTS")
    set_flag(store, settings, not defaults["CURRENCY"], "CURRENCY")
    names = ["CUSTOMER", "CONTACTS", "SALEPEOPLE"]
    assert control.reset_flags(store, settings, names, by="boss") == ["CUSTOMER"]
    assert flags(store) == {
        "CUSTOMER": (defaults["CUSTOMER"], 2),
        "CONTACTS": (defaults["CONTACTS"], 1),
        "CURRENCY": (not defaults["CURRENCY"], 1),
    }, "one that nobody stored stays so, and one that was not named stays as it is"
    assert control.flagged(store) == ["CONTACTS", "CURRENCY", "CUSTOMER"]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.STOPPED, RunState.ASKING])
def test_flags_are_not_reset_under_a_run_that_goes_on_with_them(
    store: Store, settings: Settings, state: RunState
) -> None:
    set_flag(store, settings, False)
    number = started(store, settings, state)
    with pytest.raises(OnHold, match=f"Run {number} is not finished"):
        control.reset_flags(store, settings, ["CUSTOMER"], by="boss")
    assert flags(store) == {"CUSTOMER": (False, 1)}


@pytest.mark.parametrize("state", STORED_STATES)
def test_jobs_on_a_schedule_wait_for_a_run_that_is_not_over(store: Store, settings: Settings, state: RunState) -> None:
    number = started(store, settings, state)
    if state.active:
        with pytest.raises(OnHold, match=f"Run {number} is not finished or not answered"):
            control.refuse_on_hold(store)
        with pytest.raises(OnHold, match="on hold"):
            start(store, settings, kind="sync")
    else:
        control.refuse_on_hold(store)
        assert start(store, settings, kind="sync") > number


def test_all_that_writes_waits_for_an_undo_and_is_told_of_which_run(store: Store, settings: Settings) -> None:
    target = started(store, settings, RunState.FINISHED)
    number = undoing.start(store, settings, target, dry=False, by="me@here", clock=at(1))
    refusals: list[Callable[[], object]] = [
        lambda: control.refuse_on_hold(store),
        lambda: start(store, settings),
        lambda: start(store, settings, kind="sync"),
        lambda: control.resume(store, settings, number),
        lambda: control.reset_flags(store, settings, ["CUSTOMER"], by="boss"),
        lambda: coupling.start(store, settings, Match(("CUSTOMER",)), by="me@here"),
    ]
    for refused in refusals:
        with pytest.raises(OnHold, match=f"Run {number}, which undoes run {target}, is not finished"):
            refused()
    assert [row["id"] for row in rows(store, run)] == [target, number]
    control.cancel(store, number, "me@here")
    assert "what it took back stays so" in row_of(store, number)["message"]
    control.refuse_on_hold(store)
