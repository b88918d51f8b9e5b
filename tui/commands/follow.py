"""Watching a run from the command line until it ends, and telling its engine to stop when a signal says so."""

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any, Protocol, Self

import click

from engine.model.errors import CouplerError, StoreError
from engine.model.snapshot import JobSnapshot, JobState, RunSnapshot, RunState, Wish
from engine.model.states import STARTING
from engine.runs import control, process, snapshots
from engine.store.database import Store
from tui import plain
from tui.commands import records
from tui.commands.common import out
from tui.diagnostics import say
from tui.exitcodes import ExitCode, of_run

LOOK = 0.25
"""Seconds between two looks at the store."""

_REPEAT = 10.0
_SETTLING = 10.0
_LOST = 5.0
STOPPING = 60.0
"""Seconds that an engine has to reach a checkpoint after a signal."""


class Output(Protocol):
    """What is written about a run that goes on."""

    def changed(self, run: RunSnapshot, job: JobSnapshot) -> None:
        """A job is in a new state, or ten seconds further."""

    def ended(self, run: RunSnapshot, code: ExitCode) -> None:
        """Nothing more will happen by itself."""


class PlainOutput:
    """Lines for people."""

    def changed(self, run: RunSnapshot, job: JobSnapshot) -> None:
        """A job is in a new state, or ten seconds further."""
        out(plain.job_line(run, job))

    def ended(self, run: RunSnapshot, code: ExitCode) -> None:
        """Nothing more will happen by itself."""
        del code
        out(plain.run_line(run))
        explain(run)


class JsonOutput:
    """Objects for programs."""

    def changed(self, run: RunSnapshot, job: JobSnapshot) -> None:
        """A job is in a new state, or ten seconds further."""
        out(records.line({"type": "job", **records.job(run, job)}))

    def ended(self, run: RunSnapshot, code: ExitCode) -> None:
        """Nothing more will happen by itself."""
        out(records.line({"type": "result", **records.run(run), "exit": int(code)}))
        explain(run)


def output_of(*, as_json: bool, as_plain: bool = False) -> Output:
    """What the options ask for, lines of text by default; a usage error when they ask for both."""
    if as_json and as_plain:
        raise click.UsageError("--plain and --json exclude each other.")
    return JsonOutput() if as_json else PlainOutput()


def explain(run: RunSnapshot) -> None:
    """Say why a run is where it is, and what to do now."""
    if run.message:
        say(f"coupler: {run.message}")
    if run.left_alone:
        say(f"coupler: {plain.left_alone(run.left_alone)}")
    for step in plain.next_steps(run):
        say(f"  {step}")


class Signals:
    """While it is entered, SIGINT, SIGTERM and SIGHUP are noted, and the first two stop the run when it is ours."""

    def __init__(self, store: Store, run: int, *, owner: bool) -> None:
        self._store = store
        self._run = run
        self._before: dict[int, Any] = {}
        self._left = threading.Event()
        self.owner = owner
        self.received: int | None = None
        self.acted = threading.Event()
        self.at = 0.0

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has them ignored, and that must stay.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.received is not None:
            # Twice means now. The engine goes to its checkpoint in any case.
            os._exit(128 + number)
        self.received = number
        self.at = time.monotonic()
        # In a thread: this one may be stuck in a write to an output that nobody reads.
        threading.Thread(target=self._act, args=(number,), name="signal", daemon=True).start()

    def _act(self, number: int) -> None:
        patience = _LOST
        if self.owner and number != signal.SIGHUP:
            with contextlib.suppress(CouplerError):
                control.wish(self._store, self._run, Wish.STOP)
            patience = STOPPING + _SETTLING
        self.acted.set()
        if not self._left.wait(patience):
            os._exit(128 + number)


@dataclass
class _Printer:
    output: Output
    states: dict[int, JobState] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)
    waiting: str = ""
    waited: float = 0.0

    def show(self, run: RunSnapshot) -> None:
        now = time.monotonic()
        if run.waiting and run.waiting != self.waiting and now - self.waited >= _REPEAT:
            say(f"coupler: waits: {run.waiting}")
            self.waiting, self.waited = run.waiting, now
        for job in run.jobs:
            new = self.states.get(job.seq, JobState.WAIT) is not job.state
            due = job.state in (JobState.RUN, JobState.PAUSE) and now - self.last.get(job.seq, now) >= _REPEAT
            if new or due:
                self.output.changed(run, job)
                self.last[job.seq] = now
            self.states[job.seq] = job.state


def follow(
    store: Store, run: int, output: Output, *, signals: Signals, pid: int | None = None
) -> tuple[RunSnapshot, ExitCode]:
    """Write what a run does until it ends, waits for its answer, loses its engine, or a signal arrives.

    `pid` is the engine that was just started: until it is seen at work, or gone, an older state says nothing.
    """
    printer = _Printer(output)
    begun = time.monotonic()
    seen = gone = False
    status: int | None = None
    since: float | None = None
    while True:
        if pid is not None and not gone:
            gone, status = process.gone(pid)
        now = time.monotonic()
        snapshot = snapshots.run(store, run)
        printer.show(snapshot)
        over = False
        if snapshot.state is RunState.RUNNING:
            seen, since = True, None
        else:
            since = now if since is None else since
            started = pid is None or seen or gone or now - begun > STARTING
            over = started and _is_over(store, snapshot, now - since, gone=gone, watched=pid is not None)
        if signals.received is not None:
            if _may_leave(signals, now, over=over):
                return snapshot, ExitCode(128 + signals.received)
        elif over:
            if snapshot.state is RunState.INTERRUPTED and not snapshot.code and status == ExitCode.CONNECTION:
                snapshot = _without_store(snapshot)
            return snapshot, of_run(snapshot)
        time.sleep(LOOK)


def _may_leave(signals: Signals, now: float, *, over: bool) -> bool:
    """After a signal: at once when the run is not ours or the terminal is gone, else when its engine is done."""
    if signals.received == signal.SIGHUP or not signals.owner:
        return True
    if now - signals.at > STOPPING:
        say("coupler: the engine is still busy with its last requests; it stops by itself. See: coupler status")
        return True
    return over and signals.acted.is_set()


def _is_over(store: Store, snapshot: RunSnapshot, lasted: float, *, gone: bool, watched: bool) -> bool:
    """Whether a state other than running is the last one: the engine has let go of the store, or has had its time."""
    if snapshot.state is RunState.INTERRUPTED:
        # A keeper may start the engine again, for as long as the keeper itself is there.
        return gone if watched and lasted < STARTING else lasted > _LOST
    return gone or lasted > _SETTLING or not snapshots.live(store)


def _without_store(run: RunSnapshot) -> RunSnapshot:
    """A run whose engine ended because it could not use the store, and so could not say it there."""
    again = f"coupler resume {run.id}" if run.kind == "run" else "start it again"
    return replace(
        run,
        code=StoreError.code,
        message="The engine could not read or write the state store, and ended. Nothing was sent that is not recorded.",
        hint=f"Mend the cause (disk space, permissions, database server; `coupler paths` names the log), then: {again}",
    )
