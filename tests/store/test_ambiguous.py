"""Records that several others match: each once, ledger before plan, and a page costs what it shows."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import Any

import pytest

from engine.model.matches import AmbiguousPage
from engine.model.snapshot import RunState
from engine.store import ambiguous, runs, troubles, work
from engine.store.database import Store
from tests.store.test_browsing import steps, watched
from tests.store.tools import AT, CUSTOMER, FROM, TO, couple, crm, failed, nav, new_run, pair, problem, scope_of

MANY = 100_000
SEVERAL = problem("ambiguous", "several match", "Two match.")


def plan_of(store: Store, *numbers: int, message: str = "Two match, by the plan.") -> int:
    """A finished plan for which these customers were ambiguous."""
    plan = new_run(store, "plan")
    with store.writing() as connection:
        met = [failed(number, problem("ambiguous", "several match", message)) for number in numbers]
        work.save_outcomes(connection, scope_of(plan, plan=True), met, AT)
        runs.change(connection, plan, [RunState.RUNNING], {"state": RunState.FINISHED.value})
    return plan


def met(store: Store, *numbers: int, run: int = 90) -> None:
    """A run left these customers in the ledger."""
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, TO, [failed(number, SEVERAL) for number in numbers], run, AT)


def read(store: Store, limit: int = 50, offset: int = 0) -> AmbiguousPage:
    with store.reading() as connection:
        return ambiguous.page(connection, limit, offset)


def test_each_is_there_once_and_the_ledger_speaks_before_the_plan(store: Store) -> None:
    plan = plan_of(store, 1, 2, 4)
    met(store, 2, 3)
    found = read(store)
    said = [(one.nav_no, one.run, one.message) for one in found.records]
    assert said == [
        ("C1", plan, "Two match, by the plan."),
        ("C2", 90, "Two match."),
        ("C3", 90, "Two match."),
        ("C4", plan, "Two match, by the plan."),
    ]
    assert (found.total, found.exact) == (4, True)
    assert [one.nav_no for one in read(store, 2, 1).records] == ["C2", "C3"]


def test_those_of_an_older_plan_those_that_failed_otherwise_and_coupled_ones_are_not(store: Store) -> None:
    plan_of(store, 1)
    plan_of(store, 2, 3)
    met(store, 4, 5)
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, TO, [failed(5)], 91, AT)
    couple(store, pair(3))
    assert [one.nav_no for one in read(store).records] == ["C2", "C4"]


def test_the_ones_of_nav_come_first_and_those_of_crm_are_known_by_their_own_id(store: Store) -> None:
    met(store, 1)
    theirs = replace(failed(7, SEVERAL), source_id=crm(7), nav_no="")
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, FROM, [theirs], 90, AT)
    assert [(one.direction, one.source_id) for one in read(store).records] == [(TO, nav(1)), (FROM, crm(7))]
    couple(store, pair(7))
    assert [one.direction for one in read(store).records] == [TO]


def test_a_record_that_the_plan_knew_by_another_number_is_shown_by_the_newer_one(store: Store) -> None:
    plan_of(store, 1, 2)
    met(store, 1)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE trouble SET nav_no = 'D1'")
    assert [one.nav_no for one in read(store).records] == ["C2", "D1"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A hundred thousand that a plan and then a run met, beside as many coupled ones."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('full')}/store.db")
    plan = plan_of(store)
    own = "'CUSTOMER', 'ToIntegrationTable', id, 'ambiguous', 'Two match.', printf('D%08d', i), 'A firm'"
    with store.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS "
            f"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) SELECT i, randomblob(16) AS id FROM n"
        )
        connection.exec_driver_sql(
            "INSERT INTO trouble (mapping, direction, source_id, code, message, nav_no, name, times, skipped, run_id, "
            f"at) SELECT {own}, 1, 0, 90, 0 FROM n ORDER BY random()"
        )
        connection.exec_driver_sql(
            "INSERT INTO outcome (mapping, direction, source_id, code, message, nav_no, name, run_id, seq, kind, "
            f"cause, hint, at) SELECT {own}, {plan}, 4, 'failed', 'Two match', '', 0 FROM n ORDER BY random()"
        )
        connection.exec_driver_sql(
            "INSERT INTO coupling (mapping, nav_id, crm_id, nav_no, run_id, uncounted, coupled_at) "
            "SELECT 'CUSTOMER', randomblob(16), randomblob(16), printf('E%08d', i), 1, 0, 0 FROM n"
        )
    yield store
    store.close()


def test_a_page_of_a_hundred_thousand_reads_what_it_shows_and_counts_no_further_than_people_look(full: Store) -> None:
    begun = process_time()
    with watched(full) as sent, full.reading() as connection, steps(connection) as thousands:
        found = ambiguous.page(connection, 50, 0)
    took = process_time() - begun
    sys.stdout.write(f"{len(sent)} statements, {len(thousands)} thousand steps, {took * 1000:.0f} ms of CPU time\n")
    assert [one.nav_no for one in (found.records[0], found.records[-1])] == ["D00000001", "D00000050"]
    assert {one.run for one in found.records} == {90}
    assert (found.total, found.exact) == (ambiguous.COUNTED, False)
    assert len(sent) == 3
    assert len(thousands) < 1_000, "each of them takes a dozen of steps at least"
    assert took < 0.3
    assert _sorted(full, sent) <= {"USE TEMP B-TREE FOR ORDER BY"}, "the fifty that are shown"


def _sorted(store: Store, sent: list[tuple[str, Any]]) -> set[str]:
    """What the database would sort or search without an index."""
    with store.reading() as connection:
        plans = [
            row[3] for one, values in sent for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values)
        ]
    bare = [one for one in plans if one in ("SCAN trouble", "SCAN outcome", "SCAN coupling")]
    return {one for one in plans if "TEMP B-TREE" in one} | set(bare)


def test_a_page_further_on_counts_on_from_there(full: Store) -> None:
    found = read(full, 50, MANY - 50)
    assert [found.records[0].nav_no, found.records[-1].nav_no] == ["D00099951", "D00100000"]
    assert (found.total, found.exact) == (MANY, True)
    assert read(full, 50, MANY).records == ()
