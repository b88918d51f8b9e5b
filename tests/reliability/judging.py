"""Judges what a side made of an answer by what the answer holds (`readings.py`)."""

from typing import Any

from engine.connectors.metadata import Shape
from engine.connectors.protocol import Count, Result, Status, Step, how_far
from engine.model.errors import CouplerError
from tests.reliability.readings import Batch, Damaged

IDS = [f"0a1b2c3d-4e5f-6071-8293-{number:012d}" for number in range(1, 7)]
ERRORS, _NOT_FOUND = 400, 404
_ENDING = frozenset({401, 407, 429})
"""Statuses of a part after which no more can be written, or not now."""
_GONE = frozenset({"0x80040217", "0x80060891", "Internal_RecordNotFound"})


def wrong_answer(found: Any, held: Any) -> str | None:
    """What is wrong with what a side made of an answer that it accepted."""
    told = _plain(found)
    if isinstance(held, Damaged):
        known = not _is_results(found) or any(one.status is not Status.UNKNOWN for one in found.values())
        return f"{told} is what it says, though it is damaged: {held}" if known else None
    if not isinstance(held, Batch):
        return f"{told} is what it says, not {held}" if told != held else None
    if not _is_results(found):
        return f"results for {sorted(found)}"
    return next(filter(None, (_wrong_result(one, held) for one in found.values())), None)


def wrong_refusal(error: CouplerError, held: Any) -> str | None:
    """What is wrong with an error that a side told of an answer, and with what it knows of the writes."""
    known = how_far(error)
    if isinstance(held, Damaged):
        told = [key for key, one in known.results.items() if one.status is not Status.UNKNOWN]
        return f"{told or set(known.unsent)} are known, though it is damaged: {held}" if told or known.unsent else None
    if not isinstance(held, Batch):
        return f"{error}, though it holds {held}"
    statuses = {IDS[at - 1]: part.status for at, part in held.parts.items()}
    if held.plain and not any(one in _ENDING or 300 <= one < ERRORS for one in statuses.values()):
        return f"{error}, though each part can be told: {statuses}"
    if any(200 <= statuses.get(key, 200) < 300 for key in known.unsent):
        return f"{sorted(known.unsent)} are not carried out, though the answers are {statuses}"
    return next(filter(None, (_wrong_result(one, held) for one in known.results.values())), None)


def _wrong_result(found: Result, held: Batch) -> str | None:
    """What is wrong with what is told of one write: only its own part can say that it was done, or was not."""
    part = held.parts.get(IDS.index(found.key) + 1)
    done = part is not None and 200 <= part.status < 300 and part.id is not None
    refused = part is not None and (ERRORS <= part.status < 500 or (part.status >= 500 and part.code != ""))
    match found.status:
        case Status.DONE:
            right = done and part is not None and found.id == part.id
        case Status.UNKNOWN:
            right = not done or not held.plain
        case Status.MISSING:
            right = refused and part is not None and (part.status == _NOT_FOUND or part.code in _GONE)
        case _:
            right = refused
    return None if right else f"{found.key} is {found.status} as {found.id}, and its part is {part}"


def _is_results(found: Any) -> bool:
    """Whether it is what becomes of the writes, of each one."""
    return (
        isinstance(found, dict)
        and set(found) == set(IDS[:3])
        and all(isinstance(one, Result) for one in found.values())
    )


def _plain(found: Any) -> Any:
    """What a side says, as `readings` says it."""
    if isinstance(found, Count):
        return found.number
    if _is_results(found) and all(one.status in (Status.DONE, Status.UNKNOWN) for one in found.values()):
        return {key for key, one in found.items() if one.status is Status.DONE and one.id == key}
    if isinstance(found, list) and all(isinstance(one, Step) for one in found) and found:
        return [(one.name, one.ok, one.detail if one.ok else "") for one in found]
    if isinstance(found, dict) and found and all(isinstance(one, Shape) for one in found.values()):
        return {name: (set(one.properties), set(one.navigations)) for name, one in found.items()}
    return found
