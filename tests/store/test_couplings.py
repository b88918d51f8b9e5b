"""Couplings: one NAV record, one CRM row, once."""

import pytest

from engine.model.errors import StoreError
from engine.model.snapshot import RunState
from engine.store import couplings as stored
from engine.store.couplings import Coupling, Couplings
from engine.store.database import Store
from engine.store.foreseen import keep_last
from engine.store.runs import change
from engine.store.schema import coupling, planned
from tests.store.tools import AT, CUSTOMER, FROM, TO, couple, crm, later, nav, new_run, pair, pairs, rows


def test_couplings_are_found_from_either_side(store: Store) -> None:
    couple(store, pair(1, base=b"base"), pair(2))
    with store.reading() as connection:
        assert Couplings().of(connection, CUSTOMER, TO, [nav(1), nav(3)]) == {nav(1): pair(1, base=b"base")}
        assert Couplings().of(connection, CUSTOMER, FROM, [crm(2), crm(3)]) == {crm(2): pair(2)}
        assert Couplings().of(connection, CUSTOMER, TO, []) == {}


def test_a_mapping_sees_only_its_own(store: Store) -> None:
    couple(store, pair(1))
    couple(store, pair(1), mapping="OTHER")
    with store.reading() as connection:
        assert Couplings().of(connection, "THIRD", TO, [nav(1)]) == {}
        assert Couplings().taken(connection, "THIRD", TO, [crm(1)]) == set()
        assert Couplings().partners(connection, "THIRD", TO, ["C1"]) == {}
        assert stored.counts(connection) == {CUSTOMER: 1, "OTHER": 1}


def test_what_is_taken_is_asked_of_the_destination(store: Store) -> None:
    couple(store, *pairs(1, 2))
    with store.reading() as connection:
        assert Couplings().taken(connection, CUSTOMER, TO, [crm(1), crm(9)]) == {crm(1)}
        assert Couplings().taken(connection, CUSTOMER, FROM, [nav(2), nav(9)]) == {nav(2)}
        assert Couplings().taken(connection, CUSTOMER, TO, [nav(1)]) == set()


def test_a_lookup_is_a_number_in_nav_and_an_id_in_crm(store: Store) -> None:
    couple(store, *pairs(1, 2))
    with store.reading() as connection:
        assert Couplings().partners(connection, CUSTOMER, TO, ["C1", "C9"]) == {"C1": crm(1)}
        assert Couplings().partners(connection, CUSTOMER, FROM, [crm(2), crm(9)]) == {crm(2): "C2"}


def test_couplings_are_named_by_number_whatever_its_case_or_by_id(store: Store) -> None:
    couple(store, *pairs(1, 2, 3))
    couple(store, pair(4), mapping="OTHER")
    with store.reading() as connection:
        found = stored.named(connection, CUSTOMER, ["c1", nav(2), "C2", "C4", "C9"])
        assert sorted(found, key=lambda one: one.nav_no) == pairs(1, 2)
        assert stored.named(connection, CUSTOMER, []) == []


def test_any_number_of_records_can_be_asked_for(store: Store) -> None:
    couple(store, *pairs(*range(1201)))
    with store.reading() as connection:
        found = Couplings().of(connection, CUSTOMER, TO, [nav(number) for number in range(2000)])
        assert found == {nav(number): pair(number) for number in range(1201)}
        assert len(Couplings().taken(connection, CUSTOMER, TO, [crm(number) for number in range(2000)])) == 1201


def test_saving_again_brings_the_number_and_the_base_up_to_date_and_nothing_else(store: Store) -> None:
    couple(store, pair(1, uncounted=True), run=1)
    with store.writing() as connection:
        renamed = Coupling(nav(1), crm(1), "C1-NEW", base=b"base")
        stored.save(connection, CUSTOMER, [renamed, pair(2)], run=2, at=later(60), plan=False)
    first, second = sorted(rows(store, coupling), key=lambda row: str(row["nav_id"]))
    assert (first["nav_no"], first["base"], first["uncounted"]) == ("C1-NEW", b"base", False)
    assert (first["run_id"], first["coupled_at"]) == (1, AT)
    assert (second["run_id"], second["coupled_at"]) == (2, later(60))


def test_a_nav_record_is_never_coupled_to_a_second_crm_record(store: Store) -> None:
    couple(store, pair(1, base=b"base"))
    with pytest.raises(StoreError, match="coupled to another CRM record already"):
        couple(store, pair(0), Coupling(nav(1), crm(2), "C1"))
    assert [(row["crm_id"], row["base"]) for row in rows(store, coupling)] == [(crm(1), b"base")]


def test_a_crm_record_is_never_coupled_to_a_second_nav_record(store: Store) -> None:
    couple(store, pair(1))
    with pytest.raises(StoreError, match=r"(?i)unique"):
        couple(store, pair(0), Coupling(nav(2), crm(1), "C2"))
    assert [row["nav_id"] for row in rows(store, coupling)] == [nav(1)]


