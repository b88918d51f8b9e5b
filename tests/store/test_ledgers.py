"""Troubles, conflicts, watermarks, what a run overwrote and made, and what a run that undoes it is going to do."""

from dataclasses import replace

import pytest
from msgspec import structs

from engine.model.conflict import Choice, Clash, Conflict
from engine.model.outcome import Problem
from engine.store import conflicts, couplings, deeds, pages, runs, troubles, undoing, watermarks, work
from engine.store.database import Store
from engine.store.schema import coupling, outcome
from engine.store.traces import Extra, Overwrite, Values
from engine.store.types import as_kept
from tests.store.test_types import HOSTILE
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
    pair,
    problem,
    rows,
    scope_of,
)

hostile = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))


# Troubles.


def test_a_record_that_fails_alike_is_counted_until_it_succeeds(store: Store) -> None:
    with store.writing() as connection:
        for number in range(3):
            troubles.note(connection, CUSTOMER, TO, [failed(1), failed(2)], number, later(number))
        troubles.note(
            connection, CUSTOMER, TO, [replace(failed(1), problem=problem("other", "x", "Other.")), done(2)], 4, AT
        )
        troubles.note(connection, CUSTOMER, FROM, [failed(3)], 4, AT)
        assert troubles.to_retry(connection, CUSTOMER, TO) == [nav(1)]
        (one,) = troubles.of(connection, CUSTOMER, TO, [nav(1), nav(2)]).values()
        assert (one.times, one.message, one.run) == (1, "Other.", 4)
        assert [each.nav_no for each in troubles.listing(connection, skipped=False)] == ["C1", "C3"]


def test_what_is_left_alone_comes_back_when_an_operator_says_so(store: Store) -> None:
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, TO, [replace(failed(1), set_aside=True), failed(2)], 1, AT)
        assert troubles.to_retry(connection, CUSTOMER, TO) == [nav(2)]
        assert [one.nav_no for one in troubles.listing(connection, skipped=True)] == ["C1"]
        assert len(troubles.retry(connection, CUSTOMER, "c1")) == 1
        assert troubles.to_retry(connection, CUSTOMER, TO) == [nav(1), nav(2)]
        assert troubles.of(connection, CUSTOMER, TO, [nav(1)])[nav(1)].times == 0


def test_a_retry_gives_a_record_all_its_tries_in_both_directions(store: Store) -> None:
    alone = replace(failed(1), set_aside=True)
    back = replace(failed(1), source_id=crm(1))
    other = replace(failed(2), source_id=crm(2))
    couple(store, pair(1), pair(2))
    for number in (None, "C1"):
        with store.writing() as connection:
            troubles.note(connection, CUSTOMER, TO, [alone], 1, AT)
            troubles.note(connection, CUSTOMER, FROM, [back, other], 1, AT)
            assert troubles.left_alone(connection, [CUSTOMER, "CONTACTS"]) == 1
            assert troubles.left_alone(connection, ["CONTACTS"]) == 0
            assert len(troubles.retry(connection, CUSTOMER, number)) == 1
            assert troubles.left_alone(connection, [CUSTOMER]) == 0
            assert troubles.of(connection, CUSTOMER, TO, [nav(1)])[nav(1)].times == 0
            assert troubles.of(connection, CUSTOMER, FROM, [crm(1)])[crm(1)].times == 0
            assert troubles.of(connection, CUSTOMER, FROM, [crm(2)])[crm(2)].times > 0


@pytest.mark.parametrize(("number", "typed"), [("ÄRÖ-1", "ärö-1"), ("STRASSE", " straße"), ("ΣÖ", "ςö")])
def test_a_retry_finds_a_number_whatever_its_letters_and_case(store: Store, number: str, typed: str) -> None:
    with store.writing() as connection:
        alone = replace(failed(1), set_aside=True, nav_no=number)
        troubles.note(connection, CUSTOMER, TO, [alone, replace(failed(2), set_aside=True)], 1, AT)
        assert len(troubles.retry(connection, CUSTOMER, typed)) == 1
        assert [one.nav_no for one in troubles.listing(connection, skipped=True)] == ["C2"]


