"""Causes and records that went wrong as rows, and as what is said about one of them."""

from collections.abc import Sequence

from engine.model.coupled import Partner
from engine.model.mapping import Direction
from engine.model.snapshot import Cause, RecordOutcome, RunSnapshot, RunState
from engine.model.trouble import Trouble
from tui import format as fmt
from tui.look import Look
from tui.text import safe
from tui.widgets import by_hand
from tui.widgets.line import hanging
from tui.widgets.passes import now
from tui.widgets.table import Column, Row

_KIND, _COUNTS = Column("Kind", 9), (Column("Count", 8, right=True), Column("First", 10, right=True))
_OF_RUN = (Column("Mapping", 17), _KIND, Column("Cause", 34), *_COUNTS)
_OF_ALL = (Column("Run", 6, right=True), Column("Mapping", 17), _KIND, Column("Cause", 26), *_COUNTS)
RECORDS = (
    Column("NAV No.", 16),
    Column("Name", 36),
    Column("CRM id", 10),
    Column("Dir", 4),
    Column("When", 12, right=True),
)
HEADING = (
    "run", "mapping", "direction", "kind", "code", "cause", "message", "hint",
    "nav_no", "name", "nav_id", "crm_id", "at",
)  # fmt: skip


def cause_key(one: Cause) -> str:
    """What tells a cause from all others."""
    return f"{one.run}/{one.mapping}/{one.kind}/{one.code}/{one.cause}"


def cause_columns(run: int | None) -> Sequence[Column]:
    """The columns of the table of causes of a run, or of all."""
    return _OF_ALL if run is None else _OF_RUN


def cause_row(one: Cause, run: int | None, look: Look) -> Row:
    """A row of the table of causes of a run, or of all."""
    first = fmt.stamp(one.first_seen, now(), utc=look.utc)
    cells = (one.mapping, one.kind, one.cause, fmt.count(one.count), first)
    return Row(cause_key(one), cells if run is not None else (str(one.run), *cells))


def record_row(one: RecordOutcome, index: int, look: Look) -> Row:
    """A row of the table of records."""
    at = fmt.stamp(one.at, now(), utc=look.utc)
    crm = "-" if one.crm_id is None else f"{one.crm_id[:8]}"
    return Row(str(index), (one.nav_no or "-", one.name, crm, one.direction.arrow, at))


def between(left: str, right: str, width: int, *, ascii_only: bool) -> str:
    """A horizontal line that says something on both ends."""
    dash = "-" if ascii_only else "─"
    begin = f"{dash * 2} {left} "
    end = f" {right} {dash * 2}" if right else ""
    return begin + dash * max(0, width - len(begin) - len(end)) + end


def about(one: RecordOutcome, width: int, keys: str) -> list[str]:
    """Which record it is, what happened, and what to do: five lines, of which the message takes two at most.

    What is cut says by which keys it is seen.
    """
    who = safe(f"{one.mapping} {one.direction.arrow} {one.nav_no} {one.name}   {one.code}", width)
    message = hanging(one.message, width, 2)
    hint = hanging(f"Next step: {one.hint}", width) if one.hint else []
    room = 4 - len(message)
    if len(hint) > room:
        more = f" … ({keys} = all)"
        hint = [*hint[: room - 1], hint[room - 1][: width - len(more)] + more]
    return [who, *message, *hint]


def everything(one: RecordOutcome) -> list[str]:
    """All that is known about a record's problem."""
    return [
        f"Record      {one.mapping} {one.nav_no}  {one.name}",
        f"Direction   {one.direction}",
        f"NAV id      {one.nav_id or '-'}",
        f"CRM id      {one.crm_id or '-'}",
        f"When        {fmt.iso(one.at)}, run {one.run}",
        "",
        f"{one.kind}: {one.cause}   [{one.code}]",
        "",
        one.message,
        "",
        f"Next step: {one.hint or 'none known'}",
    ]


