"""The question before a full synchronization: what it would do, as counted, and what it changes."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.model.mapping import Direction
from engine.model.snapshot import HomeSnapshot, JobSnapshot, RunSnapshot
from tui import format as fmt
from tui.dialogs.confirm import Confirm
from tui.look import Look
from tui.text import safe
from tui.widgets import names, plans
from tui.widgets.line import Line, hanging

_HEADING = ("new in NAV", "new in CRM", "couple", "update", "ambiguous", "fail")
_ROOM = 76
"""Characters of a line in the box."""
_REASON = 120
"""Characters of a reason; the plan has it whole."""


class Start(Confirm):
    """Starts on No. Without a plan it says that nothing was counted."""

    HINT = "y Yes, start   n/esc No   tab Switch"
    QUESTION = "Start now?"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "view", show=False)]

    def __init__(
        self, look: Look, home: HomeSnapshot, plan: RunSnapshot | None, view: Callable[[], object] | None = None
    ) -> None:
        super().__init__(look, "Start full synchronization", ())
        self.home = home
        self.plan = plan
        self._view = view
        """Shows which records were counted."""

    def foot(self) -> ComposeResult:
        """What `y` does stays below the counts, so that nobody says yes without having it before the eyes."""
        yield Line(id="points")

    def write(self) -> None:
        """Puts the counts into the body, and what they mean below it."""
        if self._view is not None:
            self.query_one("#hint", Line).put(f"{self.HINT}   v View the records")
        self.query_one("#text", Line).put(*counts(self.home, self.plan, self.look))
        self.query_one("#points", Line).put("", *points(self.home, self.plan))

    def action_view(self) -> None:
        """Opens the plan above the question, which stays."""
        if self._view is not None:
            self._view()


def counts(home: HomeSnapshot, plan: RunSnapshot | None, look: Look) -> list[str]:
    """The two systems, and what was counted."""
    made = [names.systems(home.nav, home.crm, home.environment, _ROOM), ""]
    if plan is None:
        return [*made, "Nothing was counted: it is not known how many records will be created."]
    at = fmt.clock(plan.ended or plan.now, utc=look.utc, seconds=False)
    return [*made, *table(plan.jobs, f"Counted {at}")]


def points(home: HomeSnapshot, plan: RunSnapshot | None) -> list[str]:
    """What the operator must know before saying yes."""
    made = [
        *([] if plan is None else _uncounted(plan.jobs)),
        *warnings(plan),
        "- Uncoupled records without a match get a NEW record on the other side.",
        _cleared(home),
    ]
    return [part for point in made for part in hanging(point, _ROOM)]


def _cleared(home: HomeSnapshot) -> str:
    on = [one.name for one in home.mappings if one.only_coupled]
    off = [one.name for one in home.mappings if not one.only_coupled]
    if not on:
        return "- Synch. Only Coupled Records is off on all mappings; nothing has to be cleared."
    if not off:
        where = "all mappings"
    else:
        where = ", ".join(on) if len(on) <= len(off) else f"all mappings but {', '.join(off)}"
    return (
        f"- Synch. Only Coupled Records is cleared during the run on {where}; "
        "stored settings stay until you answer at the end."
    )


def table(jobs: Sequence[JobSnapshot], title: str) -> list[str]:
    """The counts of each job and their sums, as lines of equal width."""
    found = [_counts(job) for job in jobs]
    sums = [sum(values) for values in zip(*found, strict=True)]
    body = [
        *((job.mapping, *_cells(job, values)) for job, values in zip(jobs, found, strict=True)),
        (plans.sums(jobs), *map(fmt.count, sums)),
    ]
    rows = [(title, *_HEADING), *body]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{row[0]:<{widths[0]}}" + "".join(f"  {text:>{room}}" for text, room in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _cells(job: JobSnapshot, values: Sequence[int]) -> Sequence[str]:
    if plans.is_counted(job) or job.counters.read:
        return [*map(fmt.count, values)]
    return [plans.NOT_COUNTED, *[""] * (len(values) - 1)]


def _uncounted(jobs: Sequence[JobSnapshot]) -> list[str]:
    """Which jobs were not counted, or not to their end, and why."""
    by_reason: dict[str, list[str]] = {}
    for job in jobs:
        if not plans.is_counted(job):
            begun = "counted only in part" if job.counters.read else plans.NOT_COUNTED
            reason = safe(job.message, _REASON) or "it did not come to its end"
            by_reason.setdefault(f"{begun}: {reason}", []).append(safe(job.mapping))
    return [f"- ! {', '.join(names)} {reason}" for reason, names in by_reason.items()]


def _counts(job: JobSnapshot) -> tuple[int, int, int, int, int, int]:
    created = dict.fromkeys(Direction, 0)
    for one in job.passes:
        created[one.direction] += one.counters.inserted
    sums = job.counters
    return (
        created[Direction.FROM_INTEGRATION_TABLE],
        created[Direction.TO_INTEGRATION_TABLE],
        sums.coupled,
        sums.modified,
        sums.ambiguous,
        sums.failed - sums.ambiguous,
    )


def warnings(plan: RunSnapshot | None) -> list[str]:
    """What in the counts asks for a look before anything is started."""
    if plan is None:
        return ["- ! If both sides hold data already, this makes duplicates. Count first when in doubt."]
    both = [job.mapping for job in plan.jobs if all(_counts(job)[:2])]
    ambiguous = sum(job.counters.ambiguous for job in plan.jobs)
    made = []
    if both:
        made.append(f"- ! {', '.join(both)}: new records on both sides, possible duplicates.")
    if ambiguous:
        made.append(f"- ! {fmt.count(ambiguous)} match several records of the other side; left for review.")
    return made
