"""The question before a full synchronization: what it would do, as counted, and what it changes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.model.mapping import Direction
from engine.model.snapshot import HomeSnapshot, JobSnapshot, RunSnapshot
from tui import format as fmt
from tui.dialogs.confirm import Confirm
from tui.dialogs.dialog import ROOM
from tui.dialogs.only import Only, without
from tui.look import Look
from tui.text import safe
from tui.widgets import names, plans
from tui.widgets.line import Line, hanging

_HEADING = ("new in NAV", "new in CRM", "couple", "update", "ambiguous", "fail")
_REASON = 120
"""Characters of a reason; the plan has it whole."""


class Start(Confirm):
    """Starts on No. Without a plan it says that nothing was counted. `only` are the jobs that the operator has left,
    blank as long as these are all.
    """

    HINT = "y Yes, start   n/esc No   tab Switch"
    QUESTION = "Start now?"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "View the records that were counted", show=False),
        Binding("o", "choose", "Choose some of the jobs", show=False),
    ]

    def __init__(
        self, look: Look, home: HomeSnapshot, plan: RunSnapshot | None, view: Callable[[], object] | None = None
    ) -> None:
        super().__init__(look, "Start full synchronization", ())
        self.home = home
        self.plan = plan
        self.only: tuple[str, ...] = ()
        self._view = view
        """Shows which records were counted."""

    def foot(self) -> ComposeResult:
        """What `y` does stays below the counts, so that nobody says yes without having it before the eyes."""
        yield Line(id="points")

    def write(self) -> None:
        """Puts the counts into the body, and what they mean below it."""
        view = "   v View the records" if self._view is not None else ""
        self.query_one("#hint", Line).put(f"{self.HINT}{view}   o Only some jobs")
        home, plan = self.home, self.plan
        if self.only:
            home = replace(home, mappings=tuple(one for one in home.mappings if one.name in self.only))
        if self.only and plan is not None:
            plan = replace(plan, jobs=tuple(one for one in plan.jobs if one.mapping in self.only))
        left_out = [one.name for one in self.home.mappings if one not in home.mappings]
        self.query_one("#text", Line).put(*counts(home, plan, self.look))
        self.query_one("#points", Line).put(
            "", *chosen(self.only, left_out, plan), *without(self.home.mappings, self.only), *points(home, plan)
        )

    def action_choose(self) -> None:
        """Asks which jobs run; the question stays."""
        names = self.only or tuple(one.name for one in self.home.mappings)
        self.app.push_screen(Only(self.look, self.home.mappings, names), self._choose)

    def _choose(self, names: tuple[str, ...] | None) -> None:
        if names is not None:
            self.only = names if len(names) < len(self.home.mappings) else ()
            self.write()
            self.call_after_refresh(self._limit)

    def action_view(self) -> None:
        """Opens the plan above the question, which stays."""
        if self._view is not None:
            self._view()


def counts(home: HomeSnapshot, plan: RunSnapshot | None, look: Look) -> list[str]:
    """The two systems, and what was counted."""
    made = [names.systems(home.nav, home.crm, home.environment, ROOM), ""]
    if plan is None:
        return [*made, "Nothing was counted: it is not known how many records will be created."]
    at = fmt.clock(plan.ended or plan.now, utc=look.utc, seconds=False)
    return [*made, *table(plan.jobs, f"Counted {at}")]


def chosen(only: Sequence[str], left_out: Sequence[str], plan: RunSnapshot | None) -> list[str]:
    """Which jobs run, where these are not all, and what was counted then."""
    if not only:
        return []
    few = len(only) <= len(left_out)
    which = f"Only {', '.join(only)} run{'s' * (len(only) == 1)}" if few else f"All jobs run but {', '.join(left_out)}"
    return hanging(f"- {which}{'' if plan is None else '; it was counted with all jobs'}.", ROOM)


def points(home: HomeSnapshot, plan: RunSnapshot | None) -> list[str]:
    """What the operator must know before saying yes."""
    made = [
        *([] if plan is None else _uncounted(plan.jobs)),
        *warnings(plan),
        "- Uncoupled records without a match get a NEW record on the other side.",
        _cleared(home),
    ]
    return [part for point in made for part in hanging(point, ROOM)]


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
