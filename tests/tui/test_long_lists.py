"""Every list over a store with a hundred thousand rows in each of its tables: what opening one costs the processor, and
that no statement brings more than a page.
"""

import asyncio
import gc
import importlib
import pkgutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, process_time, thread_time
from typing import Any

import pytest
import sqlalchemy as sa

import tui.screens
from engine.model.mapping import Direction
from engine.model.snapshot import Counters
from engine.runs import process, snapshots
from engine.store.database import Store
from tests.runs_store.tools import settings_of
from tests.tui.screens import until
from tui.app import CouplerApp
from tui.engine_door import EngineDoor
from tui.look import Look
from tui.screens.conflicts import Conflicts
from tui.screens.couplings import Couplings
from tui.screens.errors import Errors
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.left_alone import LeftAlone
from tui.screens.log import Log
from tui.screens.mapping import Mapping
from tui.screens.matches import Matches
from tui.screens.page import Page
from tui.screens.plan import Plan
from tui.screens.planned import Planned
from tui.screens.run import Run
from tui.screens.schedule import Schedule

MANY = 100_000
RUN, PLAN, LAST = MANY // 10 + 1, MANY // 10 + 2, MANY // 10 + 3
"""The run whose records failed, the last plan, and the last run; before these are runs of ten jobs each."""
PAGE = 51
"""The rows of a page, and one that says that more follow."""
ALLOWED = 0.3
"""Seconds of CPU time for all that is read when a screen opens."""

_NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
_ID = "CAST(printf('%016d', i) AS BLOB)"
_OTHER = "CAST(printf('c%015d', i) AS BLOB)"
_FAILED = f"'ToIntegrationTable', {_ID}"
_FILL = (
    (
        "INSERT INTO run (id, kind, state, wish, paused, environment, nav, crm, fingerprint, saved_flags, created_by, created_at, ended_at) "
        f"SELECT i, 'sync', 'finished', 'run', 0, 'uat', 'nav', 'crm', 'f', '{{}}', 'me', i * 60000, i * 60000 FROM n WHERE i <= {RUN - 1}"
    ),
    (
        "INSERT INTO job (run_id, seq, direction, mapping, state, started_at, ended_at) "
        "SELECT (i - 1) / 10 + 1, (i - 1) % 10 / 2 + 1, CASE i % 2 WHEN 1 THEN 'ToIntegrationTable' ELSE 'FromIntegrationTable' END, "
        "'CUSTOMER', 'OK', i * 6000, i * 6000 FROM n"
    ),
    (
        "INSERT INTO page (run_id, seq, direction, slice_no, last_key, committed_at) SELECT (i - 1) / 10 + 1, (i - 1) % 10 / 2 + 1, "
        "CASE i % 2 WHEN 1 THEN 'ToIntegrationTable' ELSE 'FromIntegrationTable' END, 0, 'x', i * 6000 FROM n"
    ),
    (
        "INSERT INTO outcome (run_id, seq, direction, source_id, kind, mapping, code, cause, message, hint, nav_no, name, at) "
        f"SELECT {LAST}, 4, {_FAILED}, 'failed', 'CUSTOMER', 'rejected', 'no city ' || (i % 40), 'There is no city.', 'Give it one.', "
        "printf('C%08d', i), 'A customer with a name', i FROM n"
    ),
    (
        "INSERT INTO outcome (run_id, seq, direction, source_id, kind, mapping, code, cause, message, hint, nav_no, name, at) "
        f"SELECT {PLAN}, 4, {_FAILED}, 'failed', 'CUSTOMER', 'rejected', 'no city', 'There is no city.', 'Give it one.', "
        "printf('C%08d', i), 'A customer with a name', i FROM n"
    ),
    (
        "INSERT INTO foreseen (run_id, seq, direction, kind, source_id, partner_id, mapping, nav_no, name) "
        f"SELECT {PLAN}, 4, 'ToIntegrationTable', 'inserted', {_ID}, NULL, 'CUSTOMER', printf('C%08d', i), 'A customer' FROM n"
    ),
    (
        "INSERT INTO trouble (mapping, direction, source_id, code, message, nav_no, name, times, skipped, run_id, at) "
        f"SELECT 'CUSTOMER', {_FAILED}, CASE i % 2 WHEN 1 THEN 'rejected' ELSE 'ambiguous' END, 'No.', printf('C%08d', i), 'A customer', 2, i % 3 = 0, {LAST}, i FROM n"
    ),
    (
        "INSERT INTO coupling (mapping, nav_id, crm_id, nav_no, run_id, uncounted, coupled_at) "
        f"SELECT 'CUSTOMER', {_ID}, {_OTHER}, printf('C%08d', i), 1, 0, i FROM n WHERE i % 2 = 1"
    ),
    (
        "INSERT INTO coupling (mapping, nav_id, crm_id, nav_no, run_id, uncounted, coupled_at) "
        f"SELECT 'CONTACTS', {_ID}, {_OTHER}, printf('P%08d', i), 1, 0, i FROM n"
    ),
    (
        "INSERT INTO conflict (mapping, nav_id, crm_id, nav_no, name, fields, run_id, at) "
        f"SELECT 'CUSTOMER', {_ID}, {_OTHER}, printf('C%08d', i), 'A customer', "
        f"""'[{{"nav": "Name", "crm": "name", "nav_value": "a", "crm_value": "b"}}]', {LAST}, i FROM n"""
    ),
    f"INSERT INTO event (run_id, at, mapping, text) SELECT {LAST}, i, 'CUSTOMER', 'updated 3 fields' FROM n",
)


