"""The door to the real engine, over a real store."""

from pathlib import Path

from engine.model.snapshot import RunState
from engine.store.database import Store
from engine.store.lock import engine_lock
from tests.runs_store.tools import put, settings_of
from tests.store.tools import new_run
from tui.engine_door import EngineDoor


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
