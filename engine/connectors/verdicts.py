"""What an answer means: by error code first, by status second (reference/apis.md sections 1 and 3, Errors)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from engine.connectors.protocol import Result, Status, Write, WriteKind
from engine.model.masking import mask
from engine.model.records import GUID


class Verdict(Enum):
    """What is to be done about an answer."""

    OK = auto()
    THROTTLED = auto()
    """Not processed; later."""
    UNKNOWN = auto()
    """Perhaps processed: a read is repeated, a write is settled."""
    REJECTED = auto()
    CONFLICT_VERSION = auto()
    CONFLICT_KEY = auto()
    MISSING = auto()
    FORBIDDEN = auto()
    """A privilege is missing: for a record it is rejected, for a whole request we are."""
    DENIED = auto()
    FATAL = auto()
    """The service is not what it should be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says."""

    code: str = ""
    message: str = ""


_CODES: Mapping[str, Verdict] = {
    # Dataverse
    "0x80072321": Verdict.THROTTLED,
    "0x80072322": Verdict.THROTTLED,
    "0x80072326": Verdict.THROTTLED,
    "0x80044150": Verdict.UNKNOWN,  # SQL error, such as a deadlock
    "0x80044151": Verdict.UNKNOWN,  # SQL timeout
    "0x80040237": Verdict.CONFLICT_KEY,
    "0x80060882": Verdict.CONFLICT_VERSION,
    "0x80060892": Verdict.REJECTED,  # another row has the same alternate key: there is no row under our id
    "0x80040333": Verdict.REJECTED,  # duplicate detection
    "0x80040217": Verdict.MISSING,
    "0x80060891": Verdict.MISSING,
    "0x80040220": Verdict.FORBIDDEN,
    "0x80040204": Verdict.DENIED,
    # NAV
    "Request_EntityChanged": Verdict.CONFLICT_VERSION,
    "Internal_EntityWithSameKeyExists": Verdict.CONFLICT_KEY,
    "Internal_RecordNotFound": Verdict.MISSING,
    "Internal_CompanyNotFound": Verdict.FATAL,
    "Authentication_InvalidCredentials": Verdict.DENIED,
}

USED_UP = frozenset({"0x80072321", "0x80072322"})
"""429 because of what was used before, not because of how many requests came at once."""

_STATUSES: Mapping[int, Verdict] = {
    401: Verdict.DENIED,
    403: Verdict.FORBIDDEN,
    404: Verdict.MISSING,
    407: Verdict.FATAL,
    408: Verdict.UNKNOWN,
    412: Verdict.CONFLICT_KEY,  # `refused` tells a conflict of versions from one of keys by what was asked
    409: Verdict.CONFLICT_VERSION,
}
_CORRELATION = re.compile(r"\s*CorrelationId:\s*[0-9a-fA-F-]{36}\.?\s*\Z")
_MESSAGE_LENGTH = 2000
_SEGMENT_CODES = frozenset({"0x80060888"})


def fault(body: Any) -> Fault:
    """Code and message of an error body, without secrets that it repeats; empty when it is none.

    NAV's correlation id goes: it differs every time.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return Fault()
    code, message = error.get("code"), error.get("message")
    text = _CORRELATION.sub("", mask(message)[:_MESSAGE_LENGTH]) if isinstance(message, str) else ""
    if not isinstance(code, str):
        return Fault("", text)
    # a code that decides is kept whatever the password is
    return Fault(code if code in _CODES or code in _SEGMENT_CODES else mask(code)[:128], text)


def judge(status: int, code: str = "") -> Verdict:
    """The verdict on a status and the code of its error."""
    if 200 <= status < 300:
        return Verdict.OK
    known = Verdict.THROTTLED if status == 429 else _CODES.get(code)
    if known is not None:
        return known
    if 300 <= status < 400:
        return Verdict.FATAL
    return _STATUSES.get(status, Verdict.REJECTED if 400 <= status < 500 else Verdict.UNKNOWN)


def refused(write: Write, verdict: Verdict, problem: Fault) -> Result:
    """The result of a write that was answered with an error other than throttling."""
    return Result(write.key, _status(write, verdict, problem), write.id, None, problem.code, problem.message)


def unknown(write: Write, message: str) -> Result:
    """The result of a write whose answer did not arrive, or cannot be read."""
    return Result(write.key, Status.UNKNOWN, write.id, None, "", mask(message))


def _status(write: Write, verdict: Verdict, problem: Fault) -> Status:
    update = write.kind is not WriteKind.CREATE
    match verdict:
        case Verdict.UNKNOWN | Verdict.THROTTLED:
            return Status.UNKNOWN
        case Verdict.CONFLICT_KEY | Verdict.CONFLICT_VERSION if problem.code in _CODES:
            if verdict is Verdict.CONFLICT_VERSION:
                return Status.STALE if update else Status.REJECTED
            return Status.REJECTED if update else Status.EXISTS
        case Verdict.CONFLICT_KEY:  # 412 and no word why: the condition that was sent does not hold
            return Status.STALE if update else Status.EXISTS
        case Verdict.CONFLICT_VERSION:  # 409 and no word why: of a new row only its key can be in conflict
            return Status.STALE if update else Status.EXISTS
        case Verdict.MISSING if update and _is_about(write, problem):
            return Status.MISSING
        case _:
            return Status.REJECTED


def _is_about(write: Write, problem: Fault) -> bool:
    """Whether a 404 speaks of the row itself: a lookup that leads nowhere names another, a wrong table a segment."""
    if problem.code in _SEGMENT_CODES:
        return False
    named = {found.lower() for found in re.findall(GUID, problem.message)}
    return not named or write.id in named


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server says; None when it does not, or says what cannot be.

    A date counts from the server's own Date, as our clock may be off.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", text):
        return float(text)
    until = _moment(text)
    if until is None:
        return None
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    seconds = (until - now).total_seconds()
    return seconds if seconds >= 0 else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