@hostile
def test_any_message_is_known_again(store: Store, text: str) -> None:
    one = replace(failed(1), nav_no=text, name=text, problem=Problem(text, text, text, text))
    with store.writing() as connection:
        for _ in range(2):
            troubles.note(connection, CUSTOMER, TO, [one], 1, AT)
        found = troubles.of(connection, CUSTOMER, TO, [nav(1)])[nav(1)]
    assert found.times == 2
    assert (found.message, found.code) == (as_kept(text, 250), as_kept(text, 60))


# Conflicts.


def conflict_of(number: int, *fields: Clash, name: str = "Firm") -> Conflict:
    return Conflict(CUSTOMER, nav(number), crm(number), f"C{number}", name, 1, AT, fields)


CITY = Clash("City", "address1_city", "Bonn", "Köln")
LIMIT = Clash("Credit", "creditlimit", "1.00", None)


def test_a_choice_is_about_the_values_that_were_shown(store: Store) -> None:
    one = conflict_of(1, CITY, LIMIT)
    with store.writing() as connection:
        conflicts.save(connection, [one, conflict_of(2, LIMIT)])
        assert conflicts.chosen(connection, CUSTOMER) == []
        assert conflicts.choose(connection, one, {CITY.key: Choice.CRM})
        conflicts.save(connection, [replace(one, at=later(9), run=2)])
        (kept,) = conflicts.chosen(connection, CUSTOMER)
        assert (kept.at, kept.run) == (AT, 2)
        assert kept.fields == (replace(CITY, choice=Choice.CRM), LIMIT)
        conflicts.save(connection, [conflict_of(1, replace(CITY, nav_value="Ulm"))])
        assert conflicts.chosen(connection, CUSTOMER) == []
        assert not conflicts.choose(connection, one, {CITY.key: Choice.NAV})
        conflicts.clear(connection, CUSTOMER, [nav(1)])
        assert [found.nav_no for found in conflicts.listing(connection)] == ["C2"]


@hostile
def test_any_value_may_be_in_conflict(store: Store, text: str) -> None:
    one = conflict_of(1, Clash("City", "address1_city", text, None), name=text)
    with store.writing() as connection:
        conflicts.save(connection, [one])
        assert conflicts.choose(connection, one, {one.fields[0].key: Choice.NAV})
    with store.reading() as connection:
        (found,) = conflicts.listing(connection, CUSTOMER)
    assert (found.fields[0].same, found.name) == (one.fields[0].same, as_kept(text, 200))
    assert found.chosen


# Watermarks.


def test_a_watermark_moves_forward_to_the_newest_change_and_not_beyond_the_start_of_the_pass(store: Store) -> None:
    for newest, begun, expected in ((5, 9, 5), (3, 9, 5), (20, 9, 9), (None, 99, 9)):
        scope = scope_of(new_run(store, "sync"))
        with store.writing() as connection:
            epoch, cursor, _ = work.take_slice(connection, scope)
            work.begin_slice(connection, scope, later(begun))
            work.begin_slice(connection, scope, later(1000))
            for number in (1, 2):
                moment = None if newest is None else later(newest - (number == 2))
                result = pages.PageResult(cursor, f"k{number}", 0, [], [], newest=moment)
                pages.commit_page(connection, scope, epoch, result, AT)
                cursor = f"k{number}"
            work.finish_slice(connection, scope, epoch)
            assert watermarks.get(connection, CUSTOMER, TO) == later(expected)
            assert watermarks.get(connection, CUSTOMER, FROM) is None


# Couplings whose partner is made again.


def test_that_a_record_was_coupled_and_how_often_its_partner_was_made_again_outlives_its_coupling(store: Store) -> None:
    couple(store, pair(1, generation=2), pair(2), pair(3))
    with store.writing() as connection:
        couplings.remove(connection, CUSTOMER, [nav(1), nav(2)])
        assert couplings.generations(connection, CUSTOMER, [nav(1), nav(2), nav(3)]) == {nav(1): 2, nav(2): 0}
    assert [row["nav_id"] for row in rows(store, coupling)] == [nav(3)]


