"""What operators do to runs: start, pause, stop, cancel, answer. Each is one short transaction."""

import getpass
import hashlib
import os
import socket
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from engine.config import Settings
from engine.model.decision import OF_WISH, Decision, Deed
from engine.model.errors import ConfigError, LockHeld, OnHold, RunError, StoreError
from engine.model.snapshot import RunState, Wish
from engine.store import decisions, runs
from engine.store.database import Store
from engine.store.lock import engine_lives
from engine.sync.context import Clock, system_clock

_HALF = 32
_GIVEN_UP = "what it took back stays so"
_RUNNING, _STOPPED, _ASKING = RunState.RUNNING, RunState.STOPPED, RunState.ASKING


def start(
    store: Store,
    settings: Settings,
    *,
    kind: str = "run",
    only: Iterable[str] = (),
    keep_cleared: bool | None = None,
    by: str,
    clock: Clock = system_clock,
) -> int:
    """Commit a new run, a plan, or a synchronization of modified records ("sync"), of all mappings or `only` some, and
    return its number; an engine must be spawned for it.

    `keep_cleared` answers the closing question in advance. Raises RunError when a run is active, LockHeld when an
    engine works on this store, ConfigError for a job that does not exist.
    """
    chosen = _chosen(settings, tuple(only))
    jobs = [
        (seq, one.name, one.direction.passes)
        for seq, one in enumerate(settings.mappings, 1)
        if not chosen or one.name in chosen
    ]
    refuse_busy(store)
    try:
        with store.writing() as connection:
            if (row := runs.active(connection)) is not None:
                raise on_hold(row) if kind == "sync" else _active(row)
            refuse_busy(store)  # the engine of a run that has ended since we looked may still be ending
            stored = runs.flags(connection)
            overridden = jobs if kind != "sync" else ()
            saved = {name: stored.get(name, (_default(settings, name), 0)) for _, name, _ in overridden}
            new = runs.NewRun(
                kind,
                settings.environment,
                f"{settings.nav.company} {settings.nav.url}",
                settings.crm.url,
                fingerprint(settings),
                saved,
                keep_cleared,
                by,
            )
            return runs.create(connection, new, jobs, clock())
    except StoreError as error:
        if isinstance(error.__cause__, sa.exc.IntegrityError):
            raise RunError("Another run has just been started.", "Watch it with `coupler attach`.") from error
        raise


def resume(
    store: Store,
    settings: Settings,
    run_id: int,
    *,
    keep_cleared: bool | None = None,
    by: str | None = None,
    clock: Clock = system_clock,
) -> None:
    """Make a stopped or interrupted run ready for a new engine. `by` is who wants it, else the user of this process.

    Raises RunError when it cannot go on, LockHeld when an engine works on it.
    """
    refuse_busy(store)
    with store.writing() as connection:
        row = runs.get(connection, run_id)
        if row is not None and row.kind == runs.UNDO and row.state in (_RUNNING.value, _STOPPED.value):
            raise unfinished_undo(row)
        if row is None or row.kind != "run" or row.state not in (_RUNNING.value, _STOPPED.value):
            raise RunError(f"Run {run_id} cannot be resumed.", "`coupler status` says which run can.")
        refuse_changed(settings, row)
        answer = {} if keep_cleared is None else {"keep_cleared": keep_cleared}
        runs.change(connection, run_id, (_RUNNING, _STOPPED), {**runs.READY, **answer})
        text = "" if keep_cleared is None else f"keep cleared: {yes_no(keep_cleared)}"
        decisions.note(connection, run_id, Decision(clock(), by or who(), Deed.RESUME, text=text))


def wish(store: Store, run_id: int, wanted: Wish, *, by: str | None = None, clock: Clock = system_clock) -> None:
    """Tell the engine of a run what is wanted; a wish to cancel stands. Raises RunError when it is not running.

    `by` is who wants it, else the user of this process.
    """
    with store.writing() as connection:
        row = runs.get(connection, run_id)
        if row is not None and row.state == _RUNNING.value and row.wish == Wish.CANCEL.value:
            return
        if not runs.change(connection, run_id, (_RUNNING,), {"wish": wanted.value}):
            raise RunError(f"Run {run_id} is not running.", "`coupler status` says what it is doing.")
        if row is not None and row.wish != wanted.value:
            decisions.note(connection, run_id, Decision(clock(), by or who(), OF_WISH[wanted]))


