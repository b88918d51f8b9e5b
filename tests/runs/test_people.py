"""Which edits of people were lost, by the audit log."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, cast

import httpx
import pytest

from tests.runs.company import Company
from tests.runs.people import _COPIES, PAIRS, People, _Edited, lost

NAV, CRM = "0a000000-0000-0000-0000-000000000000", "0b000000-0000-0000-0000-000000000000"
PAIR = [{"mapping": "CUSTOMER", "nav_id": NAV, "crm_id": CRM}]
CONFLICT = {NAV: {"conflict"}}


def audit(*writes: tuple[str, str, str]) -> tuple[list[dict[str, Any]], set[int]]:
    """An audit log of who wrote what where, and the numbers of the lines of people."""
    sides = {"nav": (NAV, "Fax_No"), "crm": (CRM, "fax")}
    lines = [
        {"n": number, "side": side, "key": sides[side][0], "values": {sides[side][1]: value}}
        for number, (_, side, value) in enumerate(writes)
    ]
    return lines, {number for number, (by, _, _) in enumerate(writes) if by == "person"}


def carried(values: range) -> Iterator[tuple[str, str, str]]:
    """Edits, in turn on both sides, each carried over: the values are then such as both sides have had."""
    for value in values:
        here, there = ("nav", "crm") if value % 2 else ("crm", "nav")
        yield from (("person", here, str(value)), ("engine", there, str(value)))


EDITED_TWICE = (("person", "nav", "1"), ("person", "crm", "2"))


@pytest.mark.parametrize(
    ("writes", "said", "told"),
    [
        ([("person", "nav", "1"), ("engine", "crm", "1")], {}, ""),
        ([("person", "nav", "1"), ("engine", "crm", "1"), ("person", "nav", "0"), ("engine", "crm", "0")], {}, ""),
        ([("person", "nav", "1")], {}, "NAV has '1', CRM None, but people wrote '1' last"),
        ([("person", "nav", "1"), ("engine", "crm", "1"), ("person", "crm", "0"), ("engine", "crm", "1")], {},
         "NAV has '1', CRM '1', but people wrote '0' last"),
        ([("person", "nav", "1"), ("engine", "crm", "1"), ("person", "crm", "0"), ("person", "nav", "2"), ("person", "nav", "1"),
          ("engine", "nav", "0")], {}, ""),
        (EDITED_TWICE, CONFLICT, ""),
        (EDITED_TWICE, {}, "NAV has '1', CRM '2', but people wrote '2' last"),
        ([*EDITED_TWICE, ("engine", "nav", "0")], CONFLICT, "NAV has '0', CRM '2', which is older than what people wrote in NAV"),
        ([("person", "nav", "1"), ("engine", "crm", "1"), ("person", "nav", "2")], CONFLICT,
         "people edited no field on both sides"),
    ],
)  # fmt: skip
def test_the_last_edit_stands_on_both_sides_or_people_edited_both(
    writes: list[tuple[str, str, str]], said: dict[str, set[str]], told: str
) -> None:
    found = lost(*audit(*writes), PAIR, said)
    assert any(told in one for one in found) is bool(told)
    assert bool(found) is bool(told)


def test_what_a_killed_engine_made_the_same_does_not_end_a_conflict() -> None:
    writes = audit(("person", "nav", "1"), ("engine", "crm", "1"), ("person", "crm", "2"))
    assert lost(*writes, PAIR, CONFLICT) != []
    assert lost(*writes, PAIR, CONFLICT, calm=3) == []


def test_an_edit_that_a_killed_engine_had_under_way_may_be_shown_as_a_conflict() -> None:
    writes = audit(("person", "nav", "1"), ("person", "nav", "2"), ("person", "nav", "3"))
    assert lost(*writes, PAIR, CONFLICT) != []
    assert lost(*writes, PAIR, CONFLICT, calm=2) == []
    settled = audit(("person", "nav", "1"), ("engine", "crm", "1"), ("person", "nav", "2"))
    assert lost(*settled, PAIR, CONFLICT, calm=1) != [], "an engine has seen both the same since"


OVERWRITTEN = "of people was overwritten with"


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([("person", "nav", "8"), ("person", "crm", "9"), ("engine", "crm", "8")], id="NAV wins"),
        pytest.param([("person", "nav", "8"), ("person", "crm", "9"), ("engine", "nav", "9")], id="the last one wins"),
        pytest.param([("person", "nav", "8"), ("person", "crm", "9"), ("engine", "crm", "8"), ("person", "nav", "10"),
                      ("engine", "crm", "10")], id="NAV won on the way"),
        pytest.param([("person", "nav", "8"), ("engine", "crm", "8"), ("engine", "crm", "7"), ("engine", "nav", "7")],
                     id="an old value comes late, and is carried over"),
        pytest.param([("person", "nav", "8"), ("person", "crm", "8"), ("engine", "nav", "7")],
                     id="what people made the same themselves is undone"),
        pytest.param([("person", "nav", "8"), ("person", "nav", "9"), ("engine", "crm", "8"), ("person", "crm", "10"),
                      ("engine", "nav", "10")], id="an edit behind the one that was carried"),
    ],
)  # fmt: skip
def test_an_edit_that_an_engine_overwrote_is_found_however_many_values_both_sides_have_had(
    writes: list[tuple[str, str, str]],
) -> None:
    found = lost(*audit(*carried(range(8)), *writes), PAIR, {})
    assert any(OVERWRITTEN in one for one in found), found


@pytest.mark.parametrize(
    ("writes", "said"),
    [
        pytest.param([], {}, id="each was carried"),
        pytest.param([("person", "nav", "8"), ("person", "crm", "9")], CONFLICT, id="a conflict is left alone"),
        pytest.param([("person", "nav", "8"), ("person", "nav", "9"), ("engine", "crm", "8"), ("engine", "crm", "9")], {},
                     id="edited again before it was carried"),
        pytest.param([("person", "nav", "8"), ("engine", "crm", "8"), ("person", "crm", "9"), ("person", "crm", "10"),
                      ("engine", "nav", "9"), ("engine", "nav", "10")], {}, id="a later edit, and one more after it was read"),
        pytest.param([("person", "nav", "8"), ("person", "crm", "9"), ("person", "crm", "8"), ("person", "nav", "10"),
                      ("engine", "crm", "10")], {}, id="people end a conflict, and go on"),
        pytest.param([("person", "nav", "8"), ("person", "nav", "7"), ("person", "crm", "9"), ("engine", "nav", "9")], {},
                     id="one side was put back"),
        pytest.param([("person", "nav", "8"), ("person", "crm", "9"), ("person", "crm", "7"), ("engine", "crm", "8")], {},
                     id="one side was put back last"),
        pytest.param([("person", "nav", "8"), ("engine", "crm", "8"), ("person", "nav", "7"), ("engine", "crm", "7")], {},
                     id="put back after it was carried"),
    ],
)  # fmt: skip
def test_what_may_become_of_edits_is_no_fault(writes: list[tuple[str, str, str]], said: dict[str, set[str]]) -> None:
    assert lost(*audit(*carried(range(8)), *writes), PAIR, said) == []


class Servers:
    """Both servers, with one pair of records, and an engine that looks at it."""

    nav_url, crm_url, token = "http://nav", "http://crm", "token"

    def __init__(self, folder: Path, *, nav_wins: bool) -> None:
        self.audit_file = folder / "audit.jsonl"
        self.audit_file.touch()
        self.conflicts = self.carried = 0
        self._nav_wins = nav_wins
        self._numbers = count(1)
        self._held: dict[str, str] = {"nav": "", "crm": ""}
        self._base = ""

    def answer(self, request: httpx.Request) -> httpx.Response:
        side = request.url.host
        name = PAIRS[0].of(side)
        if request.method == "PATCH":
            self._put(side, json.loads(request.content)[name])
        return httpx.Response(200, json={name: self._held[side]})

    def _put(self, side: str, value: str) -> None:
        self._held[side] = value
        key, name = {"nav": NAV, "crm": CRM}[side], PAIRS[0].of(side)
        with self.audit_file.open("a") as file:
            line = {"n": next(self._numbers), "side": side, "key": key, "values": {name: value}}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def look(self) -> bool:
        """Have an engine carry over what was edited on one side; whether it is a conflict."""
        nav, crm = self._held["nav"], self._held["crm"]
        if nav != crm and self._base not in (nav, crm):
            self.conflicts += 1
            if not self._nav_wins:
                return True
        if nav != crm:
            self.carried += 1
            self._put(*("nav", crm) if nav == self._base else ("crm", nav))
        self._base = self._held["nav"]
        return False


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("nav_wins", [False, True])
def test_of_what_people_write_it_is_seen_whether_one_side_wins_unasked(
    tmp_path: Path, seed: int, nav_wins: bool
) -> None:
    servers, chance = Servers(tmp_path, nav_wins=nav_wins), Random(seed)
    people = People(cast("Company", servers), chance)
    edited = _Edited(PAIRS[0], {"nav": NAV, "crm": CRM}, "nav")
    conflict = False
    with httpx.Client(transport=httpx.MockTransport(servers.answer)) as client:
        for _ in range(40):
            for _ in range(chance.randint(1, 12)):
                people._edit(client, edited)
            conflict = servers.look()
    lines = [json.loads(line) for line in servers.audit_file.read_text().splitlines()]
    new = {line["values"][PAIRS[0].of(line["side"])] for line in lines if line["n"] in people.edits}
    assert len(new) > len(people.edits) * (1 - _COPIES) * 0.9, "few values come again"
    assert servers.conflicts > 2
    assert servers.carried > 5
    found = lost(lines, people.edits, PAIR, CONFLICT if conflict else {})
    assert any(OVERWRITTEN in one for one in found) if nav_wins else found == []
