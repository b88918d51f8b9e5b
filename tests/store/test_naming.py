"""Records are found by parts of their numbers and names."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from engine.model.conflict import Clash, Conflict
from engine.model.outcome import Action
from engine.model.plan import Effect
from engine.runs.plans import records
from engine.runs.problems import outcomes
from engine.store import ambiguous, conflicts, foreseen, troubles, work
from engine.store.database import Store
from engine.store.schema import run as runs
from tests.store.tools import AT, CUSTOMER, TO, crm, done, failed, nav, new_run, problem, scope_of

NAMES = {1: "Möbel Zoë", 2: "100 % Wool", 3: "Under_score & Sons"}
FOUND = [
    ((), [1, 2, 3]),
    (("c2",), [2]),
    (("ZO",), [1]),
    (("Mö", "C1"), [1]),
    (("Mö", "C2"), []),
    (("%",), [2]),
    (("_",), [3]),
    (("s",), [3]),
]


@pytest.mark.parametrize(("words", "numbers"), FOUND)
def test_each_word_is_in_the_number_or_in_the_name(store: Store, words: tuple[str, ...], numbers: list[int]) -> None:
    plan = new_run(store, "plan")
    scope = scope_of(plan, plan=True)
    with store.writing() as connection:
        work.save_outcomes(connection, scope, [replace(failed(no), name=name) for no, name in NAMES.items()], AT)
        made = [replace(done(no, Action.INSERTED), name=name) for no, name in NAMES.items()]
        foreseen.note(connection, scope, made)
    expected = [f"C{no}" for no in numbers]
    assert [one.nav_no for one in outcomes(store, plan, words=words)] == expected
    for effect in (Effect.INSERTED, Effect.FAILED):
        assert [one.nav_no for one in records(store, plan, scope.seq, TO, effect, words=words)] == expected


@pytest.mark.parametrize(("words", "numbers"), FOUND)
def test_so_are_records_that_several_others_match_of_the_ledger_and_of_the_last_plan(
    store: Store, words: tuple[str, ...], numbers: list[int]
) -> None:
    run, plan = new_run(store), new_run(store, "plan")
    found = [replace(failed(no, problem("ambiguous")), name=name) for no, name in NAMES.items()]
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, TO, found[:2], run, AT)
        work.save_outcomes(connection, scope_of(plan, plan=True), found[1:], AT)
        connection.execute(sa.update(runs).where(runs.c.id == plan).values(state="finished"))
    with store.reading() as connection:
        page = ambiguous.page(connection, 50, 0, words)
    assert [one.nav_no for one in page.records] == [f"C{no}" for no in numbers]
    assert page.total == len(numbers)


@pytest.mark.parametrize(("words", "numbers"), FOUND)
def test_so_are_conflicts(store: Store, words: tuple[str, ...], numbers: list[int]) -> None:
    city = Clash("City", "address1_city", "Bonn", "Köln")
    found = [Conflict(CUSTOMER, nav(no), crm(no), f"C{no}", name, 1, AT, (city,)) for no, name in NAMES.items()]
    with store.writing() as connection:
        conflicts.save(connection, found)
    with store.reading() as connection:
        page = conflicts.page(connection, 50, 0, words)
    assert [one.nav_no for one in page.records] == [f"C{no}" for no in numbers]
    assert page.total == len(numbers)
