"""Failures, skips and warnings: equal ones as one line, and record by record."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.model.mapping import Direction
from engine.model.outcome import Action
from engine.model.snapshot import RunState as State
from engine.runs import control
from engine.runs.problems import Causes, causes, outcomes
from engine.store import work
from engine.store.database import Store
from engine.store.schema import outcome
from tests.runs_store.tools import at, put, scope_of
from tests.store.tools import FROM, TO, crm, done, failed, later, nav, problem


def note(store: Store, number: int, mapping: str, one_way: Direction, *found: Any, seconds: float = 0) -> None:
    with store.writing() as connection:
        work.save_outcomes(connection, scope_of(number, mapping, one_way), found, later(seconds))


def a_run(store: Store, settings: Settings) -> int:
    number = control.start(store, settings, by="me", clock=at(0))
    put(store, number, State.FINISHED)
    return number


@pytest.fixture
def run(store: Store, settings: Settings) -> int:
    number = a_run(store, settings)
    short = problem("too_long", "Code: longer than 5 characters", "Code would be 'BITCOIN'.")
    note(store, number, "CURRENCY", TO, failed(9, short), seconds=1)
    note(store, number, "CUSTOMER", TO, failed(3), failed(1), seconds=3)
    note(store, number, "CUSTOMER", TO, failed(2), seconds=2)
    note(store, number, "CUSTOMER", FROM, failed(1), seconds=4)
    note(store, number, "CUSTOMER", TO, done(4, warnings=(problem("cut", "name: cut"),)), seconds=5)
    note(store, number, "CUSTOMER", TO, done(5, Action.SKIPPED, problem=problem("off")), seconds=6)
    return number


def test_equal_failures_are_one_line_and_the_most_frequent_comes_first(store: Store, run: int) -> None:
    found = causes(store, run)
    assert (found[0].mapping, found[0].code, found[0].count) == ("CUSTOMER", "rejected", 4)
    assert sorted((one.mapping, one.kind, one.code, one.count) for one in found) == [
        ("CURRENCY", "failed", "too_long", 1),
        ("CUSTOMER", "failed", "rejected", 4),
        ("CUSTOMER", "skipped", "off", 1),
        ("CUSTOMER", "warning", "cut", 1),
    ]
    assert (found[0].cause, found[0].first_seen, found[0].hint) == ("no city", later(2), "Give it one.")
    assert found[1].mapping == "CURRENCY", "of equally frequent ones those of earlier jobs come first"


def test_failures_come_before_what_nobody_has_to_see_to(store: Store, settings: Settings, run: int) -> None:
    cut = (problem("cut", "name: cut"),)
    note(store, run, "CUSTOMER", TO, *(done(number, warnings=cut) for number in range(10, 20)))
    for found in (causes(store, run), Causes(store).of(run, None)):
        assert [(one.kind, one.count) for one in found] == [
            ("failed", 4),
            ("failed", 1),
            ("warning", 11),
            ("skipped", 1),
        ]


def test_causes_are_of_a_run_or_of_all_and_of_a_mapping_or_of_all(store: Store, settings: Settings, run: int) -> None:
    other = a_run(store, settings)
    note(store, other, "CUSTOMER", TO, failed(1))
    assert [one.run for one in causes(store)] == [other, run, run, run, run], "newer runs come first"
    assert [one.mapping for one in causes(store, run, "CURRENCY")] == ["CURRENCY"]
    assert causes(store, 999) == causes(store, run, "CONTACTS") == []


def test_what_a_plan_foresees_is_not_among_the_failures_of_all_runs(store: Store, settings: Settings, run: int) -> None:
    before = causes(store)
    plan = control.start(store, settings, by="me", kind="plan", clock=at(0))
    note(store, plan, "CUSTOMER", TO, failed(1))
    assert causes(store) == Causes(store).of(None, None) == before
    assert [one.count for one in causes(store, plan)] == [1]
    assert {one.run for one in outcomes(store)} == {run}


def test_who_asks_again_hears_of_what_came_and_went_and_nothing_is_grouped_anew_for_less(
    store: Store, settings: Settings, run: int
) -> None:
    asked = Causes(store)
    short = asked.of(run, "CURRENCY")
    assert short == causes(store, run, "CURRENCY")
    found = asked.of(run, None)
    assert found == causes(store, run)
    assert asked.of(run, None) is found
    assert asked.of(run, "CURRENCY") == short
    note(store, run, "CUSTOMER", TO, failed(6))
    assert asked.of(run, None) == causes(store, run) != found
    other = a_run(store, settings)
    assert asked.of(None, None) == causes(store)
    note(store, other, "CUSTOMER", TO, failed(1))
    assert asked.of(None, None) == causes(store)
    note(store, other, "CUSTOMER", FROM, done(2, warnings=(problem(),)))
    assert asked.of(other, None) == causes(store, other), "one cause, but of two kinds"
    assert {(one.kind, one.count) for one in asked.of(other, None)} == {("failed", 1), ("warning", 1)}
    with store.writing() as connection:
        connection.execute(sa.delete(outcome).where(outcome.c.run_id == run))
    assert asked.of(None, None) == causes(store)
    assert asked.of(run, None) == []


def test_the_order_of_causes_is_always_the_same(store: Store, settings: Settings) -> None:
    number = a_run(store, settings)
    names = "dbacfe"
    found = [failed(ord(name), problem(f"code {103 - ord(name)}", f"cause {name}")) for name in names]
    note(store, number, "CUSTOMER", TO, *found)
    assert [one.cause for one in causes(store, number)] == [f"cause {name}" for name in sorted(names)]


def test_the_order_of_records_is_always_the_same(store: Store, settings: Settings) -> None:
    number = a_run(store, settings)
    first = scope_of(number, "CUSTOMER", TO)
    for seq in (6, 4, 5):  # jobs that all did something to one record of the mapping
        with store.writing() as connection:
            work.save_outcomes(connection, replace(first, seq=seq), [failed(1)], later(0))
    assert [one.seq for one in outcomes(store, number, mapping="CUSTOMER")] == [4, 5, 6]


def test_the_records_behind_a_cause_come_by_job_and_number(store: Store, run: int) -> None:
    found = outcomes(store, run)
    assert [(one.mapping, one.nav_no) for one in found] == [
        ("CURRENCY", "C9"),
        ("CUSTOMER", "C1"),
        ("CUSTOMER", "C1"),
        ("CUSTOMER", "C2"),
        ("CUSTOMER", "C3"),
        ("CUSTOMER", "C4"),
        ("CUSTOMER", "C5"),
    ]
    assert {one.direction for one in found[1:3]} == {TO, FROM}
    second = found[3]
    assert (second.kind, second.code, second.message, second.hint) == (
        "failed",
        "rejected",
        "There is no city.",
        "Give it one.",
    )
    assert (second.name, second.nav_id, second.crm_id, second.at) == ("Firm 2", nav(2), None, later(2))


def test_records_are_found_by_cause_code_and_mapping_and_read_in_parts(store: Store, run: int) -> None:
    assert [one.nav_no for one in outcomes(store, run, cause="name: cut")] == ["C4"]
    assert [one.nav_no for one in outcomes(store, run, code="too_long")] == ["C9"]
    assert [one.nav_no for one in outcomes(store, run, mapping="CURRENCY")] == ["C9"]
    assert outcomes(store, run, cause="name: cut", code="too_long") == []
    parts = [outcomes(store, run, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [len(part) for part in parts] == [3, 3, 1, 0]
    assert [one for part in parts for one in part] == outcomes(store, run)


def test_records_of_newer_runs_come_first(store: Store, settings: Settings, run: int) -> None:
    other = a_run(store, settings)
    note(store, other, "ITEM-PRODUCT", FROM, failed(1))
    assert outcomes(store)[0].run == other
    assert len(outcomes(store)) == 8


def test_a_long_cause_is_found_by_its_whole_text(store: Store, settings: Settings) -> None:
    number = a_run(store, settings)
    long = "x" * 1000
    note(store, number, "CUSTOMER", TO, failed(1, problem("E" * 100, long)), done(2))
    (one,) = causes(store, number)
    assert outcomes(store, number, cause=long, code="E" * 100) == outcomes(
        store, number, cause=one.cause, code=one.code
    )
    assert len(outcomes(store, number, cause=long)) == 1


def test_a_record_of_crm_has_its_id(store: Store, settings: Settings) -> None:
    number = a_run(store, settings)
    one = failed(1)
    back = type(one)(crm(1), one.action, "", "Firm", None, crm(1), problem=problem())
    note(store, number, "CUSTOMER", FROM, back)
    (found,) = outcomes(store, number)
    assert (found.nav_no, found.nav_id, found.crm_id) == ("", None, crm(1))
