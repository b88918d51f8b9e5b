"""Plans: their jobs, their records and the fields of one as rows, and as what is said about them; pure."""

from collections.abc import Sequence

from engine.model.mapping import Direction
from engine.model.plan import Difference, Effect, FieldChange, Foreseen, number
from engine.model.snapshot import Counters, JobSnapshot, JobState, PassSnapshot, RunSnapshot
from tui import format as fmt
from tui.look import Look
from tui.plain import hanging
from tui.widgets.clashes import value
from tui.widgets.columns import WIDE, Column, Row
from tui.widgets.passes import now

ALL = "all"
"""The key of the row with the sums."""

NOT_COUNTED = "not counted"

WORDS = {
    Effect.INSERTED: "New",
    Effect.COUPLED: "Couple",
    Effect.MODIFIED: "Update",
    Effect.UNCOUPLED: "Uncouple",
    Effect.AMBIGUOUS: "Ambiguous",
    Effect.FAILED: "Fail",
    Effect.SKIPPED: "Skip",
    Effect.UNCHANGED: "Same",
}
EFFECTS = (Column("Kind", 11), Column("Records", 11, right=True), Column("  What would become of them", 56))
JOB_HEADING = ("plan", "mapping", "direction", "state", "read", *(one.value for one in Effect), "message")
HEADING = (
    "plan", "mapping", "direction", "effect", "nav_no", "name", "nav_id", "crm_id", "code", "message", "hint",
)  # fmt: skip
FIELD_HEADING = ("nav_field", "crm_field", "source", "now", "would_become")

_JOBS = (
    Column("Job", 17),
    Column("To", 4),
    Column("New", 10, right=True),
    Column("Couple", 9, right=True),
    Column("Update", 10, right=True),
    Column("Ambig.", 8, right=True),
    Column("Fail", 8, right=True),
    Column("Same", 11, right=True),
)
_MORE_JOBS = (
    Column("Skip", 11, right=True),
    Column("Uncouple", 10, right=True),
    Column("Read", 12, right=True),
)
_SHOWN = (
    Effect.INSERTED,
    Effect.COUPLED,
    Effect.MODIFIED,
    Effect.AMBIGUOUS,
    Effect.FAILED,
    Effect.UNCHANGED,
    Effect.SKIPPED,
    Effect.UNCOUPLED,
)
_RECORDS = (Column("NAV No.", 16), Column("Name", 40), Column("NAV id", 10), Column("CRM id", 10))
_MORE_RECORDS = (Column("Why", 40),)
_FIELDS = (Column("Field", 22), Column("Stands there now", 28), Column("Would become", 28))
_MORE_FIELDS = (
    Column("NAV field", 24),
    Column("CRM column", 24),
    Column("The source has", 22),
    Column("Stands there now", 24),
    Column("Would become", 24),
)
_LINES = 2
_DONE = (JobState.OK, JobState.PART)


def side(one_way: Direction) -> str:
    """Where a pass would write."""
    return "CRM" if one_way is Direction.TO_INTEGRATION_TABLE else "NAV"


def job_columns(width: int) -> Sequence[Column]:
    """The columns of the table of jobs."""
    return (*_JOBS, *_MORE_JOBS) if width >= WIDE else _JOBS


def job_rows(plan: RunSnapshot, width: int) -> list[Row]:
    """A row for each pass, and one of the sums."""
    passes = [one for job in plan.jobs for one in job.passes]
    rows = [
        Row(key(one), (one.mapping, side(one.direction), *_counts(one.counters, width)))
        if is_counted(one)
        else Row(key(one), (one.mapping, side(one.direction), one.state.value, *[""] * (len(job_columns(width)) - 3)))
        for one in passes
    ]
    return [*rows, Row(ALL, (sums(plan.jobs), "", *_counts(plan.counters, width)))]


def is_counted(one: PassSnapshot | JobSnapshot) -> bool:
    """Whether a plan came to the end of a pass, or of all passes of a job; else its counts say little."""
    return one.state in _DONE


def sums(jobs: Sequence[JobSnapshot]) -> str:
    """What the row with the sums is called."""
    return ALL if all(map(is_counted, jobs)) else f"{ALL}, incomplete"


