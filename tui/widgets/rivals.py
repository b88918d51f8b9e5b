"""Records that several others match, these, and their fields as rows, and as what is said about them; pure."""

from collections.abc import Sequence

from engine.model.mapping import Direction
from engine.model.matches import Ambiguous, Candidate, Review, ReviewField
from tui import format as fmt
from tui.look import Look
from tui.plain import hanging
from tui.widgets.clashes import value
from tui.widgets.columns import WIDE, Column, Row
from tui.widgets.passes import now
from tui.widgets.plans import side

HEADING = ("mapping", "direction", "nav_no", "name", "id", "message", "run", "at")

_RECORDS = (
    Column("Mapping", 17),
    Column("Of", 4),
    Column("No. or id", 14),
    Column("Name", 32),
    Column("Since", 11, right=True),
)
_MORE_RECORDS = (Column("  Why", 40),)
_ID = 8
"""Characters of an id that tell it from most others."""
_LINES = 2


def key(one: Ambiguous) -> str:
    """What tells a record from all others."""
    return f"{one.mapping}/{one.direction.value}/{one.source_id}"


def called(one: Ambiguous) -> str:
    """What tells the record from others of the same name: its number, or the beginning of its id."""
    return one.nav_no or one.source_id[:_ID]


def home_of(one_way: Direction) -> str:
    """The side that the record is on."""
    return "NAV" if side(one_way) == "CRM" else "CRM"


def record_columns(width: int) -> Sequence[Column]:
    """The columns of the table of records."""
    return (*_RECORDS, *_MORE_RECORDS) if width >= WIDE else _RECORDS


def record_row(one: Ambiguous, look: Look, width: int) -> Row:
    """A row of the table of records."""
    at = fmt.stamp(one.at, now(), utc=look.utc)
    cells = (one.mapping, home_of(one.direction), called(one), one.name, at)
    return Row(key(one), (*cells, f"  {one.message}") if width >= WIDE else cells)


def about(one: Ambiguous, width: int) -> list[str]:
    """Why the record was not coupled, and how it is looked at."""
    return [*hanging(one.message, width, _LINES), f"Met by run {one.run}. enter = lay it beside those that match it"]


def export(one: Ambiguous) -> tuple[object, ...]:
    """A row of the CSV file."""
    return (
        one.mapping, one.direction, one.nav_no, one.name, one.source_id, one.message, one.run, fmt.iso(one.at),
    )  # fmt: skip


def candidate_columns(width: int) -> Sequence[Column]:
    """The columns of the table of candidates."""
    id = Column("Id", 14) if width < WIDE else Column("Id", 40)
    return (Column("No.", 16), Column("Name", 36), id, Column("Same", 12, right=True))


def candidate_row(one: Candidate, width: int) -> Row:
    """A row of the table of candidates."""
    same = f"{one.same} of {len(one.values)}"
    return Row(one.id, (one.number or fmt.NONE, one.name, one.id if width >= WIDE else one.id[:_ID], same))


def field_columns(record: Ambiguous, width: int) -> Sequence[Column]:
    """The columns of the table of fields; the record's side comes first."""
    room = 28 if width < WIDE else 37
    ours, theirs = home_of(record.direction), side(record.direction)
    names = (Column("Field", 20),) if width < WIDE else (Column("NAV field", 20), Column("CRM column", 22))
    return (*names, Column("", 2), Column(f"The record in {ours}", room), Column(f"Candidate in {theirs}", room))


def field_row(field: ReviewField, one: Candidate | None, index: int, width: int) -> Row:
    """A row of the table of fields; `=` where both sides mean the same, `!` where they do not."""
    names = (field.nav,) if width < WIDE else (field.nav, field.crm)
    if one is None:
        return Row(str(index), (*names, "", value(field.value), ""))
    mark = "=" if one.agrees[index] else "!"
    return Row(str(index), (*names, mark, value(field.value), value(one.values[index])))


def whole(field: ReviewField, one: Candidate | None, index: int) -> list[str]:
    """All of a field on both sides."""
    theirs = [] if one is None else ["", f"The candidate has: {value(one.values[index])}"]
    return [f"NAV {field.nav} = CRM {field.crm}", "", f"The record has: {value(field.value)}", *theirs]


def said(found: Review, record: Ambiguous, look: Look) -> list[str]:
    """What to know before choosing."""
    at = fmt.clock(found.at, utc=look.utc)
    if found.message:
        return [f"! {found.message}", f"Read {at}, both sides as they are then. r = read again"]
    there = fmt.many(len(found.candidates), "candidate")
    by = " and ".join(one.nav for one in found.fields if one.rule)
    words = [f"{there} in {side(record.direction)} by {by}, read {at}; = is the same, ! is not."]
    if found.rivals > 1:
        words.append(
            f"! {found.rivals} uncoupled records in {home_of(record.direction)} have this {by}: couple the right one."
        )
    if found.more:
        words.append(f"! {fmt.count(found.more)} more candidates are not shown: merge the duplicates first.")
    if len(found.candidates) == 1 and found.rivals == 1:
        words.append("Only one matches by now: the next synchronization couples it by itself.")
    return words


def question(record: Ambiguous, one: Candidate, found: Review) -> list[str]:
    """What is said before the two are coupled."""
    ours, theirs = home_of(record.direction), side(record.direction)
    return [
        f"{ours}  {record.nav_no or fmt.NONE}  {record.name}",
        f"     {record.source_id}",
        f"{theirs}  {one.number or fmt.NONE}  {one.name}",
        f"     {one.id}",
        "",
        f"{one.same} of {len(one.values)} fields are the same.",
        *_others(found.rivals - 1, ours, len(found.candidates) + found.more - 1, theirs),
        "No field is written now. The next synchronization makes both sides the same, by the rules of the mapping.",
        "",
    ]


def _others(left: int, ours: str, right: int, theirs: str) -> list[str]:
    """What becomes of those that are left with the same key, beside the record and beside the candidate."""
    if left and right:
        then = "the next synchronization couples these two" if left == right == 1 else "they wait for a choice"
        return [f"! {fmt.count(left)} more in {ours} and {fmt.count(right)} more in {theirs} still match: {then}."]
    if left:
        return [f"! {fmt.count(left)} more in {ours}: {_made(left, theirs)}."]
    if right:
        return [f"! {fmt.count(right)} more in {theirs}: {_made(right, ours)}, if the mapping goes there."]
    return []


def _made(number: int, there: str) -> str:
    each = "it, unless it matches another" if number == 1 else "each that matches no other"
    return f"the next full synchronization makes a new {there} record of {each}"
