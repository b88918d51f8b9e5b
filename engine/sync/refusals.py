"""What is said of records that could not be written, or not as they were meant."""

from engine.connectors.protocol import Result
from engine.model.outcome import Problem

UNSEEDED = "unseeded"
"""The code of the warning about a record that NAV made without the values that it leads in."""
_HINT = "Look at the record on both sides, then run again."


def refused(result: Result) -> Problem:
    """The service refused it."""
    return Problem(
        result.code or "rejected",
        cause_of(result.message) or result.code or "the record was refused",
        result.message or "The service refused the record without a reason.",
        "Mend the record as the message says and run again.",
    )


def duplicate(message: str) -> Problem:
    """Another record has its key, as the service says."""
    return Problem("duplicate", "another record has this key", message, _HINT)


def belongs_to_another(caption: str) -> Problem:
    """What stands under the id that is its own is coupled with another record."""
    return Problem(
        "belongs_to_another",
        f"the {caption} that was made from it is coupled with another record",
        f"A {caption} was made from this record before, and is coupled with another record now; nothing was written.",
        "Couple the right two by hand: uncouple that one, or couple this record with another one.",
    )


def cause_of(message: str) -> str:
    """A message without what differs from record to record, so that equal failures group together."""
    words = [
        "..." if any(char.isdigit() for char in word) or word.startswith(("'", '"')) else word
        for word in message.split()[:40]
    ]
    return " ".join(words)[:300]


def unseeded(result: Result) -> Problem:
    """It was made without the values that NAV leads in."""
    return Problem(
        UNSEEDED,
        "made without the values that NAV is to lead in",
        f"NAV refused values for fields that it leads in, so the record was made without them: {result.message}",
        "Fill them in in NAV before the next full synchronization, which brings NAV's values to CRM.",
    )


RESTLESS = Problem(
    "restless",
    "the partner keeps changing",
    "The partner was changed by others each time before our update arrived; nothing was overwritten.",
    "Run again when nobody works on the record.",
)
ADOPTED = Problem(
    "adopted",
    "the record was there already under our id",
    "The partner existed under the id that this record is created with, so it was coupled and not made again.",
    "Nothing to do. The two were coupled before and uncoupled since, or the state store is an older one, or was lost.",
)
