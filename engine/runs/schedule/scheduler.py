"""Keeping the schedule, step by step. Where each entry is stands in the store, so that any step may be the last one."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.mapping.times import next_time, zone_of
from engine.model.errors import CouplerError, LockHeld, RunError, StoreError
from engine.model.schedule import Entry, EntryState, Keeper, Timing
from engine.model.snapshot import RunSnapshot, RunState, Wish
from engine.model.states import STARTING
from engine.runs import control, process, snapshots
from engine.runs.schedule import rules
from engine.runs.schedule.looking import Found, digest, look
from engine.store import schedule
from engine.store.database import Store
from engine.store.lock import Guard
from engine.sync.context import Clock, system_clock

_STOPPING = timedelta(seconds=60)
_MOMENT = 0.2


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, for whoever watches. `event` is a word that programs may go by."""

    at: datetime
    event: str
    mappings: tuple[str, ...] = ()
    run: int | None = None
    entry: Entry | None = None
    text: str = ""


Tell = Callable[[Told], None]


class Scheduler:
    """The process that keeps the schedule of a store, as long as it holds the lock for that (`schedule_lock`)."""

    def __init__(
        self,
        store: Store,
        owner: str,
        tell: Tell,
        stop: asyncio.Event,
        *,
        clock: Clock = system_clock,
        spawn: Callable[[Settings, int], int] = process.spawn,
    ) -> None:
        self._store = store
        self._owner = owner
        self._tell = tell
        self._stop = stop
        self._clock = clock
        self._spawn = spawn
        self._pids: dict[int, int] = {}
        self._exits: dict[int, int | None] = {}
        self._before: dict[str, Found] = {}
        self._waiting = ""
        self._look_at: datetime | None = None
        self._looks_failed = 0

    def use(self, settings: Settings, nav: Side, crm: Side) -> None:
        """What it works with from now on; raises ValueError for a time zone that is not there."""
        self._settings, self._sides = settings, (nav, crm)
        zone = zone_of(settings.schedule.time_zone)
        self._next_time: rules.NextTime = partial(next_time, zone=zone)

    async def begin(self, guard: Guard) -> None:
        """Take over what is stored; raises StoreError, and LockLost when `guard` does."""
        self._guard = guard
        now = self._clock()
        timings = {one.name: self._timing(one.name) for one in self._settings.mappings}

        def take_over(connection: sa.Connection) -> None:
            guard(connection)
            stored = schedule.entries(connection, change=True)
            found = rules.settled(stored, timings, now, self._owner, self._next_time)
            schedule.keep(connection, self._owner, now)
            schedule.drop(connection, stored.keys() - found.keys())
            schedule.put(connection, found.values())

        await self._store.write(take_over)
        self._waiting = ""
        self._say("started", text=self._owner)

    async def step(self) -> str | None:
        """Do what is due, and return who wants it to end, if somebody does.

        Raises StoreError when the store cannot be used, LockLost when another process may keep the schedule.
        """
        keeper, entries = await self._store.read(self._stored)
        if keeper is not None and keeper.stop_by is not None:
            return keeper.stop_by
        await self._settle(entries.values())
        if any(one.run is not None for one in entries.values()):
            return None
        reason = await asyncio.to_thread(self._held)
        names = rules.due(entries.values(), self._clock())
        if not reason and names:
            reason = await self._start(names, entries)
        await self._wait(reason)
        if not reason and not names:
            await self._look(entries.values())
        return None

    async def end(self) -> None:
        """Stop what is under way at a checkpoint, and note how far it came; it has its turn again at the next start."""
        _, entries = await self._store.read(self._stored)
        under_way = {one.run for one in entries.values() if one.run is not None}
        for run in under_way:
            try:
                await asyncio.to_thread(control.wish, self._store, run, Wish.STOP)
            except RunError:
                continue  # it has just ended
        deadline = self._clock() + _STOPPING
        while under_way and self._clock() < deadline:
            await self._settle(entries.values(), ours=True)
            _, entries = await self._store.read(self._stored)
            if not any(one.run is not None for one in entries.values()):
                break
            await asyncio.sleep(_MOMENT)

    def _timing(self, mapping: str) -> Timing:
        return self._settings.schedule.timing(mapping)

    def _stored(self, connection: sa.Connection) -> tuple[Keeper | None, dict[str, Entry]]:
        self._guard(connection)
        return schedule.kept_by(connection), schedule.entries(connection)

    async def _settle(self, entries: Iterable[Entry], *, ours: bool = False) -> None:
        """Note how synchronizations ended that are over."""
        for run in sorted({one.run for one in entries if one.run is not None}):
            try:
                snapshot = await asyncio.to_thread(snapshots.run, self._store, run, clock=self._clock)
            except RunError:  # deleted meanwhile
                await self._note(run, lambda _: rules.Ended(rules.How.PUT_OFF))
                continue
            if not _over(snapshot, gone=self._gone(run)):
                continue
            code = self._exits.pop(run, None)
            await self._note(run, partial(rules.ended_of, snapshot, ours=ours, exit_code=code))

    def _gone(self, run: int) -> bool | None:
        """Whether the engine of a run has ended; None when another process started it."""
        if run in self._pids:
            gone, status = process.gone(self._pids[run])
            if gone:
                del self._pids[run]
                self._exits[run] = status
            return gone
        return True if run in self._exits else None

    async def _note(self, run: int, ended: Callable[[str], rules.Ended]) -> None:
        now = self._clock()

        def settle(connection: sa.Connection) -> list[Entry]:
            self._guard(connection)
            found = [one for one in schedule.entries(connection, change=True).values() if one.run == run]
            settled = [
                rules.after(one, self._timing(one.mapping), ended(one.mapping), now, self._next_time) for one in found
            ]
            schedule.put(connection, settled)
            return settled

        for alike in _alike(self._in_order(await self._store.write(settle))):
            event = "error" if alike[0].state is EntryState.ERROR else "ended"
            self._say(event, *(one.mapping for one in alike), run=run, entry=alike[0])

    def _held(self) -> str:
        """Why nothing may begin: a full synchronization, or an undo, that is not finished. It goes on by itself, and
        what others would have to do is not said.
        """
        try:
            control.refuse_on_hold(self._store)
        except RunError as error:
            return error.message
        return ""

    async def _start(self, names: Sequence[str], entries: dict[str, Entry]) -> str:
        """Start one synchronization of all that is due; why it cannot be started, if so."""
        try:
            await asyncio.to_thread(control.refuse_busy, self._store)
            await self._look_before(names)
            if self._stop.is_set():
                return ""
            run = await asyncio.to_thread(
                control.start,
                *(self._store, self._settings),
                kind="sync",
                only=names,
                by=f"schedule, {self._owner}",
                clock=self._clock,
            )
        except (LockHeld, RunError) as error:
            return error.message

        def begin(connection: sa.Connection) -> None:
            self._guard(connection)
            stored = schedule.entries(connection, change=True)
            schedule.put(connection, [rules.began(stored[name], run) for name in names if name in stored])

        await self._store.write(begin)
        self._pids[run] = self._spawn(self._settings, run)
        self._say("began", *(one.mapping for one in self._in_order(entries[name] for name in names)), run=run)
        return ""

    async def _look_before(self, names: Iterable[str]) -> None:
        """Remember what the synchronization is going to look at; without that, it is looked at once more."""
        for name in names:
            self._before.pop(name, None)
            timing = self._timing(name)
            if timing.wake_on_change and timing.inactivity_timeout is not None:
                try:
                    found = await self._found(name)
                except StoreError:
                    raise
                except CouplerError:
                    return  # the synchronization meets the same trouble, and says so
                if found is not None and not self._stop.is_set():
                    self._before[name] = found

    async def _look(self, entries: Iterable[Entry]) -> None:
        """Look whether anything was modified for entries that are on hold since nothing was."""
        now, often = self._clock(), self._settings.schedule.look_every
        if self._look_at is not None and now < self._look_at <= now + often + rules.LONGEST_WAIT:
            return
        self._look_at = now + often
        for one in entries:
            if one.state is not EntryState.INACTIVE or not self._timing(one.mapping).wake_on_change:
                continue
            try:
                found = await self._found(one.mapping)
            except StoreError:
                raise
            except CouplerError as error:
                if not self._looks_failed:
                    self._say("blind", one.mapping, text=error.message)
                self._looks_failed += 1
                self._look_at = now + min(often * 2**self._looks_failed, often + rules.LONGEST_WAIT)
                return
            if self._stop.is_set():
                return
            if self._looks_failed:
                self._looks_failed = 0
                self._say("sees", text="It can be looked for changes again.")
            await self._judge(one, found)

    async def _judge(self, entry: Entry, found: Found | None) -> None:
        """Wake an entry where there is something that no synchronization has looked at."""
        now = self._clock()
        if found is None and entry.seen is None:  # too much to tell changes: it keeps its usual turns
            changed = replace(entry, state=EntryState.READY, next_at=self._next_time(self._timing(entry.mapping), now))
        elif found is not None and entry.seen is None and found <= self._before.get(entry.mapping, frozenset()):
            changed = replace(entry, seen=digest(found))
        elif found is not None and entry.seen == digest(found):
            return
        else:
            changed = rules.woken(entry, now)

        def put(connection: sa.Connection) -> bool:
            self._guard(connection)
            if schedule.entries(connection, change=True).get(entry.mapping) != entry:
                return False  # an operator was faster
            schedule.put(connection, [changed])
            return True

        if await self._store.write(put) and changed.next_at == now:
            self._say("woken", entry.mapping, entry=changed)

    async def _found(self, name: str) -> Found | None:
        """What a look finds; None, when it is to end, too: a request that takes its time must not keep it from that."""
        mapping = next(one for one in self._settings.mappings if one.name == name)
        looks = asyncio.ensure_future(look(self._store, mapping, *self._sides))
        ends = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((looks, ends), return_when=asyncio.FIRST_COMPLETED)
            return await looks if looks.done() else None
        finally:
            ends.cancel()
            looks.cancel()

    async def _wait(self, reason: str) -> None:
        """Say why nothing starts, and when that is over."""
        if reason == self._waiting:
            return
        await self._store.write(partial(schedule.wait, waiting=reason))
        self._say("waits" if reason else "goes on", text=reason)
        self._waiting = reason

    def _in_order(self, entries: Iterable[Entry]) -> list[Entry]:
        order = [one.name for one in self._settings.mappings]
        return sorted(entries, key=lambda one: order.index(one.mapping) if one.mapping in order else len(order))

    def _say(
        self, event: str, *mappings: str, run: int | None = None, entry: Entry | None = None, text: str = ""
    ) -> None:
        self._tell(Told(self._clock(), event, mappings, run, entry, text))


def _alike(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries that failed in the same way together, so that it is said once; each of the others alone."""
    found: dict[object, list[Entry]] = {}
    for one in entries:
        same = (one.state, one.next_at, one.attempts, one.code, one.message, one.last_run, one.result)
        found.setdefault(same if one.message else one.mapping, []).append(one)
    return list(found.values())


def _over(run: RunSnapshot, *, gone: bool | None) -> bool:
    """Whether a run goes on no more. `gone`: whether its process has ended, None where that is not known."""
    if run.state is RunState.RUNNING:
        return bool(gone) and run.beat is None  # another engine has the lock, and this one never began
    if run.state is not RunState.INTERRUPTED:
        return True
    return run.now - run.started > timedelta(seconds=STARTING) if gone is None else gone
