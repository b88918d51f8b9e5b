"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import StoreError
from engine.model.snapshot import RunState
from engine.store import runs
from engine.store.database import Store
from engine.store.schema import coupling, event, run
from engine.store.types import Said, to_bytes, to_text
from tests.store.tools import AT, couple, guid, nav, new_run, pair, rows

DIALECT = sa.create_engine("sqlite://").dialect


@given(st.uuids())
def test_a_guid_is_16_bytes_and_canonical_text(id: object) -> None:
    assert to_text(to_bytes(str(id))) == str(id)
    assert to_text(to_bytes(str(id).upper())) == str(id)
    assert len(to_bytes(str(id))) == 16


@pytest.mark.parametrize("text", ["", "1234", "x" * 32, guid(1) + "00"])
def test_other_text_is_no_guid(text: str) -> None:
    with pytest.raises(ValueError):
        to_bytes(text)


def test_a_guid_is_stored_small_and_read_as_text(store: Store) -> None:
    couple(store, pair(1))
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.length(sa.type_coerce(coupling.c.nav_id, sa.LargeBinary)))) == 16
    assert rows(store, coupling)[0]["nav_id"] == nav(1)


def test_a_moment_is_whole_milliseconds_in_utc(store: Store) -> None:
    number = new_run(store)
    tokyo = timezone(timedelta(hours=9))
    at = datetime(2026, 3, 1, 21, 0, 0, 123_999, tzinfo=tokyo)
    with store.writing() as connection:
        connection.execute(sa.update(run).values(beat_at=at))
        assert connection.scalar(sa.select(run.c.beat_at)) == datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
        assert connection.scalar(sa.select(run.c.id).where(run.c.beat_at > AT)) == number
        assert connection.scalar(sa.select(run.c.ended_at)) is None


def test_a_moment_without_a_time_zone_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="needs a time zone"), store.writing() as connection:
        connection.execute(sa.update(run).values(beat_at=datetime(2026, 3, 1)))  # noqa: DTZ001 - the point


HOSTILE = ["a\0b", "\ud800", "\x1b[31mred", "😀" * 999, "'; DROP TABLE run; --", "x" * 5000, "\u202e" * 3]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_from_outside_makes_a_commit_fail(store: Store, text: str) -> None:
    number = new_run(store)
    couple(store, pair(1), run=number)
    with store.writing() as connection:
        runs.add_event(connection, number, "CUSTOMER", text, AT)
        assert runs.change(connection, number, [RunState.RUNNING], {"message": text, "waiting": text, "code": text})
    (line,) = rows(store, event)
    assert line["text"] == text.replace("\0", "\ufffd").replace("\ud800", "?")
    (row,) = rows(store, run)
    assert row["message"] == line["text"]
    assert row["waiting"] == line["text"][:400]
    assert row["code"] == line["text"][:40]


@given(st.text(), st.integers(1, 20))
def test_what_was_stored_once_is_stored_the_same_again(text: str, length: int) -> None:
    said = Said(length)
    once = said.process_bind_param(text, DIALECT)
    assert once is not None
    assert said.process_bind_param(once, DIALECT) == once
    assert len(once) <= length
    assert once.encode().decode() == once, "it can be written as UTF-8"
    assert said.process_bind_param(None, DIALECT) is None
