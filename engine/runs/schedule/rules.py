"""What becomes of the entries of the schedule, as pure functions (reference/domain.md section 5.1)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from engine.model.errors import Brake, ConfigError, ConnectionLost, LockHeld, OnHold, StoreError
from engine.model.schedule import Entry, EntryState, Timing
from engine.model.snapshot import JobState, RunSnapshot, RunState
from engine.runs.process import BAD_CONFIG, LOST_STORE, NO_LOCK

LONGEST_WAIT = timedelta(minutes=10)
"""Between two attempts while something is away."""
_AWAY = (ConnectionLost.code, StoreError.code, ConfigError.code)
_TURNS = (EntryState.READY, EntryState.INACTIVE)
_COUNTED = ("inserted", "modified", "coupled", "uncoupled", "failed")

NextTime = Callable[[Timing, datetime], datetime]
"""The first turn behind a moment."""


class How(StrEnum):
    """How the synchronization of one mapping ended."""

    DONE = "done"
    FAILED = "failed"
    AWAY = "away"
    """A server, the store or a secret cannot be had, which may mend itself: that is tried for ever."""
    HARM = "harm"
    """Going on could do harm: a person must look."""
    SKIPPED = "skipped"
    """By an operator, or because a job that it needs could not go on."""
    PUT_OFF = "put off"
    """It did not begin, or was ended with the process that keeps the schedule."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a synchronization did for one mapping; `changes` is 0 when it found nothing to do."""

    how: How
    changes: int = 0
    result: str = ""
    code: str = ""
    message: str = ""


def ended_of(run: RunSnapshot, mapping: str, *, ours: bool = False, exit_code: int | None = None) -> Ended:
    """How a run that is over ended for a mapping; `ours` when it was stopped by whoever keeps the schedule, `exit_code`
    that of its engine where it is known.
    """
    job = next((one for one in run.jobs if one.mapping == mapping), None)
    if job is not None and job.state in (JobState.OK, JobState.PART):
        found = {name: getattr(job.counters, name) for name in _COUNTED}
        result = ", ".join(f"{number:,} {name}" for name, number in found.items() if number)
        return Ended(How.DONE, sum(found.values()), result or "nothing to do")
    if run.state is RunState.FINISHED and job is not None:
        if job.state is JobState.SKIP:
            return Ended(How.SKIPPED, result=f"skipped: {job.message}")
        return Ended(How.FAILED, result="failed", code="failed", message=job.message)
    if run.code in (OnHold.code, LockHeld.code) or (ours and run.code in ("", "stopped")):
        return Ended(How.PUT_OFF, result="put off")
    if run.code == "stopped" or run.state is RunState.CANCELLED:
        return Ended(How.SKIPPED, result="stopped by an operator")
    if run.code == Brake.code:
        return Ended(How.HARM, result="stopped", code=run.code, message=f"{run.message} {run.hint}".strip())
    if run.state in (RunState.RUNNING, RunState.INTERRUPTED):
        if exit_code == NO_LOCK:
            return Ended(How.PUT_OFF, result="put off")
        if exit_code == BAD_CONFIG:
            told = "The engine could not use the configuration; `coupler config check` says why."
            return Ended(How.AWAY, result="failed", code=ConfigError.code, message=told)
        if exit_code == LOST_STORE:
            return Ended(How.AWAY, result="failed", code=StoreError.code, message="The engine lost the state store.")
        told = f"The engine of run {run.id} ended without a word; its log says more (`coupler paths`)."
        return Ended(How.FAILED, result="failed", code="interrupted", message=told)
    how = How.AWAY if run.code in _AWAY else How.FAILED  # without the hint: nobody has to resume what goes on by itself
    return Ended(how, result="failed", code=run.code or "failed", message=run.message)


def due(entries: Iterable[Entry], now: datetime) -> tuple[str, ...]:
    """The mappings that have their turn."""
    return tuple(
        one.mapping
        for one in entries
        if one.run is None and one.state in _TURNS and one.next_at is not None and one.next_at <= now
    )


