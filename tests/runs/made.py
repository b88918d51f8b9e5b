"""What was made, judged by the servers' audit log: which records are there twice, and which are not coupled."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.runs.company import Row

_ALONE = {"pricelevels", "productpricelevels", "uoms"}
"""Rows that come with others and are not coupled."""
_MARKER = "CRM_Id"
_CHOSEN = "_default"
"""What units of products refer to has ids of the server's own."""


@dataclass(frozen=True)
class Made:
    """What was made: so many records, those of them that are there twice, and those that are not coupled."""

    number: int
    twice: tuple[str, ...]
    uncoupled: tuple[str, ...]


def look(audit: Sequence[Row], coupled: set[str]) -> Made:
    """Judge an audit log by the ids that are coupled."""
    made = [line for line in audit if line["op"] == "create"]
    uncoupled = [line for line in to_couple(audit) if line["key"].lower() not in coupled]
    return Made(
        len(made), made_twice(audit), tuple(f"{line['set']} {line['key']} is not coupled" for line in uncoupled)
    )


def to_couple(audit: Sequence[Row]) -> list[Row]:
    """What was made and is to be coupled."""
    return [line for line in audit if line["op"] == "create" and line["set"] not in _ALONE]


def made_twice(audit: Sequence[Row]) -> tuple[str, ...]:
    """Which records were made twice. Records of NAV are the same when they are made from the same row of CRM, rows of CRM
    when all their values are, but for ids that the server chooses.
    """
    made = [line for line in audit if line["op"] == "create"]
    signs = Counter(_sign(line) for line in made) + Counter(f"{line['set']} {line['key']}" for line in made)
    return tuple(f"{sign} was made {times} times" for sign, times in signs.items() if times > 1)


def _sign(line: Row) -> str:
    values = {name: value for name, value in line["values"].items() if not name.startswith(_CHOSEN)}
    return f"{line['set']} {json.dumps(values.get(_MARKER) or values, sort_keys=True)}"
