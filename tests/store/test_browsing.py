"""Couplings by number, page by page, searched; each page by an index, however many there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.coupled import Place
from engine.store import browsing
from engine.store.browsing import Listed
from engine.store.couplings import Coupling
from engine.store.database import Store
from tests.store.tools import CUSTOMER, couple, crm, nav, pairs

MANY = 100_000


def read(
    store: Store, *mappings: str, limit: int = 50, search: str = "", after: Place | None = None
) -> tuple[list[Listed], Place | None]:
    with store.reading() as connection:
        return browsing.page(connection, mappings or (CUSTOMER,), after, limit, search)


def numbers(found: tuple[list[Listed], Place | None]) -> list[str]:
    return [one.nav_no for one in found[0]]


def through(store: Store, *mappings: str, limit: int, search: str = "") -> list[list[str]]:
    """The numbers of all pages."""
    made: list[list[str]] = []
    after: Place | None = None
    while True:
        rows, after = read(store, *mappings, limit=limit, search=search, after=after)
        made.append([one.nav_no for one in rows])
        if after is None:
            return made


def numbered(*numbers: str) -> list[Coupling]:
    return [Coupling(nav(at), crm(at), number) for at, number in enumerate(numbers, 1)]


def test_they_come_by_number_and_each_page_goes_on_behind_the_one_before(store: Store) -> None:
    couple(store, *numbered("C5", "C3", "C1", "C4", "C2"))
    assert through(store, CUSTOMER, limit=2) == [["C1", "C2"], ["C3", "C4"], ["C5"]]
    assert through(store, CUSTOMER, limit=5) == [["C1", "C2", "C3", "C4", "C5"]]


def test_records_of_one_number_or_none_are_all_there_once(store: Store) -> None:
    couple(store, *numbered("", "", "", "C1", "C1"))
    rows: list[Listed] = []
    after: Place | None = None
    while after is not None or not rows:
        some, after = read(store, limit=1, after=after)
        rows += some
    assert [one.nav_id for one in rows] == [nav(number) for number in (1, 2, 3, 4, 5)]


def test_mappings_come_in_the_order_that_is_asked_for(store: Store) -> None:
    couple(store, *pairs(1, 2))
    couple(store, *pairs(3, 4, 5), mapping="ALPHA")
    couple(store, *pairs(6), mapping="OTHER")
    with store.reading() as connection:
        assert browsing.names(connection) == ["ALPHA", CUSTOMER, "OTHER"]
        assert browsing.count(connection, None) == 6
        assert browsing.count(connection, "ALPHA") == 3
    assert through(store, CUSTOMER, "ALPHA", limit=3) == [["C1", "C2", "C3"], ["C4", "C5"]]
    assert through(store, CUSTOMER, "ALPHA", limit=2) == [["C1", "C2"], ["C3", "C4"], ["C5"]]
    assert numbers(read(store, "NOBODY")) == []


def test_a_search_finds_numbers_by_their_beginning_whatever_the_case(store: Store) -> None:
    couple(store, *numbered("AB1", "AB2", "AC1", "B1", "ab3", "A%", "A_B"))
    assert numbers(read(store, search="AB")) == ["AB1", "AB2"]
    assert numbers(read(store, search=" b1 ")) == ["B1"]
    assert numbers(read(store, search="ab")) == ["ab3"], "a number that is no code is found as it was typed"
    assert numbers(read(store, search="A%")) == ["A%"]
    assert numbers(read(store, search="A_")) == ["A_B"]
    assert numbers(read(store, search="'; drop table coupling")) == []


def test_a_search_goes_on_from_page_to_page(store: Store) -> None:
    couple(store, *pairs(*range(10, 30)))
    found = through(store, CUSTOMER, limit=4, search="C1")
    assert found == [["C10", "C11", "C12", "C13"], ["C14", "C15", "C16", "C17"], ["C18", "C19"]]


@pytest.mark.parametrize(
    "text",
    [
        nav(7),
        crm(7),
        nav(7).upper(),
        f"{{{nav(7)}}}",
        nav(7).replace("-", ""),
        "00000007",
        "00000007-00",
        "00000007-0000-4000",
    ],
)
def test_a_search_finds_either_id_by_its_beginning(store: Store, text: str) -> None:
    couple(store, *pairs(*range(5, 12)))
    assert [one.nav_id for one in read(store, search=text)[0]] == [nav(7)]


def test_too_little_of_an_id_is_a_number(store: Store) -> None:
    couple(store, *pairs(7))
    assert read(store, search="0000000") == ([], None)
    assert read(store, search="0000000g") == ([], None)


def test_what_is_found_by_number_and_by_id_is_there_once(store: Store) -> None:
    couple(store, Coupling(nav(7), crm(7), "00000007"), Coupling(nav(8), crm(8), "000000078"))
    assert through(store, CUSTOMER, limit=5, search="00000007") == [["00000007", "000000078"]]
    assert through(store, CUSTOMER, limit=1, search="00000007") == [["00000007"], ["000000078"]]


@contextmanager
def watched(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent, with their values."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        sent.append((statement, values))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(store.engine, "before_cursor_execute", note)


@contextmanager
def steps(connection: sa.Connection) -> Iterator[list[int]]:
    """An entry for each thousand steps of SQLite's machine."""
    made: list[int] = []
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.set_progress_handler(lambda: made.append(1), 1_000)
    yield made
    raw.set_progress_handler(None, 0)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with 100,000 couplings of one mapping."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('full')}/store.db")
    with store.writing() as connection:
        connection.exec_driver_sql(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
            "INSERT INTO coupling (mapping, nav_id, crm_id, nav_no, run_id, uncounted, coupled_at) "
            "SELECT 'CUSTOMER', randomblob(16), randomblob(16), printf('D%08d', i), 1, 0, 0 FROM n"
        )
    yield store
    store.close()


@pytest.mark.parametrize(
    ("search", "after", "shown"),
    [
        ("", None, 50),
        ("", Place(CUSTOMER, "D00090000", nav(1)), 50),
        ("D", None, 50),
        ("d000", Place(CUSTOMER, "D00090000", nav(1)), 50),
        ("D0000", Place(CUSTOMER, "D00009990", nav(1)), 10),
        ("D00099999", None, 1),
        ("00000007", None, 0),
    ],
)
def test_a_page_of_a_hundred_thousand_costs_what_it_shows(
    full: Store, search: str, after: Place | None, shown: int
) -> None:
    begun = perf_counter()
    with watched(full) as sent, full.reading() as connection, steps(connection) as thousands:
        found, _ = browsing.page(connection, browsing.names(connection), after, 50, search)
    took = perf_counter() - begun
    assert shown <= len(found) <= max(shown, 11)
    assert 0 < len(sent) <= 8
    for statement, values in sent:
        assert "LIMIT" in statement, statement
        with full.reading() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        where = "SEARCH" if "WHERE" in statement else "SCAN coupling USING COVERING INDEX"
        assert all(one.startswith(where) for one in plan), (statement, plan)
    assert len(thousands) < 20, "a look at each row takes thousands"
    assert took < 2, "generous: it takes a few milliseconds where nobody else computes"
