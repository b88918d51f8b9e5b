"""How a mapping stands: what failed, what waits, and what the newest plan counted."""

from dataclasses import replace
from pathlib import Path

from engine.model.conflict import Clash, Conflict
from engine.model.detail import Ledger
from engine.model.outcome import Action
from engine.model.snapshot import RunState
from engine.runs.detail import detail
from engine.store import conflicts, troubles
from engine.store.database import Store
from tests.runs_store.tools import add_page, put, set_job, settings_of
from tests.store.tools import (
    AT,
    CUSTOMER,
    FROM,
    TO,
    couple,
    crm,
    done,
    failed,
    later,
    nav,
    new_run,
    page_of,
    pairs,
    scope_of,
)


def test_what_failed_and_what_waits_is_counted_for_the_mapping_alone(store: Store, tmp_path: Path) -> None:
    couple(store, *pairs(1, 2, 3))
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, TO, [failed(1), replace(failed(2), set_aside=True)], 7, AT)
        troubles.note(connection, CUSTOMER, FROM, [failed(3)], 7, AT)
        troubles.note(connection, "CURRENCY", TO, [failed(1)], 7, AT)
        clash = Clash("City", "address1_city", "Graz", "Wien")
        conflicts.save(connection, [Conflict(CUSTOMER, nav(1), crm(1), "C1", "Firm", 7, AT, (clash,))])
    found = detail(store, settings_of(tmp_path), CUSTOMER)
    assert (found.standing.coupled, found.ledger) == (3, Ledger(failed=3, skipped=1, conflicts=1))
    assert detail(store, settings_of(tmp_path), "CONTACTS").ledger == Ledger()


def test_the_newest_plan_that_ended_says_what_is_not_coupled(store: Store, tmp_path: Path) -> None:
    plan = new_run(store, "plan")
    add_page(store, scope_of(plan), page_of(None, nav(2), [done(1), done(2, Action.COUPLED)]))
    assert detail(store, settings_of(tmp_path), CUSTOMER).counted is None, "it has not ended"
    for one_way in (TO, FROM):
        set_job(store, scope_of(plan, one_way=one_way), state="OK")
    put(store, plan, RunState.FINISHED, ended_at=later(60))
    found = detail(store, settings_of(tmp_path), CUSTOMER)
    assert found.counted is not None
    assert (found.counted.counters.inserted, found.counted_at) == (1, later(60))
    assert detail(store, settings_of(tmp_path), "CONTACTS").counted is None


def test_a_count_that_was_stopped_on_the_way_tells_nothing(store: Store, tmp_path: Path) -> None:
    plan = new_run(store, "plan")
    add_page(store, scope_of(plan), page_of(None, nav(2), [done(1), done(2)]))
    set_job(store, scope_of(plan), state="STOP")
    put(store, plan, RunState.CANCELLED, ended_at=later(60))
    assert detail(store, settings_of(tmp_path), CUSTOMER).counted is None
