"""The words that reports have for runs, decisions and what was left out; pure."""

from engine.model.decision import Deed
from engine.model.report import Report
from engine.model.snapshot import JobState, RunSnapshot, RunState
from tui import format as form
from tui import plain

_KINDS = {
    "run": "Full synchronization",
    "sync": "Synchronization of modified records",
    "plan": "Plan of a full synchronization",
    "couple": "Coupling by hand",
    "match": "Coupling by match",
    "uncouple": "Uncoupling",
    "mend": "Mending of broken couplings",
    "import": "Import of couplings",
    "look": "Look at couplings",
    "undo": "Look at an undo",
}
DEEDS = {
    Deed.START: "started it",
    Deed.PAUSE: "paused it",
    Deed.GO_ON: "let it go on",
    Deed.STOP: "stopped it",
    Deed.CANCEL: "cancelled it",
    Deed.RESUME: "resumed it",
    Deed.FLAG: "set Synch. Only Coupled Records",
    Deed.CHOOSE: "resolved a conflict",
    Deed.SKIP: "had records left alone",
    Deed.RETRY: "had records tried again",
    Deed.ANSWER: "answered the closing question",
    Deed.UNDO: "began to undo it",
}
STATES = {
    JobState.WAIT: "waits for its turn",
    JobState.RUN: "is at work",
    JobState.PAUSE: "is paused",
    JobState.PART: "got to its end, and some of its records failed",
    JobState.FAIL: "could not go on",
    JobState.SKIP: "was skipped, because a job that it needs could not go on",
    JobState.STOP: "was stopped before its end",
}
"""What is behind the words for jobs that are not OK."""


def title(run: RunSnapshot) -> str:
    """`Full synchronization, run 16`."""
    what = f"Undo of run {run.undoes}" if run.undoes is not None else _KINDS.get(run.kind, run.kind)
    return f"{what}, run {run.id}"


def state(run: RunSnapshot) -> str:
    """The word for the run, as other commands say it."""
    return "paused" if run.paused and run.state is RunState.RUNNING else str(run.state)


def notes(run: RunSnapshot, now: str) -> list[str]:
    """What a reader must know before the rest: that it goes on, why it ended, what to do."""
    lines = []
    if run.state is RunState.RUNNING:
        lines.append(
            f"This run is still going. What is shown is how it was at {now}; make the report again at its end."
        )
    if run.waiting:
        lines.append(f"It waits: {run.waiting}")
    if run.message:
        lines.append(run.message)
    lines += plain.next_steps(run)
    if run.left_alone:
        lines.append(plain.left_alone(run.left_alone))
    return lines


def more(kind: str, number: int, where: str) -> str:
    """`... and 1,234 more causes: coupler errors 16`."""
    return f"… and {form.count(number)} more {kind}: `{where}`" if number > 0 else ""


def left_out(report: Report) -> dict[str, int]:
    """How many of each kind there are in the store and not in the report."""
    return {
        "causes": report.all_causes - len(report.groups),
        "conflicts": report.all_conflicts - len(report.conflicts),
        "decisions": report.all_decisions - len(report.decisions),
    }