def began(entry: Entry, run: int) -> Entry:
    """Its synchronization is under way."""
    return replace(entry, run=run)


def after(entry: Entry, timing: Timing, ended: Ended, now: datetime, next_time: NextTime) -> Entry:
    """Its synchronization is over; what an operator put on hold meanwhile stays so."""
    noted = replace(entry, run=None, seen=None)
    if ended.how is not How.PUT_OFF:
        noted = replace(noted, last_run=entry.run, last_at=now, result=ended.result)
    if ended.how in (How.DONE, How.SKIPPED):
        noted = replace(noted, attempts=0, code="", message="")
    elif ended.how is not How.PUT_OFF:
        same = (entry.code in _AWAY) == (ended.how is How.AWAY)
        attempts = entry.attempts + 1 if same and entry.attempts else 1
        noted = replace(noted, attempts=attempts, code=ended.code, message=ended.message)
    if entry.state is EntryState.ON_HOLD:
        return noted
    match ended.how:
        case How.DONE | How.SKIPPED:
            turn, timeout = next_time(timing, now), timing.inactivity_timeout
            if ended.how is How.DONE and not ended.changes and timeout is not None and now + timeout > turn:
                return replace(noted, state=EntryState.INACTIVE, next_at=now + timeout)
            return replace(noted, state=EntryState.READY, next_at=turn)
        case How.AWAY:
            wait = min(timing.retry_delay * 2 ** min(noted.attempts - 1, 20), max(LONGEST_WAIT, timing.retry_delay))
            return replace(noted, state=EntryState.READY, next_at=now + wait)
        case How.PUT_OFF:
            return replace(noted, state=EntryState.READY, next_at=now)
        case _:
            if ended.how is How.HARM or noted.attempts >= timing.attempts:
                return replace(noted, state=EntryState.ERROR, next_at=None)
            return replace(noted, state=EntryState.READY, next_at=now + timing.retry_delay)


def woken(entry: Entry, now: datetime) -> Entry:
    """Something was modified: it has its turn at once."""
    return replace(entry, state=EntryState.READY, next_at=now, seen=None)


def settled(
    entries: Mapping[str, Entry], timings: Mapping[str, Timing], now: datetime, by: str, next_time: NextTime
) -> dict[str, Entry]:
    """The entries that the configuration asks for: new ones have their turn at once, those that are there go on.

    No turn is later than the configuration says, also when the clock of the machine was set back.
    """
    found = {}
    for mapping, timing in timings.items():
        if not timing.enabled:
            continue
        one = entries.get(mapping) or Entry(mapping, EntryState.READY, now, now, by)
        if one.state is EntryState.INACTIVE and timing.inactivity_timeout is None:
            one = replace(one, state=EntryState.READY)
        if one.state is EntryState.READY and one.next_at is not None:
            one = replace(one, next_at=min(one.next_at, next_time(timing, now)))
        if one.state is EntryState.INACTIVE and one.next_at is not None and timing.inactivity_timeout is not None:
            one = replace(one, next_at=min(one.next_at, now + timing.inactivity_timeout))
        found[mapping] = one
    return found


def held(entry: Entry, now: datetime, by: str) -> Entry:
    """An operator puts it on hold; a synchronization under way ends as it would."""
    return replace(entry, state=EntryState.ON_HOLD, next_at=None, seen=None, changed_at=now, changed_by=by)


def resumed(entry: Entry, timing: Timing, now: datetime, by: str, next_time: NextTime) -> Entry:
    """An operator lets it go on after a hold or an error, as if nothing had failed."""
    turn = next_time(timing, now)
    fresh = replace(entry, attempts=0, code="", message="", seen=None, changed_at=now, changed_by=by)
    return replace(fresh, state=EntryState.READY, next_at=turn)


def at_once(entry: Entry, now: datetime, by: str) -> Entry:
    """An operator gives it its turn now, whatever it waits for."""
    fresh = replace(entry, attempts=0, code="", message="", seen=None, changed_at=now, changed_by=by)
    return replace(fresh, state=EntryState.READY, next_at=now)
