"""One source record on its way through a page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto

import msgspec

from engine.connectors.protocol import Row
from engine.mapping.transfer import Transferred
from engine.mapping.values import Value
from engine.model.conflict import Clash, Conflict
from engine.model.mapping import Direction, FieldMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.model.trouble import MESSAGE_SIZE, Trouble
from engine.store.couplings import Coupling
from engine.store.types import as_kept


class Mode(Enum):
    """How the record got its partner."""

    COUPLED = auto()
    MATCHED = auto()
    CREATE = auto()


_NOTHING = Transferred({})


class Item(msgspec.Struct):
    """What is known of a record. It is finished when it has an outcome, and in doubt when nobody can tell yet."""

    id: str
    row: Row
    number: str
    name: str
    coupling: Coupling | None = None
    mode: Mode = Mode.COUPLED
    target_id: str | None = None
    target: Row | None = None
    target_number: str = ""
    wanted: Transferred = _NOTHING
    extra: Mapping[str, Value] = {}
    late: Mapping[FieldMapping, Value] = {}
    """What the special handling is left to write."""
    base: bytes | None = None
    based_on: Transferred | None = None
    """What `base` is of, where that is a create."""
    sent_base: bytes | None = None
    """The base of a create as it was recorded before it was sent, without what the special handling writes later: it
    tells what others changed in the row since.
    """
    unsettled: Mapping[Direction, Sequence[Mapping[str, object]]] = {}
    """What engines that broke off sent, by way, since both sides were last known to be the same."""
    moved: Mapping[Direction, Sequence[Mapping[str, object]]] = {}
    """Of that, what was sent to a row which has been written since."""
    earlier: Mapping[Direction, Sequence[Mapping[str, object]]] = {}
    """What stood in that row before, with when it was modified then."""
    under_way: frozenset[Direction] = frozenset()
    """The ways in which some of that may still arrive."""
    updated: bool = False
    """An update was sent to its partner, whatever came of it."""
    left: frozenset[FieldMapping] = frozenset()
    """Fields of which it stays unsettled what we sent (`engine.mapping.decide.Decision`)."""
    used: bool = False
    """It was coupled once: what was made of it then may still be there, under the id that it is going to have."""
    sent: bool = False
    """A create was sent and not refused, so a row under our id is ours."""
    created: bool = False
    uncounted: bool = False
    """It was created in this direction before an end, and no page has counted it yet."""
    exists: str = ""
    """What the target said when it refused a create because the row, or another one like it, is there already."""
    overtaken: bool = False
    """Somebody else changed the target before our last update of it arrived."""
    written: bool = False
    settled: bool = False
    """Both sides are what they should be, and the pair may be coupled."""
    doubt: bool = False
    gone: bool = False
    """The coupled partner was deleted, and the mapping says what to do about it."""
    lost: Coupling | None = None
    """The coupling whose partner was deleted: it is removed, or replaced by one of the next generation."""
    generation: int = 0
    trouble: Trouble | None = None
    """How the coupled record failed the last time."""
    conflict: Conflict | None = None
    """The conflict that operators were shown."""
    before: Row | None = None
    """Its partner as it was when an update was sent to it of which nobody knows what came."""
    tried: frozenset[FieldMapping] = frozenset()
    """The fields of such updates."""
    sending: frozenset[FieldMapping] = frozenset()
    """The fields of the last update."""
    clashes: tuple[Clash, ...] = ()
    outcome: Outcome | None = None
    warnings: list[Problem] = []

    @property
    def open(self) -> bool:
        """Whether something is left to do."""
        return self.outcome is None and not self.doubt

    @property
    def new(self) -> bool:
        """Whether its partner was made by us and nobody has counted it yet, be it just now or before an end."""
        return self.created or self.uncounted

    @property
    def answered(self) -> bool:
        """Whether something was sent to either side and it is known what came of it, but for the fields that are `left`
        and for what may still arrive: what stands there now is no longer taken for ours.
        """
        sent = self.updated or self.written or bool(self.unsettled)
        return sent and (self.settled or not (self.unsettled or self.tried))

    def fail(self, problem: Problem, *, ambiguous: bool = False, one_way: Direction) -> None:
        """The record ends here; the rest of the page goes on. A coupled one that failed like this the last time too is
        set aside: from now on it is left alone (reference/domain.md section 3.8, docs/decisions/0009).
        """
        last = self.trouble
        again = bool(last and last.times and last.message == as_kept(problem.message, MESSAGE_SIZE))
        if again:
            hint = f"It failed twice like this and is left alone from now on, until `coupler retry`. {problem.hint}"
            problem = replace(problem, hint=hint)
        failed = self._outcome(Action.FAILED, one_way, problem=problem, ambiguous=ambiguous)
        self.outcome = replace(failed, set_aside=again)

    def skip(self, one_way: Direction, problem: Problem | None = None) -> None:
        """The record is left alone; without a problem, because only coupled records are synchronized."""
        self.outcome = self._outcome(Action.SKIPPED, one_way, problem=problem)

    def succeed(self, action: Action, one_way: Direction) -> None:
        """The record is done."""
        self.outcome = self._outcome(action, one_way)

    def _outcome(
        self, action: Action, one_way: Direction, *, problem: Problem | None = None, ambiguous: bool = False
    ) -> Outcome:
        to_crm = one_way is Direction.TO_INTEGRATION_TABLE
        return Outcome(
            source_id=self.id,
            action=action,
            nav_no=self.number if to_crm else self.target_number,
            name=self.name,
            nav_id=self.id if to_crm else self.target_id,
            crm_id=self.target_id if to_crm else self.id,
            coupled=self.settled and not self.created and self.mode is not Mode.COUPLED,
            ambiguous=ambiguous,
            problem=problem,
            warnings=tuple(self.warnings),
        )
