"""What a page costs in the store: statements do not become more with its records."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action
from engine.store import conflicts, troubles
from engine.store.couplings import Couplings, generations
from engine.store.database import Store
from engine.store.pages import commit_page
from tests.store.tools import AT, CUSTOMER, FROM, TO, couple, crm, done, nav, new_run, page_of, pairs, scope_of, take

PAGE = range(1000)


@contextmanager
def counted(store: Store) -> Iterator[Callable[[], list[str]]]:
    """The statements of a block that do something: whether each is for many rows does not count."""
    said: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        said.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield lambda: [one for one in said if not one.startswith("BEGIN")]
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("one_way", [TO, FROM])
def test_the_couplings_of_a_page_are_read_with_a_statement_for_each_five_hundred(
    store: Store, one_way: Direction
) -> None:
    couple(store, *pairs(*PAGE))
    ids = [nav(number) if one_way is TO else crm(number) for number in PAGE]
    with counted(store) as said, store.reading() as connection:
        assert len(Couplings().of(connection, CUSTOMER, one_way, ids)) == len(PAGE)
    assert len(said()) == 2


def test_what_is_new_on_a_page_is_coupled_in_one_statement(store: Store) -> None:
    with counted(store) as said:
        couple(store, *pairs(*PAGE))
    assert len(said()) == 1


def test_a_page_of_records_that_are_right_is_committed_with_few_statements(store: Store) -> None:
    scope = scope_of(new_run(store))
    epoch, *_ = take(store, scope)
    page = page_of(None, nav(999), [done(number, Action.UNCHANGED) for number in PAGE])
    with counted(store) as said, store.writing() as connection:
        commit_page(connection, scope, epoch, page, AT)
    assert len(said()) <= 3, said()  # the cursor, the page, and whether there is a ledger


def test_where_nothing_failed_and_nothing_waits_only_that_is_asked(store: Store) -> None:
    ids = [nav(number) for number in PAGE]
    with counted(store) as said, store.reading() as connection:
        assert troubles.of(connection, CUSTOMER, TO, ids) == {}
        assert conflicts.of(connection, CUSTOMER, ids) == {}
        assert generations(connection, CUSTOMER, ids) == {}
    assert len(said()) == 3
