"""The door to the real engine: `engine.runs` over the state store."""

import time
from collections.abc import Mapping

from engine.config import Settings
from engine.model.conflict import Choice, Conflict
from engine.model.errors import LockHeld
from engine.model.schedule import ScheduleSnapshot
from engine.model.snapshot import Cause, HomeSnapshot, PassSnapshot, RecordOutcome, RunSnapshot, RunState, Wish
from engine.runs import control, coupling, process, queues, snapshots
from engine.runs.requests import Couple
from engine.runs.schedule import wishes
from engine.store.database import Store
from tui.door import Kind

_TRIES = 30
_PAUSE = 0.1


class EngineDoor:
    """A `tui.door.Door`; every call is a short transaction or a start of a process."""

    def __init__(self, settings: Settings, store: Store, *, demo: bool = False) -> None:
        self._settings = settings
        self._store = store
        self.production = settings.production
        self.environment = settings.environment
        self.demo = demo

    def home(self) -> HomeSnapshot:
        """The mappings and the active run."""
        return snapshots.home(self._store, self._settings)

    def run(self, run: int) -> RunSnapshot:
        """A run as it is now."""
        return snapshots.run(self._store, run)

    def going(self) -> RunSnapshot | None:
        """The run, of whatever kind, that an engine works on, or is about to, if any."""
        found = snapshots.active(self._store)
        return found if found is not None and found.state is RunState.RUNNING else snapshots.at_work(self._store)

    def history(self, limit: int) -> list[PassSnapshot]:
        """The newest integration synchronization jobs."""
        return snapshots.history(self._store, limit=limit)

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        """Problems, equal ones as one."""
        return snapshots.causes(self._store, run, mapping)

    def outcomes(self, cause: Cause, limit: int, offset: int) -> list[RecordOutcome]:
        """The records with one problem."""
        return snapshots.outcomes(
            self._store,
            cause.run,
            mapping=cause.mapping,
            cause=cause.cause,
            code=cause.code,
            limit=limit,
            offset=offset,
        )

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Lets records that are left alone, or one of them, take part in the next pass; how many these were."""
        return queues.retry_cause(self._store, cause, record)

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Leaves coupled records with a problem, or one of them, alone; how many these were."""
        return queues.skip_cause(self._store, cause, record)

    def couple(self, mapping: str, nav: str, crm: str) -> int:
        """Starts an engine that couples a NAV record, by number or id, and a CRM row, by id; the number of the run."""
        run = coupling.start(self._store, self._settings, Couple(mapping, nav, crm), by=control.who())
        process.spawn(self._settings, run)
        return run

    def conflicts(self) -> list[Conflict]:
        """The conflicts that wait for a choice, or for a pass to apply it."""
        return queues.conflicts(self._store)

    def schedule(self) -> ScheduleSnapshot:
        """When each mapping has its turn, and how the last one ended."""
        return wishes.look_up(self._store, self._settings)

    def hold(self, mapping: str) -> None:
        """Puts the entry of a mapping on hold."""
        wishes.hold(self._store, self._settings, [mapping], by=control.who())

    def resume_entry(self, mapping: str) -> None:
        """Lets the entry of a mapping go on."""
        wishes.resume(self._store, self._settings, [mapping], by=control.who())

    def now(self, mapping: str) -> None:
        """Gives the entry of a mapping its turn at once."""
        wishes.now(self._store, self._settings, [mapping], by=control.who())

    def stop_schedule(self) -> None:
        """Tells the process that keeps the schedule to end."""
        wishes.stop(self._store, by=control.who())

    def choose(self, conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        """Stores which side's value fields get, by `Clash.key`."""
        queues.choose(self._store, conflict, choices)

    def start(self, kind: Kind) -> int:
        """Commits a run and starts an engine for it; the number of the run."""
        run = self._commit(kind)
        process.spawn(self._settings, run)
        return run

    def _commit(self, kind: Kind) -> int:
        # The engine that just finished a plan takes a moment to go; nobody should have to press the key twice for it.
        for _ in range(_TRIES):
            try:
                return control.start(self._store, self._settings, kind=kind, by=control.who())
            except LockHeld:
                time.sleep(_PAUSE)
        return control.start(self._store, self._settings, kind=kind, by=control.who())

    def resume(self, run: int) -> None:
        """Starts an engine that goes on with the run."""
        control.resume(self._store, self._settings, run)
        process.spawn(self._settings, run)

    def wish(self, run: int, wish: Wish) -> None:
        """Tells the engine of a run what is wanted."""
        control.wish(self._store, run, wish)

    def cancel(self, run: int) -> None:
        """Ends a run; the flags are as before."""
        control.cancel(self._store, run, control.who())
        process.tell(self._settings, run)

    def answer(self, run: int, *, keep_cleared: bool) -> None:
        """Answers the closing question."""
        control.answer(self._store, run, yes=keep_cleared, by=control.who())
        process.tell(self._settings, run)

    def set_only_coupled(self, mapping: str, *, value: bool) -> None:
        """An operator's own change of the stored flag."""
        control.set_only_coupled(self._store, self._settings, mapping, value=value, by=control.who())
