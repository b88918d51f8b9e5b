"""The door to the real engine, over a real store."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from engine.config import load
from engine.config.edit import formed
from engine.config.edit import put as put_value
from engine.model.errors import ConfigError, RunError
from engine.model.schedule import EntryState
from engine.model.snapshot import RunState
from engine.runs import process
from engine.runs.control import who
from engine.runs.process import log_path
from engine.runs.requests import Couple, Match, Mend, unpacked
from engine.store import runs, schedule
from engine.store.database import Store
from engine.store.lock import engine_lock, schedule_lock
from engine.store.schema import run as run_table
from tests.runs.company import eventually
from tests.runs_store.tools import put, settings_of
from tests.store.tools import AT, FROM, TO, couple, crm, nav, new_run, pairs, rows
from tests.tui.made.connections import CONFIG
from tests.tui.screens import see, shown_by, text, until
from tui.app import CouplerApp
from tui.engine_door import EngineDoor
from tui.look import Look


def test_what_is_going_is_the_run_of_any_kind_that_an_engine_works_on(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    try:
        door = EngineDoor(settings_of(tmp_path), store)
        full = new_run(store)
        put(store, full, RunState.STOPPED)
        with engine_lock(store):
            assert door.going() is None
            sync = new_run(store, "sync")
            found = door.going()
            assert found is not None
            assert (found.id, found.kind, found.state) == (sync, "sync", RunState.RUNNING)
        assert door.going() is None
    finally:
        store.close()


def test_the_report_of_the_closing_question_is_the_page_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    try:
        run = new_run(store)
        put(store, run, RunState.ASKING)
        door = EngineDoor(settings_of(tmp_path), store)
        first, second = door.write_report(run), door.write_report(run)
        assert (first.name, second.name) == (f"coupler-run-{run}.html", f"coupler-run-{run}-2.html")
        assert first.read_text().lower().startswith("<!doctype html>")
        with pytest.raises(RunError):
            door.write_report(run + 1)
    finally:
        store.close()


def move(one: Path, to: Path) -> None:
    one.rename(to)


async def test_screens_say_that_the_store_was_taken_away_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a short name leaves room for what to do
    here, away = Path("store.db"), Path("elsewhere.db")
    store = Store.open("sqlite:///store.db")
    app = CouplerApp(EngineDoor(settings_of(tmp_path), store), Look(hz=20))
    async with shown_by(app, (80, 24)) as (_, pilot):
        move(here, away)
        await see(pilot, "store.db was moved, deleted or replaced", "beside its -wal file, and resume")
        move(away, here)
        await until(pilot, lambda: "was moved" not in text(app))
    store.close()


def test_the_schedule_is_held_resumed_and_stopped_through_the_store(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    try:
        door = EngineDoor(settings_of(tmp_path), store)
        assert door.schedule().entry("CUSTOMER") is None
        states = []
        for act in (door.hold, door.resume_entry, door.now):
            act("CUSTOMER")
            entry = door.schedule().entry("CUSTOMER")
            assert entry is not None
            assert entry.changed_by == who()
            states.append((entry.state, entry.next_at is not None and entry.next_at <= door.schedule().now))
        assert states == [(EntryState.ON_HOLD, False), (EntryState.READY, False), (EntryState.READY, True)]
        with pytest.raises(RunError, match="Nobody"):
            door.stop_schedule()
        with schedule_lock(store), store.writing() as connection:
            schedule.keep(connection, "otto@pc", door.schedule().now)
            connection.commit()
            assert door.schedule().running
            door.stop_schedule()
            keeper = door.schedule().keeper
            assert keeper is not None
            assert (keeper.owner, keeper.stop_by) == ("otto@pc", who())
    finally:
        store.close()


def test_couplings_and_mappings_are_read_from_the_store(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    try:
        door = EngineDoor(settings_of(tmp_path), store)
        couple(store, *pairs(1, 2, 3))
        page = door.couplings(None, "", None, 2)
        assert [one.nav_no for one in page.rows] == ["C1", "C2"]
        assert [one.nav_no for one in door.couplings("CUSTOMER", "", page.next, 2).rows] == ["C3"]
        assert [one.nav_no for one in door.couplings(None, "c3", None, 2).rows] == ["C3"]
        assert (door.count_couplings(None), door.count_couplings("CURRENCY")) == (3, 0)
        found = door.mapping("CUSTOMER")
        assert (found.standing.coupled, found.ledger.failed, found.counted) == (3, 0, None)
        assert {one.section for one in found.settings} >= {"Fields", "Filters", "Matching", "Policies"}
        with pytest.raises(ConfigError, match="There is no mapping NOBODY"):
            door.mapping("NOBODY")
    finally:
        store.close()


def test_what_is_asked_for_about_couplings_is_what_the_run_is_kept_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("/var/lib/coupler", str(tmp_path)))
    settings = load(path)
    spawned: list[int] = []
    monkeypatch.setattr(process, "spawn", lambda _, run: spawned.append(run))
    store = Store.open(settings.store.url)
    try:
        door = EngineDoor(settings, store)
        asked = {
            door.look_for_broken(None): Mend(),
            door.look_for_broken("CUSTOMER"): Mend("CUSTOMER"),
            door.mend("restore", "CUSTOMER", nav(1)): Mend("CUSTOMER", "restore", (nav(1),)),
            door.mend("remove", None, None): Mend("", "remove"),
            door.match("CUSTOMER", create=True): Match(("CUSTOMER",), create=True),
            door.couple("CUSTOMER", "C1", crm(1)): Couple("CUSTOMER", "C1", crm(1)),
            door.couple("CUSTOMER", "C1", crm(1), "nav"): Couple("CUSTOMER", "C1", crm(1), TO),
            door.couple("CUSTOMER", "C1", crm(1), "crm"): Couple("CUSTOMER", "C1", crm(1), FROM),
            door.couple("CUSTOMER", "", crm(1)): Couple("CUSTOMER", "", crm(1)),
        }
        assert {row["id"]: unpacked(row["request"]) for row in rows(store, run_table)} == asked
        assert spawned == list(asked)
    finally:
        store.close()


def test_what_is_started_after_saving_uses_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("/var/lib/coupler", str(tmp_path)))
    settings = load(path)
    store = Store.open(settings.store.url)
    try:
        door = EngineDoor(settings, store)
        form = door.connections.read()
        door.connections.save(formed(put_value(form.draft, ("nav", "company"), "Contoso")))
        assert door.home().nav.startswith("Contoso")
    finally:
        store.close()


def test_what_was_saved_is_used_whatever_becomes_of_the_file_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is told that it was not saved would save it again, over what somebody else wrote."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("/var/lib/coupler", str(tmp_path)))
    settings = load(path)
    store = Store.open(settings.store.url)
    replace = Path.replace

    def then_spoilt(made: Path, target: Path) -> Path:
        found = replace(made, target)
        path.write_text("[nav")
        return found

    try:
        door = EngineDoor(settings, store)
        form = formed(put_value(door.connections.read().draft, ("nav", "company"), "Contoso"))
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", then_spoilt)
            door.connections.save(form)
        assert door.home().nav.startswith("Contoso")
    finally:
        store.close()


def test_the_log_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = settings_of(tmp_path)
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    try:
        door = EngineDoor(settings, store)
        assert door.log(None, ()).size is None
        log_path(settings).write_text("".join(f"{number}\n" for number in range(150)))
        page = door.log(None, ())
        assert [one.text for one in page.lines] == [str(number) for number in range(50, 150)]
        assert [one.text for one in door.log(page.start, ()).lines] == [str(number) for number in range(50)]
        assert door.log_after(page.start, ("149",)).lines[0].text == "149"
    finally:
        store.close()


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[EngineDoor, Store, Path]]:
    """A door whose config.toml was broken since it was read."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("/var/lib/coupler", str(tmp_path)))
    settings = load(path)
    store = Store.open(settings.store.url)
    path.write_text(path.read_text().replace("[crm]", "[crm"))
    yield EngineDoor(settings, store), store, path
    store.close()


