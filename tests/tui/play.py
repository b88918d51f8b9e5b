"""Shows the screens over a scripted door, to look at them and for tests on a pty: `python -m tests.tui.play WHAT [LOG]`,
and over the store of a folder: `python -m tests.tui.play stored FOLDER`.
"""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.model.snapshot import Event, HomeSnapshot, RunSnapshot, RunState
from engine.store.database import Store
from tests.runs_store.tools import settings_of
from tests.tui.made.runs import NOW, made_home, made_run
from tests.tui.made.troubles import made_outcome
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp, show
from tui.engine_door import EngineDoor
from tui.look import Look

HOSTILE = "Acme [/] \x1b]0;x\x07[@click=app.quit]x[/]\x9b2J\u202e"
STATES = {
    "running": RunState.RUNNING,
    "busy": RunState.RUNNING,
    "moving": RunState.RUNNING,
    "hostile": RunState.RUNNING,
    "asking": RunState.ASKING,
    "stopped": RunState.STOPPED,
    "finished": RunState.FINISHED,
}


def main() -> int:
    what = sys.argv[1] if len(sys.argv) > 1 else "calm"
    if what == "stored":
        return _stored(Path(sys.argv[2]))
    door = ScriptedDoor(production=what == "production")
    if what in STATES:
        door.put(made_run(STATES[what]))
    if what == "counting":
        door.plan_state = RunState.RUNNING
    if what == "crash":
        door.home_of = _crash
    if what == "wide":
        door.home_of = lambda active=None, last=None: replace(
            made_home(active, last), nav="\u682a\u5f0f\u4f1a\u793e CRONUS"
        )
    if what == "busy":
        door.home_of = _Busy().home
    if what == "moving":
        door.run = _Moving(door).run  # type: ignore[method-assign]
    if what == "hostile":
        _make_hostile(door)
    log = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    return show(CouplerApp(door, Look(hz=50 if what == "busy" else 4), log=log))


def _stored(folder: Path) -> int:
    store = Store.open(f"sqlite:///{folder}/store.db")
    try:
        return show(CouplerApp(EngineDoor(settings_of(folder), store), Look(), log=folder / "tui.log"))
    finally:
        store.close()


def _crash(active: RunSnapshot | None = None, last: RunSnapshot | None = None) -> HomeSnapshot:
    secret = "hunter2"
    raise ZeroDivisionError(len(secret) and "division by zero")


class _Busy:
    """Every read has other numbers, so that the screen is painted all the time."""

    def __init__(self) -> None:
        self.reads = 0

    def home(self, active: RunSnapshot | None = None, last: RunSnapshot | None = None) -> HomeSnapshot:
        self.reads += 1
        made = made_home(active, last)
        return replace(made, mappings=tuple(replace(one, coupled=self.reads * one.seq) for one in made.mappings))


class _Moving:
    """A run as it goes: at each look a page more is done, the times that are left go down, there are new events, and
    each second another bar and other requests.
    """

    def __init__(self, door: ScriptedDoor) -> None:
        self.door = door
        self.looks = 0

    def run(self, run: int) -> RunSnapshot:
        self.looks += 1
        at, seconds = self.looks, self.looks // 4
        made = self.door.runs[run]
        jobs = list(made.jobs)
        sums = replace(jobs[3].counters, read=2_210 + at % 1_800, modified=1_840 + at, failed=3 + at // 7)
        jobs[3] = replace(jobs[3], counters=sums, rate=38.1 + at % 9, eta=max(5.0, 300.0 - seconds))
        event = replace(made.events[-1], text=f"{at:08} updated 3 fields", at=NOW + timedelta(seconds=seconds))
        return replace(
            made,
            jobs=tuple(jobs),
            events=(*made.events, event)[1:],
            worked=made.worked + seconds,
            eta=400.0 - seconds,
            pace=(*made.pace[seconds // 5 % 20 :], *made.pace[: seconds // 5 % 20]),
            traffic=tuple(replace(one, under_way=at % one.welcome) for one in made.traffic),
        )


def _make_hostile(door: ScriptedDoor) -> None:
    door.change(16, nav=HOSTILE, crm=HOSTILE, waiting=HOSTILE, events=(Event(NOW, "CUSTOMER", HOSTILE),))
    door.causes_found = [replace(one, cause=HOSTILE + one.cause) for one in door.causes_found]
    door.outcome_of = lambda number, cause: replace(made_outcome(number, cause), name=HOSTILE, message=HOSTILE)
    door.home_of = lambda active=None, last=None: replace(made_home(active, last), nav=HOSTILE)


if __name__ == "__main__":
    sys.exit(main())
