"""Jobs as operators see them: what one or two passes are together, how far they are and how long it takes yet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from engine.model.mapping import Direction
from engine.model.snapshot import Counters, JobSnapshot, JobState, PassSnapshot, RunSnapshot, RunState


def jobs_of(
    passes: Sequence[PassSnapshot],
    rates: Mapping[int, float],
    left: Mapping[tuple[int, Direction], float],
    state: RunState,
    *,
    paused: bool,
) -> tuple[JobSnapshot, ...]:
    """The jobs of a run, each of one or two passes; `rates` are records a second by the number of the job, `left` the
    seconds that a pass takes yet, where something tells.
    """
    grouped: dict[int, list[PassSnapshot]] = {}
    for one in passes:
        grouped.setdefault(one.seq, []).append(one)
    return tuple(_job(group, rates.get(seq), left, state, paused=paused) for seq, group in grouped.items())


def _job(
    passes: list[PassSnapshot],
    rate: float | None,
    left: Mapping[tuple[int, Direction], float],
    state: RunState,
    *,
    paused: bool,
) -> JobSnapshot:
    if state is RunState.RUNNING:
        passes = [_waiting(one) for one in passes]
    word = _job_state(passes)
    counters = sum((one.counters for one in passes), Counters())
    exact = all(one.total_exact for one in passes)
    known = [
        max(one.total, one.counters.read) if not one.total_exact else one.total
        for one in passes
        if one.total is not None
    ]
    total = sum(known) if len(known) == len(passes) else None
    if word is JobState.RUN and state is not RunState.RUNNING:
        word = JobState.STOP
    if word is JobState.RUN and paused:
        word = JobState.PAUSE
    # a job that by all estimates would be done, and is not, promises no time
    yet = [left.get((one.seq, one.direction)) for one in passes]
    told = [one for one in yet if one is not None]
    direction = Direction.BIDIRECTIONAL if len(passes) > 1 else passes[0].direction
    return JobSnapshot(
        seq=passes[0].seq,
        mapping=passes[0].mapping,
        direction=direction,
        state=word,
        counters=counters,
        total=total,
        total_exact=exact,
        rate=rate if word is JobState.RUN else None,
        eta=sum(told) or None if word is JobState.RUN and len(told) == len(yet) else None,
        passes=tuple(passes),
        message=next((one.message for one in passes if one.message), ""),
    )


def _waiting(one: PassSnapshot) -> PassSnapshot:
    """A pass that another engine left, in a run with which one goes on: it will come to it."""
    return replace(one, state=JobState.WAIT, message="") if one.state is JobState.STOP else one


def at_rest(one: PassSnapshot, beat: datetime | None) -> PassSnapshot:
    """A pass as it is without an engine: what the store says of it is from before the engine went, which gave its last
    sign of life at `beat`.
    """
    if one.state is not JobState.RUN:
        return one
    if one.started is None or beat is None:
        return replace(one, state=JobState.STOP)
    ended = max(beat, one.started)
    spent = one.spent + (ended - one.started).total_seconds()
    return replace(one, state=JobState.STOP, ended=ended, spent=spent)


def last_state(passes: Sequence[PassSnapshot], active_run: RunSnapshot | None) -> JobState:
    """The word for the last job of a mapping; it goes on only while the engine of its run does."""
    word = _job_state(passes)
    going = active_run is not None and active_run.id == passes[0].run and active_run.state is RunState.RUNNING
    return JobState.STOP if word is JobState.RUN and not going else word


def _job_state(passes: Sequence[PassSnapshot]) -> JobState:
    """The word for one or two passes together: the worst that ended, RUN when one runs or is still to come."""
    states = [one.state for one in passes]
    for state in (JobState.STOP, JobState.FAIL, JobState.SKIP, JobState.RUN):
        if state in states:
            return state
    if JobState.WAIT in states:
        return JobState.WAIT if all(state is JobState.WAIT for state in states) else JobState.RUN
    return JobState.PART if JobState.PART in states else JobState.OK