def test_where_the_configuration_is_broken_by_now_nothing_is_begun(broken: tuple[EngineDoor, Store, Path]) -> None:
    door, store, _ = broken
    run = new_run(store)
    put(store, run, RunState.STOPPED)
    for start in (partial(door.start, "plan"), partial(door.resume, run), partial(door.couple, "CUSTOMER", "1", "2")):
        with pytest.raises(ConfigError) as refused:
            start()
        assert "config.toml:9: not valid TOML" in refused.value.problems[0]
    assert [row["state"] for row in rows(store, run_table)] == ["stopped"]


def test_an_engine_that_cannot_read_the_configuration_is_told_as_the_cause(
    broken: tuple[EngineDoor, Store, Path],
) -> None:
    door, store, path = broken
    run, other = new_run(store), new_run(store, "plan")
    settings = door._settings
    for one in (run, other):
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE run SET created_at = 0")
        assert door.run(one).message == "", "nobody knows"
        pid = process.spawn(settings, one)
        eventually(lambda pid=pid: process.gone(pid)[0])  # type: ignore[misc]
        found = door.run(one)
        assert (found.state, found.code) == (RunState.INTERRUPTED, "config")
        assert f"{path}:9: not valid TOML" in found.message
        assert found.message.endswith("[config]")
        assert found.hint == "Mend it, and see `coupler config check`."
    active = door.home().active
    assert active is not None
    assert (active.id, active.code) == (run, "config")
    door._failures.begin(run)
    assert door.run(run).message == "", "another engine was started since"
    assert door.run(other).code == "config"


