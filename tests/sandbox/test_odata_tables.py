"""Tables: indexes never change what a read finds, transactions leave no trace when they fail."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.journal import Journal
from sandbox.odata.edm import Dialect, EdmType, Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import Order, options, parse_query, project, sort_key
from sandbox.tables import Field, Table


def key(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


FIELDS = {"id": Field(EdmType.GUID), "name": Field(EdmType.STRING, 20), "size": Field(EdmType.INT)}
FILTERS = (
    "", "size eq 2", "size eq 1 or size eq 3", "size gt 1 and size le 3", "name eq null", "name eq 'A' and size lt 3",
    "size gt 2 or (size eq 2 and name gt 'a')", "not (size eq 2)", "startswith(name,'b')",
    f"id gt {key(3)}", f"id gt {key(9)} and id le {key(3)}", f"id gt {key(3)} and id le {key(9)}", f"size eq 2 and id ge {key(8)}",
    f"id eq {key(3)} or id eq {key(9)} or id eq {key(99)}",
)  # fmt: skip
ORDERS = ("", "size", "size desc", "name,size", "name desc,size", "size,id", "id", "id desc")


def table(journal: Journal | None = None) -> Table:
    return Table("things", FIELDS, "id", Dialect.CRM, journal=journal)


def row(number: int, name: str | None = None, size: int | None = None) -> Row:
    return {"id": key(number), "name": name, "size": size}


rows_of_any_kind = st.lists(
    st.tuples(st.sampled_from([None, "a", "A", "b", "bc"]), st.sampled_from([None, 1, 2, 3, 4])), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(rows_of_any_kind, st.sampled_from(FILTERS), st.sampled_from(ORDERS), st.integers(1, 7), st.integers(0, 24))
def test_pages_add_up_to_the_plain_filtered_and_sorted_rows(
    contents: list[tuple[str | None, int | None]], text: str, order: str, size: int, change: int
) -> None:
    things = table()
    query = parse_query(f"$filter={text}&$orderby={order}" if text else f"$orderby={order}", things.entity)
    things.select(query.predicate, query.order, 1)  # builds the indexes, so that what follows must keep them right
    for number, (name, amount) in enumerate(contents):
        things.insert(row(number, name, amount))
    keys = list(things.rows)
    if change < len(keys):
        things.update(keys[change], {"size": 2, "name": "b"})
        things.delete(keys[0])

    found: list[Row] = []
    after: Row | None = None
    while True:
        page = things.select(query.predicate, query.order, size, after)
        found += page.rows
        if not page.more:
            break
        after = page.rows[-1]

    matching: Callable[[Row], bool] = query.predicate.test if query.predicate else lambda _: True
    complete = things.complete(query.order)
    assert found == sorted(filter(matching, things.rows.values()), key=sort_key(complete, things.entity))
    assert things.count(query.predicate) == len(found)


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("text", FILTERS)
def test_every_filter_in_every_order_finds_what_a_scan_finds(
    text: str, order: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.tables._FEW", few)
    things = table()
    for number in range(60):
        things.insert(row(number, (None, "a", "A", "b", "bc")[number % 5], (None, 1, 2, 3, 4, 5)[number % 6]))
    query = parse_query(f"$filter={text}&$orderby={order}" if text else f"$orderby={order}", things.entity)
    matching = [one for one in things.rows.values() if query.predicate is None or query.predicate.test(one)]
    expected = sorted(matching, key=sort_key(things.complete(query.order), things.entity))
    assert things.select(query.predicate, query.order, 100).rows == expected


def test_a_page_goes_on_behind_a_row_that_has_been_deleted() -> None:
    things = table()
    for number in range(10):
        things.insert(row(number, size=number))
    order = (Order("size"),)
    last = things.select(None, order, 4).rows[-1]
    things.delete(last["id"])
    things.insert(row(99, size=0))
    assert [one["size"] for one in things.select(None, order, 4, last).rows] == [4, 5, 6, 7]


def test_nulls_come_first_and_last_when_descending() -> None:
    things = table()
    for number, size in enumerate((2, None, 1)):
        things.insert(row(number, size=size))
    assert [one["size"] for one in things.select(None, (Order("size"),), 9).rows] == [None, 1, 2]
    assert [one["size"] for one in things.select(None, (Order("size", descending=True),), 9).rows] == [2, 1, None]


def test_find_follows_inserts_updates_renames_and_deletes() -> None:
    things = table()
    first, second = row(1, "Ann"), row(2, "Bob")
    things.insert(first)
    assert things.find("name", "ANN") == [first]
    things.insert(second)
    renamed = things.update(first["id"], {"id": row(3)["id"], "name": "bob"})
    assert things.find("name", "ann") == []
    assert things.find("name", "Bob") == [second, renamed]
    things.delete(second["id"])
    assert things.find("name", "Bob") == [renamed]
    with pytest.raises(KeyError):
        things.insert(renamed)
    with pytest.raises(KeyError):
        things.delete(first["id"])


def test_a_failed_transaction_restores_rows_and_indexes_and_forgets_what_it_announced() -> None:
    journal, said = Journal(), list[str]()
    things = table(journal)
    kept = row(1, "a", 1)
    things.insert(kept)
    order = (Order("size"),)
    assert things.find("name", "a") == things.select(None, order, 9).rows == [kept]

    with pytest.raises(RuntimeError), journal.transaction():
        things.update(kept["id"], {"name": "b", "size": 9})
        things.insert(row(2, "a", 0))
        journal.on_commit(lambda: said.append("written"))
        raise RuntimeError

    assert things.rows == {kept["id"]: kept}
    assert things.find("name", "a") == things.select(None, order, 9).rows == [kept]
    assert said == []


def test_an_inner_failure_undoes_the_inner_part_only() -> None:
    journal, said = Journal(), list[str]()
    things = table(journal)
    with journal.transaction():
        things.insert(row(1))
        journal.on_commit(lambda: said.append("outer"))
        with pytest.raises(RuntimeError), journal.transaction():
            things.insert(row(2))
            journal.on_commit(lambda: said.append("inner"))
            raise RuntimeError
        assert said == []
    assert list(things.rows) == [row(1)["id"]]
    assert said == ["outer"]


def test_options_undo_percent_encoding_and_keep_a_plus() -> None:
    assert options("$filter=name%20eq%20'a+b%26c'&$top=5") == {"$filter": "name eq 'a+b&c'", "$top": "5"}


@pytest.mark.parametrize(
    "text",
    ["$select=colour", "$orderby=colour", "$orderby=name%20up", "$top=-1", "$top=x", "$count=yes", "$skip=5", "$foo=1"],
)
def test_options_that_are_wrong_are_refused(text: str) -> None:
    with pytest.raises(ODataError):
        parse_query(text, table().entity)


def test_a_projection_has_the_selected_fields_in_the_order_asked_for() -> None:
    query = parse_query("$select=size,%20name", table().entity)
    chosen: dict[str, Any] = project(row(1, "a"), query.select)
    assert list(chosen.items()) == [("size", None), ("name", "a")]