def cancel(store: Store, run_id: int, by: str, *, clock: Clock = system_clock) -> None:
    """End a run for good; the flags are as before. An engine that works on it is told to stop first. Raises RunError.

    An undo that is not finished is given up: what it took back stays so.
    """
    alive = engine_lives(store)
    with store.writing() as connection:
        row = runs.get(connection, run_id)
        undo = row is not None and row.kind == runs.UNDO
        at = clock()
        values = {
            "state": RunState.CANCELLED.value,
            "ended_at": at,
            "message": f"cancelled by {by}; {_GIVEN_UP if undo else 'Synch. Only Coupled Records is as before'}",
            "code": "cancelled",
            "hint": "",
        }
        # the wish also stops an engine that has not given its first sign of life on this run
        if alive and runs.change(connection, run_id, (_RUNNING,), {"wish": Wish.CANCEL.value}):
            working = runs.at_work(connection)
            if working is not None and working.id == run_id:
                if row is not None and row.wish != Wish.CANCEL.value:
                    decisions.note(connection, run_id, Decision(at, by, Deed.CANCEL))
                return
        if not runs.change(connection, run_id, (_RUNNING, _STOPPED, _ASKING), values):
            raise RunError(f"Run {run_id} is not active.", "`coupler status` says which run is.")
        decisions.note(connection, run_id, Decision(at, by, Deed.CANCEL))


def answer(store: Store, run_id: int, *, yes: bool, by: str, clock: Clock = system_clock) -> None:
    """Answer the closing question. The answer and what it changes are one commit, since the flags are in the same
    store.

    Yes stores the flag of each mapping used as cleared, No leaves it as it was before; an operator's own edit during
    the run stands either way. Raises RunError when nothing is asked.
    """
    with store.writing() as connection:
        if not put_answer(connection, run_id, yes=yes, by=by, at=clock()):
            raise RunError(f"Run {run_id} asks nothing.", "`coupler status` says which run waits for an answer.")


def put_answer(connection: sa.Connection, run_id: int, *, yes: bool, by: str, at: datetime) -> bool:
    """Answer in a transaction that is open; False when the run asks nothing."""
    row = runs.get(connection, run_id)
    if row is None or row.state != _ASKING.value:
        return False
    stored = runs.flags(connection)
    edited = [name for name, (_, version) in row.saved_flags.items() if stored.get(name, (None, 0))[1] != version]
    if yes:
        for name, (_, version) in row.saved_flags.items():
            runs.set_flag(connection, name, value=False, at=at, by=by, expected=version)
    values = {
        "state": RunState.FINISHED.value,
        "answer": yes,
        "answered_at": at,
        "answered_by": by,
        "kept_edits": edited,
    }
    return runs.change(connection, run_id, (_ASKING,), values)


def set_only_coupled(
    store: Store, settings: Settings, mapping: str, *, value: bool, by: str, clock: Clock = system_clock
) -> None:
    """Store an operator's own choice of Synch. Only Coupled Records; raises ConfigError for an unknown mapping.

    A run that is not over and uses the mapping is told, as its answer leaves the choice alone.
    """
    _chosen(settings, (mapping,))
    at = clock()
    with store.writing() as connection:
        runs.set_flag(connection, mapping, value=value, at=at, by=by)
        row = runs.active(connection)
        if row is not None and mapping in row.saved_flags:
            text = "on" if value else "off"
            decisions.note(connection, row.id, Decision(at, by, Deed.FLAG, mapping, text=text))


def reset_flags(
    store: Store, settings: Settings, names: Iterable[str], *, by: str, clock: Clock = system_clock
) -> list[str]:
    """Store Synch. Only Coupled Records of these mappings as it is by default; those whose flag that changes.

    Raises RunError when a run is not finished, as it goes on with the mappings that it was started with.
    """
    defaults = {one.name: one.only_coupled for one in settings.mappings}
    with store.writing() as connection:
        refuse_active(connection)
        stored = runs.flags(connection)
        changed = [name for name in names if name in stored and stored[name][0] != defaults.get(name, True)]
        for name in changed:
            runs.set_flag(connection, name, value=defaults.get(name, True), at=clock(), by=by)
    return changed


def flagged(store: Store) -> list[str]:
    """The mappings whose Synch. Only Coupled Records was ever stored, those too that are configured no more."""
    with store.reading() as connection:
        return sorted(runs.flags(connection))


