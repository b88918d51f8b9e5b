"""Shows the screens over a scripted door: `python -m tests.tui.play [calm|running|asking|stopped|hostile]`."""

import sys
from pathlib import Path

from engine.model.snapshot import RunState
from tests.tui.script import ScriptedDoor, made_run
from tui.app import CouplerApp, show
from tui.look import Look

STATES = {
    "running": RunState.RUNNING,
    "asking": RunState.ASKING,
    "stopped": RunState.STOPPED,
    "finished": RunState.FINISHED,
}


def main() -> int:
    what = sys.argv[1] if len(sys.argv) > 1 else "calm"
    door = ScriptedDoor(production=what == "production")
    if what in STATES:
        door.put(made_run(STATES[what]))
    if what == "counting":
        door.plan_state = RunState.RUNNING
    if what == "crash":
        door.home_of = lambda *_: 1 / 0  # type: ignore[assignment]
    log = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    return show(CouplerApp(door, Look(), log=log))


if __name__ == "__main__":
    sys.exit(main())
