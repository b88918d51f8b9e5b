"""The question before a full synchronization: what it would do, as counted, and what it changes."""

from collections.abc import Sequence

from engine.model.mapping import Direction
from engine.model.snapshot import HomeSnapshot, JobSnapshot, RunSnapshot
from tui import format as fmt
from tui.dialogs.confirm import Confirm
from tui.dialogs.info import Info
from tui.look import Look
from tui.text import safe
from tui.widgets import names
from tui.widgets.line import Line, hanging

_LONG = ("new in NAV", "new in CRM", "couple", "update", "ambiguous", "fail")
_SHORT = ("NAV", "CRM", "couple", "update", "ambig", "fail")
_ROOMY = 76


class Start(Confirm):
    """Starts on No. Without a plan it says that nothing was counted."""

    HINT = "y Yes, start   n/esc No   tab Switch"
    QUESTION = "Start now?"

    def __init__(self, look: Look, home: HomeSnapshot, plan: RunSnapshot | None) -> None:
        super().__init__(look, "Start full synchronization", ())
        self.home = home
        self.plan = plan

    def write(self) -> None:
        """Puts the counts into the body, for the width that there is."""
        self.query_one("#text", Line).put(*lines(self.home, self.plan, self.look, self.app.size.width))


class Preflight(Info):
    """The same counts without the question."""

    def __init__(self, look: Look, home: HomeSnapshot, plan: RunSnapshot) -> None:
        super().__init__(look, "Preflight", ())
        self.home = home
        self.plan = plan

    def write(self) -> None:
        """Puts the counts into the body, for the width that there is."""
        self.query_one("#text", Line).put(*lines(self.home, self.plan, self.look, self.app.size.width))


def lines(home: HomeSnapshot, plan: RunSnapshot | None, look: Look, width: int) -> list[str]:
    """What the operator must know before saying yes."""
    systems = f"NAV {safe(names.nav(home.nav), 30)}   CRM {safe(names.crm(home.crm), 30)} ({home.environment})"
    made = [safe(systems, max(20, width - 4)), ""]
    if plan is None:
        made += ["Nothing was counted: it is not known how many records will be created.", ""]
    else:
        at = fmt.clock(plan.ended or plan.now, utc=look.utc, seconds=False)
        made += [*table(plan.jobs, f"Counted {at}", width), ""]
    points = [
        "- Uncoupled records without a match get a NEW record on the other side.",
        *_warnings(plan),
        _cleared(home),
    ]
    return [*made, *(part for point in points for part in hanging(point, width - 4))]


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
        "stored settings stay as they are until you answer at the end."
    )


def table(jobs: Sequence[JobSnapshot], title: str, width: int) -> list[str]:
    """The counts of each job and their sums, as lines of equal width; short headings where there is little room."""
    found = [_counts(job) for job in jobs]
    sums = [sum(values) for values in zip(*found, strict=True)]
    body = [
        *((job.mapping, *map(fmt.count, values)) for job, values in zip(jobs, found, strict=True)),
        ("all", *map(fmt.count, sums)),
    ]
    rows = [(title, *(_LONG if width >= _ROOMY else _SHORT)), *body]
    gap = "  " if width >= _ROOMY else " "
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{row[0]:<{widths[0]}}"
        + "".join(f"{gap}{text:>{room}}" for text, room in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


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
        sums.failed,
    )


def _warnings(plan: RunSnapshot | None) -> list[str]:
    if plan is None:
        return ["- ! If both sides hold data already, this makes duplicates. Count first when in doubt."]
    both = [job.mapping for job in plan.jobs if all(_counts(job)[:2])]
    ambiguous = sum(job.counters.ambiguous for job in plan.jobs)
    made = []
    if both:
        made.append(f"- ! Possible duplicates: new on both sides are {', '.join(both)}.")
    if ambiguous:
        made.append(f"- ! {fmt.count(ambiguous)} match several records of the other side; left for review.")
    return made