def test_how_an_engine_ended_while_another_one_worked_says_nothing_of_the_end_of_that(
    broken: tuple[EngineDoor, Store, Path],
) -> None:
    door, store, _ = broken
    run = new_run(store)
    line = {
        "run": run,
        "event": "engine failed",
        "code": "locked",
        "message": "Another one.",
        "timestamp": AT.isoformat(),
    }
    log_path(door._settings).write_text(f"{json.dumps(line)}\n")
    assert door.run(run).code == "locked"
    with store.writing() as connection:
        runs.change(connection, run, [RunState.RUNNING], {"beat_at": AT + timedelta(seconds=1)})
    found = door.run(run)
    assert (found.state, found.code, found.message) == (RunState.INTERRUPTED, "", "")


def test_an_undo_goes_on_by_the_number_of_what_it_undoes(
    broken: tuple[EngineDoor, Store, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    door, store, _ = broken
    run = new_run(store, "undo")
    with store.writing() as connection:
        runs.change(connection, run, [RunState.RUNNING], {"request": {"undo": 8, "dry": False, "reviewed": True}})
    asked: list[tuple[int, bool]] = []
    monkeypatch.setattr(door, "undo", lambda number, *, dry: asked.append((number, dry)))
    door.resume(run)
    assert asked == [(8, False)]


def test_an_engine_that_has_begun_since_is_not_held_for_the_one_that_failed(
    broken: tuple[EngineDoor, Store, Path],
) -> None:
    door, store, _ = broken
    run = new_run(store)
    log = log_path(door._settings)
    lines = [
        {"run": run, "event": "engine failed", "code": "config", "message": "It is broken."},
        {"run": run, "event": "notifier failed", "code": "x", "message": "Nobody was told."},
    ]
    log.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    assert door.run(run).code == "config"
    with log.open("a") as file:
        file.write(f"Traceback\n{json.dumps({'run': run, 'event': 'engine started'})}\n")
    assert door.run(run).code == ""