def named(one: RecordOutcome) -> str:
    """What a record is called: `CUSTOMER 01445021 New Concepts Furniture`."""
    source = one.nav_id if one.direction is Direction.TO_INTEGRATION_TABLE else one.crm_id
    return " ".join(filter(None, (one.mapping, one.nav_no or source or "", one.name)))


def copied(one: RecordOutcome) -> str:
    """A record with its whole ids and what happened to it, as one line."""
    return "  ".join(filter(None, (named(one), one.nav_id, one.crm_id, one.code, one.message)))


def retried(number: int, record: RecordOutcome | Trouble | None) -> str:
    """What came of the wish to try records again."""
    if number:
        return f"{fmt.many(number, 'record')} will be tried again by the next pass."
    whose = "None of them is" if record is None else "It is not"
    return f"{whose} skipped: the next pass tries what failed anyway."


def skipping(cause: Cause, record: RecordOutcome | None) -> list[str]:
    """What it means to skip the records of a cause, or one of them."""
    what = f"{fmt.many(cause.count, 'record')} of {cause.mapping}: {cause.cause}" if record is None else named(record)
    return [
        what,
        "",
        "Coupled records are left alone by every run until they are retried (r).",
        "Those that are not coupled cannot be skipped: each run tries them.",
    ]


def why_not(name: str, record: RecordOutcome | None) -> str | None:
    """Why an action cannot be done to a record, where one is meant; None when it can."""
    if name == "skip" and record is not None and not (record.nav_id and record.crm_id):
        return "It is not coupled, so it cannot be skipped: each run tries it."
    return None


def skipped(number: int) -> str:
    """What came of the wish to skip records."""
    if number:
        return f"{fmt.many(number, 'record')} skipped; r = retry"
    return "Nothing to skip: they are not coupled, are skipped, or fail no more."


def wanted(one: RecordOutcome) -> str:
    """What names the partner of a record on the other side."""
    return "CRM id, number or name" if one.direction is Direction.TO_INTEGRATION_TABLE else "NAV number or id"


def pair(one: RecordOutcome, partner: Partner) -> tuple[str, str]:
    """The NAV record, by id or number, and the id of the CRM row, when a record gets a partner."""
    if one.direction is Direction.TO_INTEGRATION_TABLE:
        return one.nav_id or one.nav_no, partner.id
    return partner.id, one.crm_id or ""


def _told(one: RecordOutcome, partner: Partner) -> str:
    """What the partner of a record is called: `CRM AC-17 New Concepts Ltd. (id 8f0c…)`."""
    side = "CRM" if one.direction is Direction.TO_INTEGRATION_TABLE else "NAV"
    return by_hand.called(side, partner)


def coupling(one: RecordOutcome, partner: Partner) -> list[str]:
    """What it means to couple a record by hand."""
    return [
        named(one),
        f"with {_told(one, partner)}",
        "",
        "Only the coupling is made; no value is written now.",
        "The next pass writes the values of the one to the other.",
    ]


def coupled(one: RecordOutcome, partner: Partner, run: RunSnapshot, failed: Sequence[RecordOutcome]) -> list[str]:
    """What came of it."""
    if failed:
        return [part for each in failed for part in (each.message, *([f"Next step: {each.hint}"] if each.hint else []))]
    if run.state is not RunState.FINISHED:
        return [f"Run {run.id} is {run.state}. {run.message}".rstrip(), *([run.hint] if run.hint else [])]
    return [
        f"{named(one)} is coupled with {_told(one, partner)}.",
        "The next pass writes the values of the one to the other.",
    ]


def export(one: RecordOutcome) -> tuple[object, ...]:
    """A row of the CSV file."""
    return (
        one.run, one.mapping, one.direction, one.kind, one.code, one.cause, one.message, one.hint, one.nav_no, one.name,
        one.nav_id, one.crm_id, fmt.iso(one.at),
    )  # fmt: skip