@pytest.mark.parametrize("one_way", [TO, FROM])
def test_a_record_that_is_found_to_have_been_made_again_replaces_its_coupling(store: Store, one_way: object) -> None:
    couple(store, pair(1))
    scope = scope_of(new_run(store), TO if one_way is TO else FROM)
    again = structs.replace(pair(1), generation=1, uncounted=True)
    again = structs.replace(again, crm_id=crm(9)) if one_way is TO else structs.replace(again, nav_id=nav(9))
    with store.writing() as connection:
        work.intend(connection, scope, [work.Create(nav(1) if one_way is TO else crm(1), "C1", None, 1)], [], AT)
        (intent,) = work.open_intents(connection)
        work.settle_intent(connection, intent, [again], [], later(1))
    assert [(row["nav_id"], row["crm_id"], row["generation"]) for row in rows(store, coupling)] == [
        (again.nav_id, again.crm_id, 1)
    ]


# What can be undone.


def test_what_a_run_did_is_found_again_by_record(store: Store) -> None:
    first, second = scope_of(new_run(store)), scope_of(new_run(store, "sync"))
    updates = [Overwrite("accounts", crm(2), Values({"name": "A"}, {"name": "B"}))]
    couple(store, pair(1, born="crm"), pair(2), run=first.run)
    with store.writing() as connection:
        work.intend(
            connection, first, [], updates, AT, [Extra("lines", crm(7), crm(2)), Extra("lines", crm(8), crm(2))]
        )
        work.intend(connection, second, [], updates, later(1), [Extra("lines", crm(8), crm(2))])
        assert [(one.nav_no, one.born) for one in deeds.pairs_of(connection, first.run, None)] == [
            ("C1", "crm"),
            ("C2", None),
        ]
        assert deeds.pairs_of(connection, first.run, (CUSTOMER, nav(2))) == []
        assert [one.id for one in deeds.made_by(connection, first.run, None)] == [crm(7)]
        assert deeds.made_by(connection, first.run, ("lines", crm(7))) == []
        (written,) = deeds.written_by(connection, first.run, None)
        assert (written.id, written.values) == (crm(2), (updates[0].values,))
        assert deeds.written_by(connection, first.run, ("accounts", crm(2))) == []
        assert deeds.written(connection, second.run, "accounts", [crm(1), crm(2)])[0].values == written.values
        assert deeds.later_writers(connection, first.run, [crm(1), crm(2)]) == {crm(2): (second.run, "sync")}


@hostile
def test_steps_are_taken_by_rank_whatever_records_are_called(store: Store, text: str) -> None:
    couple(store, pair(1), pair(2))
    number = new_run(store, "undo")

    def step(at: int, rank: int, kind: str) -> undoing.Step:
        one = undoing.Step(rank, "accounts", crm(at), kind, 4, TO, CUSTOMER, nav_id=nav(at), crm_id=crm(at))
        return replace(one, nav_no=text, name=text, note=text)

    with store.writing() as connection:
        undoing.add(connection, number, [step(2, 1, undoing.REMOVE), step(1, 0, undoing.UNCOUPLE)])
        undoing.add(connection, number, [step(1, 0, undoing.UNCOUPLE)])
        (first,) = undoing.upcoming(connection, number, 10)
        assert (first.id, first.name, first.note) == (crm(1), as_kept(text, 200), as_kept(text, None))
        told = Problem(text, text, text, text)
        undoing.end(connection, number, [undoing.Ended(first, undoing.DONE, told)], AT)
        (second,) = undoing.upcoming(connection, number, 10)
        undoing.end(connection, number, [undoing.Ended(second, undoing.LEFT, told, told)], AT)
        assert undoing.upcoming(connection, number, 10) == []
        assert undoing.known(connection, number, [crm(1), crm(2)]) == {crm(2): undoing.LEFT}
        assert undoing.done_before(connection, [number], [crm(1), crm(2)]) == {crm(1)}
        assert sorted(undoing.summary(connection, number)) == [
            (4, TO.value, undoing.REMOVE, undoing.LEFT, 1),
            (4, TO.value, undoing.UNCOUPLE, undoing.DONE, 1),
        ]
        assert len(runs.job_rows(connection, number)) == 3
    assert [row["nav_id"] for row in rows(store, coupling)] == [nav(2)]
    assert {row["kind"] for row in rows(store, outcome)} == {"uncouple", "left"}