def why_not(one: PassSnapshot) -> list[str]:
    """All that is known of a pass that was not counted."""
    read = one.counters.read
    until = f"{fmt.many(read, 'record')} had been read by then. " if read else ""
    return [
        f"{one.mapping} to {side(one.direction)}: {NOT_COUNTED}   [{one.state}]",
        "",
        one.message or "It did not come to its end.",
        "",
        f"{until}What a full synchronization would do here is not known; the sums are incomplete.",
    ]


def reading(sums: Counters) -> str:
    """What became of the records that were read and are in no column of a narrow table, so that the row adds up."""
    rest = [
        f"{fmt.count(count)} {word}"
        for count, word in ((sums.skipped, "skipped"), (sums.uncoupled, "uncoupled"))
        if count
    ]
    coupled = " Those under Couple are in another column as well." if sums.coupled else ""
    return f"{', '.join((f'{fmt.count(sums.read)} read', *rest))}.{coupled}"


def key(one: PassSnapshot) -> str:
    """What tells a pass of a plan from all others."""
    return f"{one.seq}/{one.direction.value}"


def _counts(sums: Counters, width: int) -> list[str]:
    wide = width >= WIDE
    shown = [fmt.count(number(sums, one)) for one in (_SHOWN if wide else _SHOWN[: len(_JOBS) - 2])]
    return [*shown, fmt.count(sums.read)] if wide else shown


def counted(plan: RunSnapshot, look: Look) -> str:
    """When it was counted, and what that means."""
    at = plan.ended or plan.now
    when = f"{fmt.stamp(at, now(), utc=look.utc)}, {fmt.ago(at, now())} ago"
    return f"Counted {when}, by plan {plan.id}. Nothing was written; both sides may have changed since."


def effect_rows(one: PassSnapshot) -> list[Row]:
    """A row for each thing that would be done to records of a pass; one at least."""
    found = [(effect, number(one.counters, effect)) for effect in Effect]
    some = [(effect, count) for effect, count in found if count] or found[-1:]
    return [
        Row(effect.value, (WORDS[effect], fmt.count(count), f"  {meaning(effect, one.direction)}"))
        for effect, count in some
    ]


def meaning(effect: Effect, one_way: Direction) -> str:
    """What would be done to the records, in words."""
    there = side(one_way)
    return {
        Effect.INSERTED: f"no match: a new {there} record would be made of each",
        Effect.COUPLED: "coupled with the only record that matches",
        Effect.MODIFIED: f"fields of the partner in {there} would be written",
        Effect.UNCOUPLED: "the partner was deleted: the coupling would go",
        Effect.AMBIGUOUS: "several match: nothing is done, choose the right one",
        Effect.FAILED: "could not be written as they are",
        Effect.SKIPPED: "left alone",
        Effect.UNCHANGED: "nothing to write; these are only counted",
    }[effect]


def sentence(effect: Effect, one_way: Direction) -> str:
    """The same as a sentence."""
    words = meaning(effect, one_way)
    return f"{words[0].upper()}{words[1:]}."


def record_columns(width: int) -> Sequence[Column]:
    """The columns of the table of records."""
    return (*_RECORDS, *_MORE_RECORDS) if width >= WIDE else _RECORDS


def record_row(one: Foreseen, index: int, width: int) -> Row:
    """A row of the table of records."""
    new = "new" if one.effect is Effect.INSERTED else fmt.NONE
    nav, crm = (new if id is None else id[:8] for id in (one.nav_id, one.crm_id))
    cells = (one.nav_no or new, one.name, nav, crm)
    return Row(str(index), (*cells, one.message) if width >= WIDE else cells)


def about(one: Foreseen, width: int) -> list[str]:
    """What is known of a record, in two lines."""
    if one.message:
        return hanging(one.message, width, _LINES)
    return [f"{one.mapping}  NAV {one.nav_id or 'new'}", f"{' ' * len(one.mapping)}  CRM {one.crm_id or 'new'}"]


