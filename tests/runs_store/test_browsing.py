"""Couplings as operators look through them: in run order, with how each pair ended the last time."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.conflict import Choice, Clash, Conflict
from engine.model.coupled import CoupledState, Place
from engine.model.errors import ConfigError
from engine.model.mapping import Direction
from engine.model.outcome import Problem
from engine.runs import browsing
from engine.store import conflicts, troubles
from engine.store.database import Store
from engine.sync.deletions import gone_problem
from tests.runs_store.tools import settings_of, with_crm
from tests.store.tools import AT, CUSTOMER, FROM, TO, couple, crm, failed, nav, pairs, problem


def fail(
    store: Store, number: int, one_way: Direction = TO, what: Problem | None = None, *, left_alone: bool = False
) -> None:
    source = nav(number) if one_way is TO else crm(number)
    outcome = replace(failed(number, what), source_id=source, set_aside=left_alone)
    with store.writing() as connection:
        troubles.note(connection, CUSTOMER, one_way, [outcome], 7, AT)


def wait(store: Store, number: int, *, chosen: bool = False) -> None:
    clash = Clash("City", "address1_city", "Graz", "Wien", Choice.NAV if chosen else None)
    with store.writing() as connection:
        conflicts.save(
            connection, [Conflict(CUSTOMER, nav(number), crm(number), f"C{number}", "Firm", 7, AT, (clash,))]
        )


def test_all_couplings_come_in_run_order_and_those_configured_no_more_at_the_end(store: Store, tmp_path: Path) -> None:
    couple(store, *pairs(1, 2))
    couple(store, *pairs(3), mapping="CURRENCY")
    couple(store, *pairs(4), mapping="A VENDOR")
    settings = settings_of(tmp_path)
    page = browsing.couplings(store, settings, None, "", None, 3)
    assert [(one.mapping, one.nav_no) for one in page.rows] == [("CURRENCY", "C3"), (CUSTOMER, "C1"), (CUSTOMER, "C2")]
    assert page.next == Place(CUSTOMER, "C2", nav(2))
    rest = browsing.couplings(store, settings, None, "", page.next, 3)
    assert ([one.mapping for one in rest.rows], rest.next) == (["A VENDOR"], None)
    assert [one.nav_no for one in browsing.couplings(store, settings, CUSTOMER, "", None, 3).rows] == ["C1", "C2"]
    assert [one.mapping for one in browsing.couplings(store, settings, None, crm(4), None, 3).rows] == ["A VENDOR"]
    assert (browsing.number(store, None), browsing.number(store, CUSTOMER)) == (4, 2)


def test_the_parts_of_a_mapping_are_named_with_it(store: Store, tmp_path: Path) -> None:
    couple(store, *pairs(1))
    couple(store, *pairs(3), mapping="CURRENCY")
    page = browsing.couplings(store, settings_of(tmp_path), None, "", None, 50)
    assert page.parts == {"CURRENCY": (), CUSTOMER: ("CONTACTS",)}


def test_a_place_whose_mapping_lost_all_its_couplings_is_the_end(store: Store, tmp_path: Path) -> None:
    couple(store, *pairs(1))
    page = browsing.couplings(store, settings_of(tmp_path), None, "", Place("CURRENCY", "C9", nav(9)), 50)
    assert (page.rows, page.next) == ((), None)


def test_each_pair_has_a_word_for_how_it_ended(store: Store, tmp_path: Path) -> None:
    couple(store, *pairs(1, 2, 3, 4, 5, 6, 7, 8))
    fail(store, 2)
    fail(store, 3, FROM, left_alone=True)
    fail(store, 4, TO, gone_problem("account"))
    fail(store, 5, FROM, gone_problem("Customer"))
    wait(store, 6)
    wait(store, 7, chosen=True)
    fail(store, 8, FROM)
    fail(store, 8, TO, gone_problem("account"), left_alone=True)
    rows = browsing.couplings(store, settings_of(tmp_path), CUSTOMER, "", None, 50).rows
    assert [one.state for one in rows] == [
        CoupledState.COUPLED, CoupledState.FAILED, CoupledState.SKIPPED, CoupledState.CRM_GONE, CoupledState.NAV_GONE,
        CoupledState.CONFLICT, CoupledState.CONFLICT, CoupledState.CRM_GONE,
    ]  # fmt: skip
    assert (rows[0].message, rows[0].told) == ("", None)
    assert (rows[1].name, rows[1].message, rows[1].told) == ("Firm 2", problem().message, AT)
    assert rows[5].message == "Both sides changed City; nothing is chosen yet."
    assert rows[6].message == "Both sides changed City; the next pass applies what was chosen."


@pytest.mark.parametrize("other", ["CURRENCY", CUSTOMER])
def test_a_word_is_of_the_own_mapping_and_record(store: Store, tmp_path: Path, other: str) -> None:
    couple(store, *pairs(1))
    with store.writing() as connection:
        troubles.note(connection, other, TO, [failed(2 if other == CUSTOMER else 1)], 7, AT)
    (one,) = browsing.couplings(store, settings_of(tmp_path), CUSTOMER, "", None, 50).rows
    assert one.state is CoupledState.COUPLED


@pytest.mark.parametrize(
    ("service", "client"),
    [
        ("https://contoso.crm4.dynamics.com/api/data/v9.2", "https://contoso.crm4.dynamics.com"),
        ("https://crm.contoso.example/Sales/api/data/v8.2/", "https://crm.contoso.example/Sales"),
    ],
)
def test_the_web_client_shows_a_row_by_the_logical_name_of_its_table(
    store: Store, tmp_path: Path, service: str, client: str
) -> None:
    settings = with_crm(settings_of(tmp_path), url=service)
    couple(store, *pairs(1))
    (one,) = browsing.couplings(store, settings, CUSTOMER, "", None, 1).rows
    found = browsing.address(settings, one)
    assert found == f"{client}/main.aspx?pagetype=entityrecord&etn=account&id={crm(1)}"
    with pytest.raises(ConfigError, match="NOBODY is not configured"):
        browsing.address(settings, replace(one, mapping="NOBODY"))