def told(figures: str) -> None:
    """Figures for those who look: `pytest -s`, and where a test fails."""
    sys.stdout.write(f"{figures}\n")


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """A store in which everything is there a hundred thousand times."""
    folder = tmp_path_factory.mktemp("long")
    store = Store.open(f"sqlite:///{folder}/store.db")
    begun = process_time()
    columns = "id, kind, state, wish, paused, environment, nav, crm, fingerprint, saved_flags, created_by, created_at, ended_at"
    with store.writing() as connection:
        for number, kind in ((RUN, "run"), (PLAN, "plan"), (LAST, "run")):
            values = f"{number}, '{kind}', 'finished', 'run', 0, 'uat', 'nav', 'crm', 'f', '{{}}', 'me', {number * 60000}, {number * 60000}"
            connection.exec_driver_sql(f"INSERT INTO run ({columns}) VALUES ({values})")
            for seq, way in enumerate(Direction.BIDIRECTIONAL.passes):
                connection.exec_driver_sql(
                    "INSERT INTO job (run_id, seq, direction, mapping, state, started_at, ended_at) VALUES (?, 4, ?, 'CUSTOMER', 'OK', ?, ?)",
                    (number, way.value, number * 60000 + seq, number * 60000 + seq),
                )
        for statement in _FILL:
            head, _, rest = statement.partition("SELECT ")
            connection.exec_driver_sql(f"{_NUMBERS}{head}SELECT {rest}")
    told(f"filled with {MANY:,} rows in each table in {process_time() - begun:.1f} s of CPU time")
    yield store, folder
    store.close()


@dataclass
class Read:
    """A call of the door: seconds of CPU time of its thread, and its statements with the rows that each brought."""

    name: str
    cpu: float = 0.0
    statements: list[tuple[str, Any]] = field(default_factory=list)


class Watched:
    """The real door, with a note of each call. Statements are seen in the thread that makes them."""

    def __init__(self, door: EngineDoor, store: Store) -> None:
        self._door, self._store = door, store
        self.reads: list[Read] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._door, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            read = Read(name)
            self.reads.append(read)
            with statements(self._store, read.statements):
                begun = thread_time()
                try:
                    return found(*arguments, **named)
                finally:
                    read.cpu = thread_time() - begun

        return call


@contextmanager
def statements(store: Store, sent: list[tuple[str, Any]]) -> Iterator[None]:
    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        sent.append((statement, values))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)


def rows(folder: Path, statement: str, values: Any) -> int:
    """How many rows a statement brings, asked anew."""
    connection = sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True)
    try:
        return len(connection.execute(statement, values).fetchall())
    finally:
        connection.close()


def way(folder: Path, statement: str, values: Any) -> list[str]:
    """How SQLite goes about a statement, step by step."""
    connection = sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True)
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    finally:
        connection.close()


def _planned(door: Any, look: Look, effect: str = "inserted") -> Page:
    (job,) = [one for one in snapshots.run(door._store, PLAN).jobs if one.mapping == "CUSTOMER"]
    return Planned(door, look, replace(job.passes[0], counters=Counters(read=MANY, **{effect: MANY})))


LISTS: dict[str, tuple[Callable[[Any, Look], Page], int]] = {
    "home": (Home, 100),
    "history": (lambda door, look: History(door, look, lambda _: None), 100),
    "errors of a run": (lambda door, look: Errors(door, look, LAST), PAGE),
    "errors of one cause": (lambda door, look: Errors(door, look, PLAN), PAGE),
    "errors of all runs": (lambda door, look: Errors(door, look, None), PAGE),
    "errors of a mapping": (lambda door, look: Errors(door, look, None, "CUSTOMER"), PAGE),
    "conflicts": (Conflicts, PAGE),
    "couplings": (Couplings, PAGE),
    "couplings of a mapping": (lambda door, look: Couplings(door, look, "CUSTOMER"), PAGE),
    "matches": (Matches, PAGE),
    "mapping": (lambda door, look: Mapping(door, look, "CUSTOMER"), 100),
    "plan": (lambda door, look: Plan(door, look, PLAN), PAGE),
    "planned": (_planned, PAGE),
    "planned, failed": (lambda door, look: _planned(door, look, "failed"), PAGE),
    "run": (lambda door, look: Run(door, look, LAST), 100),
    "schedule": (Schedule, PAGE),
    "log": (Log, PAGE),
    "left alone": (LeftAlone, PAGE),
}
"""Each screen that reads the store, and the rows that a statement may bring: those with a run have its last 100 events."""


