"""A run that loses a record, or makes one twice, has no speed."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.canned import Tally, serving
from bench.contenders import ENGINE, FLOOR, LostError, check, check_again, fresh, work
from bench.series import in_rounds

WHOLE = Tally(rows=9, distinct=9, created=9, updated=0, doubled=0, writes=1, requests=9, received=1, sent=1, cpu=0.1)


def test_a_run_that_is_whole_passes() -> None:
    check("x", WHOLE, 9, 9)


@pytest.mark.parametrize(
    ("tally", "couplings"),
    [
        (msgspec.structs.replace(WHOLE, rows=8, distinct=8), 9),
        (msgspec.structs.replace(WHOLE, rows=10), 9),
        (msgspec.structs.replace(WHOLE, distinct=8), 9),
        (msgspec.structs.replace(WHOLE, doubled=1), 9),
        (WHOLE, 8),
    ],
    ids=["lost", "one too many", "two alike", "sent twice", "not coupled"],
)
def test_a_run_that_is_not_whole_is_refused(tally: Tally, couplings: int) -> None:
    with pytest.raises(LostError, match="of 9 customers CRM has"):
        check("x", tally, couplings, 9)


@pytest.mark.parametrize(("updated", "created"), [(1, 0), (3, 0), (2, 1)], ids=["too few", "too many", "made anew"])
def test_a_later_run_writes_just_what_was_modified(updated: int, created: int) -> None:
    check_again("x", msgspec.structs.replace(WHOLE, updated=2, created=0), 2)
    with pytest.raises(LostError, match="x: 2 records were modified"):
        check_again("x", msgspec.structs.replace(WHOLE, updated=updated, created=created), 2)


def test_the_floor_brings_each_customer_and_notes_its_coupling(tmp_path: Path) -> None:
    with serving(2300) as services:
        place = fresh(FLOOR, services, tmp_path / "floor", 1000)
        run = work(FLOOR, place, 2300)
        assert run.tally.writes == 3
        assert run.cost.cpu > 0
        with closing(sqlite3.connect(place.folder / "store.db")) as store:
            pairs = store.execute("SELECT count(DISTINCT crm), count(DISTINCT hash) FROM coupling").fetchone()
        assert pairs == (2300, 2300)


def test_a_run_that_left_a_coupling_out_is_caught(tmp_path: Path) -> None:
    with serving(50) as services:
        place = fresh(FLOOR, services, tmp_path / "floor", 1000)
        losing = replace(FLOOR, count="SELECT count(*) - 1 FROM coupling")
        with pytest.raises(LostError, match="49 are coupled"):
            work(losing, place, 50)


def test_our_engine_brings_all_then_nothing_then_what_was_modified(tmp_path: Path) -> None:
    with serving(150) as services:
        found = {one.what: one for one in in_rounds(ENGINE, services, tmp_path, size=150, batch=100, rounds=1)}
    (first,), (again,), (changed,) = (found[what].runs for what in ("first", "again", "changed"))
    assert (first.created, first.writes) == (150, 2)
    assert (again.created, again.updated, again.writes) == (0, 0, 0)
    assert (changed.created, changed.updated) == (0, 2)
    assert len(found["first"].floor) == 2
    assert first.cpu > found["first"].floor[0].cpu