def test_what_settling_found_is_known_until_a_page_counts_it(store: Store) -> None:
    couple(store, pair(1, uncounted=True, born="crm"), pair(2))
    with store.reading() as connection:
        assert stored.uncounted(connection, CUSTOMER, "crm") == [pair(1, uncounted=True)]
        assert stored.uncounted(connection, CUSTOMER, "nav") == []
        assert stored.uncounted(connection, "OTHER", "crm") == []
    couple(store, pair(1))
    with store.reading() as connection:
        assert stored.uncounted(connection, CUSTOMER, "crm") == []


# A plan sees what it would couple; nobody else does.


def test_planned_couplings_count_in_their_plan_only(store: Store) -> None:
    plan, other = new_run(store, "plan"), new_run(store, "plan")
    couple(store, pair(1))
    couple(store, pair(2), run=plan, plan=True)
    expected = {nav(1): pair(1), nav(2): pair(2, planned=True)}
    with store.reading() as connection:
        seen, ids = Couplings(plan), [nav(1), nav(2)]
        assert seen.of(connection, CUSTOMER, TO, ids) == expected
        assert seen.taken(connection, CUSTOMER, TO, [crm(1), crm(2)]) == {crm(1), crm(2)}
        assert seen.partners(connection, CUSTOMER, TO, ["C1", "C2"]) == {"C1": crm(1), "C2": crm(2)}
        assert seen.partners(connection, CUSTOMER, FROM, [crm(2)]) == {crm(2): "C2"}
        for one in (Couplings(), Couplings(other)):
            assert one.of(connection, CUSTOMER, TO, ids) == {nav(1): pair(1)}
    assert [row["nav_id"] for row in rows(store, coupling)] == [nav(1)]


def test_the_first_plan_of_a_record_stands_and_of_plans_only_the_last_that_ended_is_kept(store: Store) -> None:
    one, other = new_run(store, "plan"), new_run(store, "plan")
    couple(store, pair(1), run=one, plan=True)
    couple(store, Coupling(nav(1), crm(9), "C1"), Coupling(nav(8), crm(1), "C8"), run=one, plan=True)
    couple(store, pair(1), run=other, plan=True)
    assert sorted((row["run_id"], row["crm_id"]) for row in rows(store, planned)) == [(one, crm(1)), (other, crm(1))]
    for plan, state in ((other, RunState.FINISHED), (one, RunState.CANCELLED)):
        with store.writing() as connection:
            change(connection, plan, (RunState.RUNNING,), {"state": state.value})
            keep_last(connection)
        assert {row["run_id"] for row in rows(store, planned)} == {other}
    with store.writing() as connection:
        change(connection, other, (RunState.FINISHED,), {"state": RunState.CANCELLED.value})
        keep_last(connection)
    assert rows(store, planned) == []


def test_a_pair_of_a_plan_can_be_left_out_but_no_other_and_no_coupling(store: Store) -> None:
    plan = new_run(store, "plan")
    couple(store, pair(1))
    couple(store, pair(2), pair(3), run=plan, plan=True)
    with store.reading() as connection:
        for id in (nav(2), crm(2)):
            seen = Couplings(plan, without=id).of(connection, CUSTOMER, TO, [nav(1), nav(2), nav(3)])
            assert list(seen) == [nav(1), nav(3)]
        assert list(Couplings(plan, without=nav(1)).of(connection, CUSTOMER, TO, [nav(1)])) == [nav(1)]


# Lists.


@pytest.mark.parametrize("mapping", [None, CUSTOMER, "ITEM-PRODUCT", "NONE"])
@pytest.mark.parametrize("limit", [1, 2, 3, 99])
def test_a_list_is_read_page_by_page_without_a_gap_or_a_repeat(store: Store, mapping: str | None, limit: int) -> None:
    couple(store, *pairs(5, 1, 3))
    couple(store, *pairs(1, 2), mapping="ITEM-PRODUCT")
    couple(store, *pairs(4), mapping="CONTACTS")
    found: list[tuple[str, str]] = []
    after = None
    with store.reading() as connection:
        while page := stored.listing(connection, mapping, after, limit):
            assert len(page) <= limit
            found += [(name, one.nav_no) for name, one in page]
            after = (page[-1][0], page[-1][1].nav_id)
    everything = {
        "CONTACTS": ["C4"],
        CUSTOMER: ["C1", "C3", "C5"],
        "ITEM-PRODUCT": ["C1", "C2"],
    }
    assert found == [(name, no) for name, nos in everything.items() for no in nos if mapping in (None, name)]


def test_couplings_of_other_runs_than_one_are_listed_also_after_that_one_brought_them_up_to_date(store: Store) -> None:
    def found(not_of: int) -> list[str]:
        with store.reading() as connection:
            return [pair.nav_no for _, pair in stored.listing(connection, CUSTOMER, None, 10, not_of)]

    with store.writing() as connection:
        for run, number in ((1, 1), (2, 2), (2, 1)):
            stored.save(connection, CUSTOMER, [pair(number)], run=run, at=AT, plan=False)
    assert (found(1), found(2), found(3)) == (["C2"], ["C1"], ["C1", "C2"])