@pytest.fixture
def watched(full: tuple[Store, Path], monkeypatch: pytest.MonkeyPatch) -> Watched:
    store, folder = full
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    settings = settings_of(folder)
    log = process.log_path(settings)
    if not log.exists():
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text('{"run": 16, "event": "engine started", "level": "info"}\n' * MANY)
    gc.collect()  # of what a thousand tests before have left, which no operator's program has
    return Watched(EngineDoor(settings, store), store)


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_opens_at_once_however_long_it_is(watched: Watched, full: tuple[Store, Path], name: str) -> None:
    make, most = LISTS[name]
    look = Look(hz=0.2)

    class Shown(CouplerApp):
        CSS_PATH = str(Path(tui.screens.__file__).parents[1] / "tui.tcss")

        def first(self) -> Page:
            return make(watched, look)

    app = Shown(watched, look)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Page) and app.screen.shown > 0, 30)
        await pilot.pause(0.3)
    assert watched.reads
    opening = {one.name: one for one in reversed(watched.reads)}.values()  # each is read again and again
    took = sum(one.cpu for one in opening)
    brought = [
        (rows(full[1], *one), one[0]) for read in opening for one in read.statements if one[0].startswith("SELECT")
    ]
    worst = max(brought, default=(0, ""))
    told(f"{name}: {took * 1000:.0f} ms of CPU time, {len(brought)} statements, at most {worst[0]} rows")
    for read in opening:
        told(f"    {read.name}: {read.cpu * 1000:.0f} ms, {len(read.statements)} statements")
    assert worst[0] <= most, worst[1]
    assert took < ALLOWED


@pytest.mark.parametrize("scope", [(LAST, None), (None, None), (None, "CUSTOMER")])
def test_errors_are_read_again_from_an_index_alone_while_none_comes(
    watched: Watched, full: tuple[Store, Path], scope: tuple[int | None, str | None]
) -> None:
    assert watched.causes(*scope)
    watched.causes(*scope)
    first, again = watched.reads
    told(f"first: {first.cpu * 1000:.0f} ms of CPU time, again: {again.cpu * 1000:.0f} ms")
    assert not [step for one in first.statements for step in way(full[1], *one) if "GROUP BY" in step]
    (only,) = again.statements
    (step,) = [one for one in way(full[1], *only) if "outcome" in one]
    assert "USING COVERING INDEX" in step
    assert again.cpu < ALLOWED / 4


IDLE = 0.06
"""Of a core, what a screen may take at which nobody does anything."""
_WATCHED = 6.0
"""Seconds for which that is looked at."""


@pytest.mark.parametrize("written", [False, True], ids=["nothing happens", "an engine works"])
@pytest.mark.parametrize("name", ["home", "mapping", "run"])
async def test_reading_again_and_again_takes_little_of_a_core_however_much_there_is(
    watched: Watched, full: tuple[Store, Path], name: str, written: bool
) -> None:
    """As an operator leaves it open: at the usual rate, by the CPU time of its reads."""
    store, look = full[0], Look()

    class Shown(CouplerApp):
        CSS_PATH = str(Path(tui.screens.__file__).parents[1] / "tui.tcss")

        def first(self) -> Page:
            return LISTS[name][0](watched, look)

    app = Shown(watched, look)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Page) and app.screen.shown > 0, 30)
        first, begun = len(watched.reads), monotonic()
        while (wall := monotonic() - begun) < _WATCHED:
            await asyncio.sleep(0.2)
            if written:
                with store.writing() as connection:
                    connection.exec_driver_sql("UPDATE run SET worked = worked + 0.2 WHERE id = 1")
        again = watched.reads[first:]
        share = sum(one.cpu for one in again) / wall
    told(f"{name}: {len(again)} reads, {share:.1%} of a core")
    assert again
    assert share <= IDLE
    if not written:
        assert all(len(one.statements) == 1 for one in again)


ELSEWHERE = {"Broken", "Candidates", "Difference", "Records", "Setup", "Trial"}
"""Screens of one record or of the connections, which read no list; and of what a look found, read as errors are."""


def test_every_screen_is_opened_here(watched: Watched) -> None:
    modules = (importlib.import_module(one.name) for one in pkgutil.iter_modules(tui.screens.__path__, "tui.screens."))
    names = {
        name
        for module in modules
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, Page) and "SCOPE" in vars(one) and one is not Page
    }
    opened = {type(make(watched, Look())).__name__ for make, _ in LISTS.values()}
    assert names == opened | ELSEWHERE
