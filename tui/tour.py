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
_CANCELLED = (
    "Tour 3 of 4: cancelled. What was written stays, the rest was not looked at. e shows what failed, h all jobs "
    "there were. esc goes back to the mappings."
)
_UNDONE = (
    "Tour 3 of 4: taken back, but for what was changed since. e shows what is left and why, h all jobs there were. "
    "esc goes back."
)
_STOPPED = (
    "Tour: it stands still, and nothing is lost. r goes on where it was, x ends it. esc goes back to the mappings."
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
_BROKEN_OFF = (
    "Tour 4 of 4: the last run was cancelled; s starts another one, for what is missing. S is the schedule, ? has "
    "all keys. q ends the demo."
)
_BACK = (
    "Tour 4 of 4: the last run was taken back; s does again what it did. S is the schedule, ? has all keys. q ends "
    "the demo; nothing of it stays."
)
_WAITS = "Tour: the run is not at its end. u shows it."
_ELSEWHERE = "Tour: ? shows the keys of this screen, esc goes back."


def hint(scope: Scope, run: RunSnapshot | None) -> str:
    """The words for a screen; `run` is the one that it shows, or the active or last one."""
    state = None if run is None else run.state
    if scope == "home":
        if state is None:
            return _HOME
        if state is RunState.CANCELLED:
            return _BROKEN_OFF
        if state.active:
            return _WAITS
        return _AGAIN if run is None or run.undoes is None else _BACK
    if scope == "run":
        if state is RunState.CANCELLED:
            return _CANCELLED
        if state in (RunState.STOPPED, RunState.INTERRUPTED):
            return _STOPPED
        over = _OVER if run is None or run.undoes is None else _UNDONE
        return over if state is RunState.FINISHED else _GOING
    return _LISTS.get(scope, _ELSEWHERE)
