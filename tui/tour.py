"""What `coupler demo --tour` says on each screen: what is to be seen there, and which key comes next.

Two lines of the smallest terminal have room for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import RunState
from tui.actions import Scope

if TYPE_CHECKING:
    from engine.model.snapshot import RunSnapshot

_HOME = (
    "Tour 1 of 4: the mappings, in the order of their jobs. enter says all about one; s counts what is "
    "to be done, then asks: y starts it."
)
_GOING = (
    "Tour 2 of 4: on servers of your own this goes on without the terminal. space pauses, e shows what "
    "failed. At the end comes a question."
)
_OVER = (
    "Tour 3 of 4: done, and who answered is written down. e shows what failed and why, h all jobs there "
    "were. esc goes back to the mappings."
)
_LISTS: dict[Scope, str] = {
    "history": (
        "Tour 3 of 4: a line for each job. enter shows its errors, w writes a file, U takes its run "
        "back. esc goes back."
    ),
    "errors": (
        "Tour 3 of 4: equal problems are one line. enter goes to its records, and to one of them. esc goes back."
    ),
}
_AGAIN = (
    "Tour 4 of 4: after a run both sides agree, and s finds nothing to do. S is the schedule, ? has all "
    "keys. q ends the demo; nothing of it stays."
)
_WAITS = "Tour: the run is not at its end. u shows it."
_ELSEWHERE = "Tour: ? shows the keys of this screen, esc goes back."


def hint(scope: Scope, run: RunSnapshot | None) -> str:
    """The words for a screen; `run` is the one that it shows, or the active or last one."""
    if scope == "home":
        if run is None:
            return _HOME
        return _WAITS if run.state.active else _AGAIN
    if scope == "run":
        return _GOING if run is None or run.state in (RunState.RUNNING, RunState.ASKING) else _OVER
    return _LISTS.get(scope, _ELSEWHERE)
