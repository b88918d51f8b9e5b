"""The one place where screens touch the engine: reads of the store, and what operators may ask for."""

from collections.abc import Mapping
from typing import Literal, Protocol

from engine.model.conflict import Choice, Conflict
from engine.model.schedule import ScheduleSnapshot
from engine.model.snapshot import Cause, HomeSnapshot, PassSnapshot, RecordOutcome, RunSnapshot, Wish

Kind = Literal["run", "plan"]


class Door(Protocol):
    """What the screens need. Each call may wait for the store: screens call from a thread (`tui.poll`)."""

    production: bool
    """Whether the operator is asked twice before anything is written."""

    environment: str
    """What the configuration calls it; every screen shows it."""

    demo: bool
    """Whether the servers end with the program, and a run with them."""

    def home(self) -> HomeSnapshot:
        """The mappings and the active run."""

    def run(self, run: int) -> RunSnapshot:
        """A run as it is now."""

    def going(self) -> RunSnapshot | None:
        """The run, of whatever kind, that an engine works on, if any."""

    def history(self, limit: int) -> list[PassSnapshot]:
        """The newest integration synchronization jobs."""

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        """Problems, equal ones as one."""

    def outcomes(self, cause: Cause, limit: int, offset: int) -> list[RecordOutcome]:
        """The records with one problem."""

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Lets records that are left alone, or one of them, take part in the next pass; how many these were."""

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Leaves coupled records with a problem, or one of them, alone; how many these were."""

    def couple(self, mapping: str, nav: str, crm: str) -> int:
        """Starts an engine that couples a NAV record, by number or id, and a CRM row, by id; the number of the run."""

    def conflicts(self) -> list[Conflict]:
        """The conflicts that wait for a choice, or for a pass to apply it."""

    def schedule(self) -> ScheduleSnapshot:
        """When each mapping has its turn, and how the last one ended."""

    def hold(self, mapping: str) -> None:
        """Puts the entry of a mapping on hold."""

    def resume_entry(self, mapping: str) -> None:
        """Lets the entry of a mapping go on."""

    def now(self, mapping: str) -> None:
        """Gives the entry of a mapping its turn at once."""

    def stop_schedule(self) -> None:
        """Tells the process that keeps the schedule to end."""

    def choose(self, conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        """Stores which side's value fields get, by `Clash.key`."""

    def start(self, kind: Kind) -> int:
        """Commits a run and starts an engine for it; the number of the run."""

    def resume(self, run: int) -> None:
        """Starts an engine that goes on with the run."""

    def wish(self, run: int, wish: Wish) -> None:
        """Tells the engine of a run what is wanted."""

    def cancel(self, run: int) -> None:
        """Ends a run; the flags are as before."""

    def answer(self, run: int, *, keep_cleared: bool) -> None:
        """Answers the closing question."""

    def set_only_coupled(self, mapping: str, *, value: bool) -> None:
        """An operator's own change of the stored flag."""
