"""The one place where screens touch the engine: reads of the store, and what operators may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from engine.config.changes import Proposal
    from engine.config.edit import Form
    from engine.model.conflict import Choice, Conflict, ConflictPage
    from engine.model.coupled import BothRecords, CoupledPage, CoupledRow, Partner, Place
    from engine.model.detail import Change, MappingDetail
    from engine.model.mapping import Direction
    from engine.model.matches import Ambiguous, AmbiguousPage, Review
    from engine.model.plan import Difference, Effect, Foreseen
    from engine.model.schedule import ScheduleSnapshot
    from engine.model.snapshot import Cause, HomeSnapshot, PassSnapshot, RecordOutcome, RunSnapshot, Wish
    from engine.model.trouble import LeftAlone, Trouble
    from engine.model.undo import UndoLine
    from engine.runs.connection import Tried
    from engine.runs.logs import LogPage

Kind = Literal["run", "plan", "sync"]
Side = Literal["nav", "crm"]
Mending = Literal["restore", "remove"]


class Connections(Protocol):
    """Both connections as config.toml has them, to change and to try. All but `steps` may wait for a file."""

    def read(self) -> Form:
        """The file as it is, else what a new one begins with."""

    def doubts(self, form: Form) -> list[str]:
        """What would keep the settings from being used, and what is careless; secrets are looked up."""

    def save(self, form: Form) -> None:
        """Writes the file."""

    def steps(self, form: Form, side: Side) -> AsyncIterator[Tried]:
        """Tries one side, step by step, also where it is not saved."""


class Door(Protocol):
    """What the screens need. Each call may wait for the store: screens call from a thread (`tui.poll`)."""

    production: bool
    """Whether the operator is asked twice before anything is written."""

    environment: str
    """What the configuration calls it; every screen shows it."""

    demo: bool
    """Whether the servers end with the program, and a run with them."""

    connections: Connections
    """The connections to both systems; asking for them may wait as well."""

    def home(self) -> HomeSnapshot:
        """The mappings and the active run."""

    def run(self, run: int) -> RunSnapshot:
        """A run as it is now."""

    def write_report(self, run: int) -> Path:
        """Writes the page that `coupler report` makes of a run to a new file in the current folder; its path. Raises
        OSError where that cannot be.
        """

    def going(self) -> RunSnapshot | None:
        """The run, of whatever kind, that an engine works on, if any."""

    def log(self, end: int | None, words: tuple[str, ...]) -> LogPage:
        """The lines of the engine's log before a place in it, or at its end, that have all of the words."""

    def log_after(self, start: int, words: tuple[str, ...]) -> LogPage:
        """The lines from a place on."""

    def history(self, limit: int, offset: int, words: tuple[str, ...]) -> list[PassSnapshot]:
        """The integration synchronization jobs that have all of the words, newest first."""

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        """Problems, equal ones as one."""

    def outcomes(self, cause: Cause, limit: int, offset: int, words: tuple[str, ...] = ()) -> list[RecordOutcome]:
        """The records with one problem, or those of them that have all of the words in their number or name."""

    def foreseen(
        self,
        run: int,
        seq: int,
        one_way: Direction,
        effect: Effect,
        limit: int,
        offset: int,
        words: tuple[str, ...] = (),
    ) -> list[Foreseen]:
        """The records of a pass of a plan with an effect, or those of them that have all of the words."""

    def difference(self, record: Foreseen) -> Difference:
        """What would be written for a record of a plan, read from both sides now."""

    def ambiguous(self, limit: int, offset: int, words: tuple[str, ...] = ()) -> AmbiguousPage:
        """The records that several others match, or those of them that have all of the words in number or name."""

    def candidates(self, record: Ambiguous) -> Review:
        """One of them beside those that match it, read from both sides now."""

    def couple_match(self, record: Ambiguous, partner: str) -> int:
        """Starts an engine that couples it with the record of that id; the number of the run."""

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Lets records that are left alone, or one of them, take part in the next pass; how many these were."""

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Leaves coupled records with a problem, or one of them, alone; how many these were."""

    def partner(self, record: RecordOutcome, typed: str) -> Partner:
        """The record of the other side that an id or a number names, and why it cannot be coupled with this one."""

    def named(self, mapping: str, side: Side, typed: str, other: Partner | None) -> Partner:
        """The record of a side that an id, number or name names, and why it cannot be coupled with the other one."""

    def couple(self, mapping: str, nav: str, crm: str, lead: Side | None = None) -> int:
        """Starts an engine that couples a NAV record, by number or id, and a CRM row, by id, or makes the one that is
        blank; the number of the run. The values of the side `lead` are written to the other one then.
        """

    def conflicts(self, limit: int, offset: int, words: tuple[str, ...] = ()) -> ConflictPage:
        """The conflicts that wait for a choice, or for a pass to apply it, or those of them that have all of the words
        in number or name.
        """

    def match(self, mapping: str, *, create: bool) -> int:
        """Starts an engine that couples what matches by the rules of the mapping; with `create`, NAV records without a
        match get CRM rows. The number of the run.
        """

    def mapping(self, name: str) -> MappingDetail:
        """All about a mapping."""

    def setting(self, mapping: str, key: str) -> Change:
        """A setting of a mapping as config.toml has it, and what it can be."""

    def propose(self, mapping: str, key: str, value: str | None) -> Proposal:
        """What config.toml would be with another value, or with the default."""

    def write(self, proposal: Proposal) -> None:
        """Writes it; from now on everything here uses what it says."""

    def couplings(self, mapping: str | None, search: str, after: Place | None, limit: int) -> CoupledPage:
        """Couplings of a mapping, or of all, behind a place: those whose number or id begins with `search`."""

    def count_couplings(self, mapping: str | None) -> int:
        """How many couplings there are."""

    def both_records(self, one: CoupledRow) -> BothRecords:
        """Both records of a coupling, as the servers have them; it may take half a minute."""

    def address(self, one: CoupledRow) -> str:
        """Where the web client of CRM shows the row of a coupling."""

    def uncouple(self, one: CoupledRow) -> int:
        """Commits a run that removes a coupling, and starts an engine for it; the number of the run."""

    def look_for_broken(self, mapping: str | None) -> int:
        """Starts an engine that looks for couplings with a lost record, of a mapping or of all; the run's number."""

    def noted(self, run: int, limit: int, offset: int) -> list[RecordOutcome]:
        """What a run has noted of records, by job and NAV number: failures, warnings, couplings with a lost record."""

    def mend(self, action: Mending, mapping: str | None, nav_id: str | None) -> int:
        """Starts an engine that makes lost records again, or removes their couplings: of one NAV record of the mapping,
        of all of it, or of all mappings; the number of the run.
        """

    def left_alone(self, limit: int, offset: int) -> LeftAlone:
        """The records of all mappings that no run tries any more, as they failed twice alike."""

    def try_again(self, one: Trouble | None) -> int:
        """Lets one of them, or all, take part in the next pass; how many these were."""

    def schedule(self) -> ScheduleSnapshot:
        """When each mapping has its turn, and how the last one ended."""

    def hold(self, mapping: str) -> None:
        """Puts the entry of a mapping on hold."""

    def resume_entry(self, mapping: str) -> None:
        """Lets the entry of a mapping go on."""

    def now(self, mapping: str) -> None:
        """Gives the entry of a mapping its turn at once."""

    def start_schedule(self) -> None:
        """Starts a process that keeps the schedule, and goes on when the program ends."""

    def stop_schedule(self) -> None:
        """Tells the process that keeps the schedule to end."""

    def choose(self, conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        """Stores which side's value fields get, by `Clash.key`."""

    def start(self, kind: Kind, only: tuple[str, ...] = ()) -> int:
        """Commits a run, of all mappings or `only` some, and starts an engine for it; the number of the run."""

    def undo(self, run: int, *, dry: bool) -> int:
        """Starts an engine that takes a run back, or only looks what that would do; the number of its run."""

    def undone(self, run: int) -> list[UndoLine]:
        """What a run that undoes did, or a dry one would do."""

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