def who() -> str:
    """Who acts, for the records: user and host."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def yes_no(value: bool) -> str:  # noqa: FBT001 - it is what is said
    """An answer as people give it."""
    return "yes" if value else "no"


def fingerprint(settings: Settings) -> str:
    """What must be the same when a run is resumed: half of it for the systems, half for the mappings."""
    parts = (settings.environment, settings.nav.url, settings.nav.company, settings.nav.version, settings.crm.url)
    # the texts of frozen dataclasses hold all that they say
    texts = ("\n".join(parts), "\n".join(map(repr, settings.mappings)))
    return "".join(hashlib.sha256(text.encode()).hexdigest()[:_HALF] for text in texts)


def same_systems(settings: Settings, row: sa.Row[Any]) -> bool:
    """Whether a run was started for the systems that the settings name."""
    return bool(row.fingerprint[:_HALF] == fingerprint(settings)[:_HALF])


def refuse_changed(settings: Settings, row: sa.Row[Any]) -> None:
    """Raise RunError when a run was started for other systems or with other mappings."""
    now = fingerprint(settings)
    if not same_systems(settings, row):
        raise RunError(
            f"Run {row.id} was started for other systems: {row.nav}, {row.crm}.",
            "Use the configuration that it was started with, or cancel it with `coupler cancel`.",
        )
    if row.fingerprint != now:
        raise RunError(
            f"The mappings are not those with which run {row.id} was started.",
            "Take back the changes of [mapping] in config.toml, or end the run with `coupler cancel` and start anew.",
        )


def _default(settings: Settings, name: str) -> bool:
    return next(one.only_coupled for one in settings.mappings if one.name == name)


def _chosen(settings: Settings, names: tuple[str, ...]) -> set[str]:
    known = [one.name for one in settings.mappings]
    for name in names:
        if name not in known:
            close = get_close_matches(name.upper(), known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"The jobs are {', '.join(known)}."
            raise ConfigError(f"There is no job '{name}'.", hint)
    return set(names)


def refuse_busy(store: Store, advice: str = "") -> None:
    """Raise LockHeld, which names the run, when an engine works on the store; with other advice than to stop it."""
    if not engine_lives(store):
        return
    with store.reading() as connection:
        row = runs.at_work(connection)
    if row is None:
        raise LockHeld("An engine works on this state store.", advice or "It is just beginning or ending: try again.")
    raise LockHeld(
        f"An engine works on this state store: run {row.id} ({row.kind}).",
        advice or f"Watch it with `coupler attach {row.id}`, or stop it with `coupler stop {row.id}`.",
    )


def refuse_active(connection: sa.Connection) -> None:
    """Raise OnHold while a run is not finished and answered: it goes on with the mappings that it was started with."""
    if (row := runs.active(connection)) is not None:
        raise _active(row)


def refuse_on_hold(store: Store) -> None:
    """Raise OnHold while a synchronization on a schedule must wait."""
    with store.reading() as connection:
        if (row := runs.active(connection)) is not None:
            raise on_hold(row)


def refuse_unfinished_undo(connection: sa.Connection) -> None:
    """Raise OnHold while an undo is not finished: what it has written back would be taken for somebody's change."""
    row = runs.active(connection)
    if row is not None and row.kind == runs.UNDO:
        raise unfinished_undo(row)


def on_hold(row: sa.Row[Any]) -> OnHold:
    """Jobs on a schedule wait for a full synchronization, and for the undo of one."""
    if row.kind == runs.UNDO:
        return unfinished_undo(row)
    return OnHold(
        f"Run {row.id} is not finished or not answered; synchronization jobs on a schedule are on hold.",
        f"`coupler status {row.id}` says what it waits for; run again when it is answered or cancelled.",
    )


def unfinished_undo(row: sa.Row[Any]) -> OnHold:
    """Whoever writes waits until an undo is carried out or given up."""
    target = row.request["undo"]
    return OnHold(
        f"Run {row.id}, which undoes run {target}, is not finished; until it is, nothing else may write.",
        f"Go on with `coupler undo {target}`, or give it up with `coupler cancel {row.id}`; {_GIVEN_UP}.",
    )


def _active(row: sa.Row[Any]) -> OnHold:
    if row.kind == runs.UNDO:
        return unfinished_undo(row)
    return OnHold(
        f"Run {row.id} is not finished.",
        "Resume it with `coupler resume`, answer it with `coupler answer`, or end it with `coupler cancel`.",
    )