def everything(one: Foreseen) -> list[str]:
    """All that is known of a record that could not be written."""
    return [
        f"Record      {one.mapping} {one.nav_no}  {one.name}",
        f"Direction   {one.direction}",
        f"NAV id      {one.nav_id or fmt.NONE}",
        f"CRM id      {one.crm_id or fmt.NONE}",
        "",
        f"{WORDS[one.effect]}   [{one.code or fmt.NONE}]",
        "",
        one.message or meaning(one.effect, one.direction),
        "",
        f"Next step: {one.hint or 'none known'}",
    ]


def export(one: Foreseen) -> tuple[object, ...]:
    """A row of the CSV file of records."""
    return (
        one.run, one.mapping, one.direction, one.effect, one.nav_no, one.name, one.nav_id, one.crm_id, one.code,
        one.message, one.hint,
    )  # fmt: skip


def export_job(plan: RunSnapshot, one: PassSnapshot) -> tuple[object, ...]:
    """A row of the CSV file of jobs."""
    counts = (number(one.counters, effect) for effect in Effect)
    return (plan.id, one.mapping, one.direction, one.state, one.counters.read, *counts, one.message)


def field_columns(width: int) -> Sequence[Column]:
    """The columns of the table of fields."""
    return _MORE_FIELDS if width >= WIDE else _FIELDS


def field_row(one: FieldChange, index: int, width: int, *, new: bool) -> Row:
    """A row of the table of fields; nothing stands yet on the side where a `new` record would be made."""
    values = (fmt.NONE if new else shown(one.now), shown(one.then))
    if width < WIDE:
        return Row(str(index), (one.nav or one.crm, *values))
    source = shown(one.source) if one.nav and one.crm else "(set)"
    return Row(str(index), (one.nav or fmt.NONE, one.crm or fmt.NONE, source, *values))


def shown(one: object) -> str:
    """A value as people read it."""
    return value(one if one is None or isinstance(one, str | int | bool) else str(one))


def whole(one: FieldChange) -> list[str]:
    """All of a field, with a blank line between its values."""
    names = " = ".join(
        name for name in (f"NAV {one.nav}" if one.nav else "", f"CRM {one.crm}" if one.crm else "") if name
    )
    source = ["", f"The source has: {shown(one.source)}"] if one.nav and one.crm else []
    return [names, *source, "", f"Stands there now: {shown(one.now)}", "", f"Would become: {shown(one.then)}"]


def beginning(one: FieldChange, width: int) -> list[str]:
    """Both values of a field, of which each takes two lines at most; what is cut says by which key it is seen."""
    lines = []
    for text in (f"now   {shown(one.now)}", f"then  {shown(one.then)}"):
        parts = hanging(text, width)
        if len(parts) > _LINES:
            more = " … (enter = all)"
            parts = [*parts[: _LINES - 1], parts[_LINES - 1][: width - len(more)].rstrip() + more]
        lines += parts
    return lines


def compared(found: Difference, record: Foreseen, look: Look) -> str:
    """When a record was compared, and what that means."""
    at = fmt.clock(found.at, utc=look.utc)
    return (
        f"Compared {at}, both sides as they are then. Nothing was written; "
        f"both may have changed since plan {record.run}, and may go on to."
    )


def verdict(found: Difference, record: Foreseen) -> str:
    """What would become of the record now, where that is not what its fields say by themselves."""
    there = side(record.direction)
    if found.effect is None:
        return f"! {found.message}"
    if found.effect in (Effect.FAILED, Effect.AMBIGUOUS, Effect.SKIPPED):
        return f"! {WORDS[found.effect]} by now: {found.message or meaning(found.effect, record.direction)}"
    if found.effect is Effect.UNCHANGED:
        return f"By now both sides are the same: nothing would be written in {there}."
    if found.elsewhere:
        return "No field of the record itself: its state, or what belongs to it, would be written."
    fields = fmt.many(len(found.changes), "field")
    if found.effect is Effect.INSERTED:
        return f"A new {there} record with {fields}."
    if found.effect is Effect.UNCOUPLED:
        return f"The coupling would be removed. {found.message}"
    partner = found.crm_id if there == "CRM" else found.nav_no or found.nav_id
    if record.effect is Effect.COUPLED:
        return f"Coupled with {there} {partner}; {fields} of it would be written."
    return f"{fields} of {there} {partner} would be written."
