"""What a pass writes: its slice, intents before anything is sent, and everything a page did in one commit."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.errors import StoreError
from engine.model.outcome import Action, Problem
from engine.store import pages, work
from engine.store.couplings import Coupling
from engine.store.database import Store
from engine.store.schema import coupling, intent, link, metadata, outcome, overwritten, page, planned, slice_
from engine.store.traces import Overwrite, Values, decoded
from engine.store.work import Create, Fenced, Link, Scope
from engine.sync.undo.folding import Change, fold
from tests.store.tools import (
    AT,
    CUSTOMER,
    FROM,
    TO,
    commit,
    couple,
    crm,
    done,
    failed,
    later,
    nav,
    new_run,
    page_of,
    pair,
    pairs,
    problem,
    rows,
    scope_of,
    sums,
    take,
)


@pytest.fixture
def scope(store: Store) -> Scope:
    return scope_of(new_run(store))


# The slice: whose turn it is and where it goes on.


def test_a_slice_begins_at_the_beginning_and_goes_on_where_the_last_page_ended(store: Store, scope: Scope) -> None:
    assert take(store, scope) == (1, None, False)
    commit(store, scope, 1, page_of(None, "k2"))
    assert take(store, scope) == (2, "k2", False)
    with store.writing() as connection:
        work.finish_slice(connection, scope, 2)
    assert take(store, scope) == (3, "k2", True)


def test_each_pass_has_a_slice_of_its_own(store: Store, scope: Scope) -> None:
    take(store, scope)
    assert take(store, scope_of(scope.run, FROM)) == (1, None, False)


def test_who_lost_the_slice_can_neither_commit_nor_finish(store: Store, scope: Scope) -> None:
    take(store, scope)
    take(store, scope)
    with pytest.raises(Fenced):
        commit(store, scope, 1, page_of(None, "k1", [done(1)], pairs(1)))
    with pytest.raises(Fenced), store.writing() as connection:
        work.finish_slice(connection, scope, 1)
    assert rows(store, coupling) == rows(store, page) == []
    commit(store, scope, 2, page_of(None, "k1", [done(1)], pairs(1)))


@pytest.mark.parametrize("after", [None, "k1", "k3"])
def test_a_page_that_does_not_start_where_the_last_one_ended_is_refused(
    store: Store, scope: Scope, after: str | None
) -> None:
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k2", [done(1)], pairs(1)))
    with pytest.raises(Fenced):
        commit(store, scope, 1, page_of(after, "k4", [done(2)], pairs(2)))
    assert [row["nav_id"] for row in rows(store, coupling)] == [nav(1)]
    assert rows(store, slice_)[0]["cursor"] == "k2"


def test_a_page_that_is_done_again_does_not_count_twice(store: Store, scope: Scope) -> None:
    result = page_of(None, "k2", [done(1), failed(2)], pairs(1))
    take(store, scope)
    commit(store, scope, 1, result)
    before = sums(store)
    with pytest.raises(Fenced):
        commit(store, scope, 1, result)
    take(store, scope)
    with pytest.raises(Fenced):
        commit(store, scope, 2, result)
    assert sums(store) == before == {"read": 2, "inserted": 1, "failed": 1}


def test_two_engines_that_commit_the_same_page_at_once_commit_it_once(url: str) -> None:
    one, other = Store.open(url), Store.open(url)
    scope = scope_of(new_run(one))
    take(one, scope)
    entered, results = threading.Barrier(2), list[str]()

    def try_it(store: Store) -> None:
        entered.wait(10)
        try:
            commit(store, scope, 1, page_of(None, "k1", [done(1)], pairs(1)))
            results.append("committed")
        except Fenced:
            results.append("fenced")

    threads = [threading.Thread(target=try_it, args=(store,)) for store in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["committed", "fenced"]
    assert sums(one) == {"read": 1, "inserted": 1}
    one.close()
    other.close()


# One commit.

WRITTEN = (coupling, planned, page, slice_, outcome, link, intent, overwritten)


def everything(store: Store) -> dict[str, Any]:
    return {table.name: rows(store, table) for table in WRITTEN}


@pytest.mark.parametrize("broken", ["coupling", "outcome", "link", "intent"])
def test_a_page_is_committed_whole_or_not_at_all(store: Store, scope: Scope, broken: str) -> None:
    with store.writing() as connection:
        number = work.intend(connection, scope, [Create(nav(1), "C1", crm(1))], [], AT)
    take(store, scope)
    before = everything(store)

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        first = statement.split("(", maxsplit=1)[0].split()
        if first[0] in ("INSERT", "DELETE") and broken in first:
            raise sa.exc.OperationalError("", None, Exception("pulled the plug"))

    result = page_of(
        None,
        "k1",
        [done(1), failed(2)],
        pairs(1),
        links=[Link(CUSTOMER, TO, nav(1), "CONTACTS", "primarycontactid")],
        intents=[number],
    )
    sa.event.listen(store.engine, "before_cursor_execute", fail)
    with pytest.raises(StoreError, match="pulled the plug"):
        commit(store, scope, 1, result)
    sa.event.remove(store.engine, "before_cursor_execute", fail)
    assert everything(store) == before
    commit(store, scope, 1, result)
    after = everything(store)
    assert {name for name in after if after[name] != before[name]} == {
        *("coupling", "page", "slice", "outcome", "link", "intent")
    }


def test_a_page_counts_every_record_once(store: Store, scope: Scope) -> None:
    warning = problem("cut", "name: cut")
    outcomes = [
        done(1),
        done(2, Action.MODIFIED, coupled=True, warnings=(warning,)),
        done(3, Action.UNCHANGED, coupled=True),
        done(4, Action.SKIPPED),
        failed(5),
        done(6, Action.FAILED, ambiguous=True, problem=problem("ambiguous", "several")),
        done(7, Action.UNCHANGED, warnings=(warning, warning)),
    ]
    take(store, scope)
    commit(store, scope, 1, pages.PageResult(None, "k1", 9, outcomes, []))
    expected = {"read": 9, "inserted": 1, "modified": 1, "unchanged": 2, "skipped": 1, "failed": 2}
    assert sums(store) == {**expected, "coupled": 2, "ambiguous": 1, "warnings": 2}


def test_what_is_added_without_moving_the_cursor_is_added_once(store: Store, scope: Scope) -> None:
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", [done(1)], pairs(1)))
    for _ in range(2):
        with store.writing() as connection:
            pages.add_page(connection, scope, pages.PageResult(None, "settled", 0, [done(2)], pairs(2)), AT)
    assert sums(store) == {"read": 1, "inserted": 2}
    assert rows(store, slice_)[0]["cursor"] == "k1"


def test_a_plan_leaves_no_coupling_and_no_link(store: Store) -> None:
    scope = scope_of(new_run(store, "plan"), plan=True)
    take(store, scope)
    links = [Link(CUSTOMER, TO, nav(1), "CONTACTS", "primarycontactid")]
    commit(store, scope, 1, page_of(None, "k1", [done(1), failed(2)], pairs(1), links=links))
    assert rows(store, coupling) == rows(store, link) == []
    assert [row["nav_id"] for row in rows(store, planned)] == [nav(1)]
    assert len(rows(store, outcome)) == 1


# Intents: what may have been sent.


def test_an_intent_is_open_until_its_page_is_committed(store: Store, scope: Scope) -> None:
    creates = (Create(nav(1), "C1", crm(1)), Create(nav(2), "", None))
    with store.writing() as connection:
        number = work.intend(connection, scope, creates, [], later(1))
    with store.reading() as connection:
        (one,) = work.open_intents(connection)
    assert (one.id, one.scope, one.sent_at, one.creates) == (number, scope, later(1), creates)
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", [done(1)], pairs(1), intents=[number]))
    assert rows(store, intent) == []


def test_intents_outlive_their_run_and_come_oldest_first(store: Store) -> None:
    first, second = scope_of(new_run(store)), scope_of(new_run(store, "plan"), FROM)
    with store.writing() as connection:
        for scope in (first, second, first):
            work.intend(connection, scope, [Create(nav(1), "C1", None)], [], AT)
        connection.execute(sa.delete(metadata.tables["run"]))
    with store.reading() as connection:
        found = work.open_intents(connection)
    assert [one.scope.run for one in found] == [first.run, second.run, first.run]
    assert [one.scope.direction for one in found] == [TO, FROM, TO]


def test_nothing_to_create_is_no_intent(store: Store, scope: Scope) -> None:
    with store.writing() as connection:
        assert work.intend(connection, scope, [], [], AT) is None
    assert rows(store, intent) == []


def test_creates_in_doubt_stay_open_when_their_page_is_committed(store: Store, scope: Scope) -> None:
    doubt = Create(nav(2), "C2", None)
    with store.writing() as connection:
        numbers = [
            work.intend(connection, scope, [Create(nav(number), f"C{number}", None)], [], AT) for number in (1, 2, 3)
        ]
        other = work.intend(connection, scope, [Create(nav(9), "C9", None)], [], AT)
    take(store, scope)
    intents = [number for number in numbers if number is not None]
    commit(store, scope, 1, page_of(None, "k1", [done(1)], pairs(1), intents=intents, left_open=[doubt]))
    with store.reading() as connection:
        found = [(one.id, one.creates) for one in work.open_intents(connection)]
    assert found == [(intents[0], (doubt,)), (other, (Create(nav(9), "C9", None),))]


def test_settling_couples_what_was_found_and_keeps_what_cannot_be_told(store: Store, scope: Scope) -> None:
    unsure = Create(nav(2), "C2", None)
    with store.writing() as connection:
        work.intend(connection, scope, [Create(nav(1), "C1", None), unsure, Create(nav(3), "C3", None)], [], AT)
        (one,) = work.open_intents(connection)
        work.settle_intent(connection, one, [pair(1, uncounted=True)], [unsure], later(5))
        (left,) = work.open_intents(connection)
    assert left.creates == (unsure,)
    (row,) = rows(store, coupling)
    assert (row["nav_id"], row["uncounted"], row["run_id"], row["coupled_at"]) == (nav(1), True, scope.run, later(5))
    with store.writing() as connection:
        work.settle_intent(connection, left, [], [], later(6))
    assert rows(store, intent) == []
    assert len(rows(store, coupling)) == 1


def overwrite(number: int, old: str, new: str) -> Overwrite:
    return Overwrite("accounts", crm(number), Values({"name": old}, {"name": new}))


def test_all_that_a_run_overwrites_is_kept_in_the_order_in_which_it_is_sent(store: Store, scope: Scope) -> None:
    with store.writing() as connection:
        work.intend(connection, scope, [], [overwrite(2, "old 2", "new 2"), overwrite(1, "old 1", "new 1")], AT)
        work.intend(connection, scope, [], [overwrite(1, "new 1", "newer 1"), overwrite(3, "old 3", "new 3")], later(1))
        work.intend(connection, scope_of(scope.run, FROM), [], [overwrite(1, "of NAV", "of CRM")], later(2))
    found = [(row["direction"], row["target_id"], row["at"]) for row in rows(store, overwritten)]
    assert found == [
        (TO, crm(1), AT),
        (TO, crm(2), AT),
        (TO, crm(1), later(1)),
        (TO, crm(3), later(1)),
        (FROM, crm(1), later(2)),
    ]
    first = [decoded(row["values"]) for row in rows(store, overwritten) if row["target_id"] == crm(1)][:2]
    assert first == [Values({"name": "old 1"}, {"name": "new 1"}), Values({"name": "new 1"}, {"name": "newer 1"})]
    assert fold(first) == {"name": Change("old 1", "newer 1")}, "what was there before the run comes back"


# Outcomes.


def test_only_what_deserves_a_look_has_a_row(store: Store, scope: Scope) -> None:
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", [done(1), done(2, Action.SKIPPED), done(3, Action.UNCHANGED)]))
    assert rows(store, outcome) == []


def test_a_row_says_what_happened_to_which_record(store: Store, scope: Scope) -> None:
    warnings = (problem("cut", "name: cut", "Cut to 5."), problem("cut", "city: cut", "Cut to 6."))
    take(store, scope)
    result = page_of(
        None, "k1", [failed(1), done(2, Action.SKIPPED, problem=problem("off")), done(3, warnings=warnings)]
    )
    commit(store, scope, 1, result, later(9))
    found = {row["nav_no"]: row for row in rows(store, outcome)}
    assert {no: (row["kind"], row["code"], row["cause"]) for no, row in found.items()} == {
        "C1": ("failed", "rejected", "no city"),
        "C2": ("skipped", "off", "no city"),
        "C3": ("warning", "cut", "name: cut"),
    }
    assert found["C3"]["message"] == "Cut to 5. Cut to 6."
    first = found["C1"]
    assert (first["mapping"], first["name"], first["nav_id"], first["crm_id"]) == (CUSTOMER, "Firm 1", nav(1), None)
    assert (first["hint"], first["at"]) == ("Give it one.", later(9))


def test_a_record_may_fail_and_carry_a_warning(store: Store, scope: Scope) -> None:
    take(store, scope)
    commit(
        store, scope, 1, page_of(None, "k1", [done(1, Action.FAILED, problem=problem(), warnings=(problem("cut"),))])
    )
    assert sorted(row["kind"] for row in rows(store, outcome)) == ["failed", "warning"]


def test_the_last_word_on_a_record_replaces_the_one_before(store: Store, scope: Scope) -> None:
    for number in (1, 2):
        with store.writing() as connection:
            what = problem(cause=f"cause {number}", message=f"message {number}")
            work.save_outcomes(connection, scope, [failed(7, what)], later(number))
    (row,) = rows(store, outcome)
    assert (row["cause"], row["message"], row["at"]) == ("cause 2", "message 2", later(2))


def test_texts_of_a_server_are_cut_to_what_the_tables_hold(store: Store, scope: Scope) -> None:
    what = Problem("E" * 128, "c" * 999, "m" * 9999, "h" * 999)
    one = done(1, Action.FAILED, problem=what)
    long = type(one)(one.source_id, one.action, "N" * 999, "n\0" * 999, one.nav_id, problem=what)
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", [long]))
    (row,) = rows(store, outcome)
    lengths = {name: len(row[name]) for name in ("code", "cause", "message", "hint", "nav_no", "name")}
    assert lengths == {"code": 60, "cause": 300, "message": 9999, "hint": 999, "nav_no": 80, "name": 200}


# Links: lookups that wait for their partner.


def waiting(
    number: int, mapping: str = CUSTOMER, partner: str = "CONTACTS", one_way: Any = TO, field: str = "primarycontactid"
) -> Link:
    return Link(mapping, one_way, nav(number), partner, field)


def test_links_wait_until_they_are_done_and_are_noted_once(store: Store, scope: Scope) -> None:
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", links=[waiting(1), waiting(2), waiting(1)]))
    commit(store, scope, 1, page_of("k1", "k2", links=[waiting(2)]))
    with store.writing() as connection:
        assert work.links(connection, "CONTACTS", 99) == [waiting(1), waiting(2)]
        assert work.links(connection, "CONTACTS", 1) == [waiting(1)]
        assert work.links(connection, "CUSTOMER", 99) == []
        work.commit_links(connection, scope, [waiting(1)], [], [], {}, AT)
        assert work.links(connection, "CONTACTS", 99) == [waiting(2)]


def test_the_lookups_of_a_record_wait_each_for_its_own(store: Store, scope: Scope) -> None:
    first, second, other = (
        waiting(1),
        waiting(1, field="secondcontactid"),
        waiting(1, partner=CUSTOMER, field="parentid"),
    )
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", links=[first, second, other]))
    with store.writing() as connection:
        work.commit_links(connection, scope, [first], [], [], {}, AT)
        assert work.links(connection, "CONTACTS", 99) == [second]
        assert work.links(connection, CUSTOMER, 99) == [other]


def test_links_come_for_one_mapping_and_direction_at_a_time(store: Store, scope: Scope) -> None:
    other, back = waiting(3, "VENDOR"), waiting(4, one_way=FROM)
    take(store, scope)
    commit(store, scope, 1, page_of(None, "k1", links=[other, back, waiting(1)]))
    batches = []
    with store.writing() as connection:
        while batch := work.links(connection, "CONTACTS", 99):
            batches.append(batch)
            work.commit_links(connection, scope, batch, [], [], {}, AT)
    assert sorted(batches, key=repr) == sorted([[waiting(1)], [back], [other]], key=repr)


def test_a_link_pass_adds_bases_and_warnings_but_no_counters(store: Store, scope: Scope) -> None:
    couple(store, *pairs(1, 2))
    with store.writing() as connection:
        told = [done(2, Action.UNCHANGED, problem=problem("link"))]
        work.commit_links(connection, scope, [], told, [pair(1, base=b"new")], {}, AT)
    assert {row["nav_no"]: row["base"] for row in rows(store, coupling)} == {"C1": b"new", "C2": None}
    assert [(row["kind"], row["nav_no"]) for row in rows(store, outcome)] == [("link", "C2")]
    assert rows(store, page) == []


def test_what_is_told_of_the_lookups_of_a_record_stands_in_one_warning(store: Store, scope: Scope) -> None:
    with store.writing() as connection:
        for text in ("The first waits.", "The second waits."):
            what = Problem("link", "it waits", text, "Mend it.")
            work.commit_links(connection, scope, [], [done(2, Action.UNCHANGED, problem=what)], [], {}, AT)
    assert [row["message"] for row in rows(store, outcome)] == ["The first waits. The second waits."]


def test_a_coupling_in_a_page_that_breaks_the_rule_of_one_to_one_undoes_the_page(store: Store, scope: Scope) -> None:
    couple(store, pair(1))
    take(store, scope)
    with pytest.raises(StoreError):
        commit(store, scope, 1, page_of(None, "k1", [done(2)], [pair(2), Coupling(nav(3), crm(1), "C3")]))
    assert [row["nav_id"] for row in rows(store, coupling)] == [nav(1)]
    assert rows(store, slice_)[0]["cursor"] is None
