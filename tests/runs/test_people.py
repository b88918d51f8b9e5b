"""Which edits of people were lost, by the audit log."""

from typing import Any

import pytest

from tests.runs.people import lost

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
    assert [told in one for one in found] == ([True] if told else [])


def test_what_a_killed_engine_made_the_same_does_not_end_a_conflict() -> None:
    writes = audit(("person", "nav", "1"), ("engine", "crm", "1"), ("person", "crm", "2"))
    assert lost(*writes, PAIR, CONFLICT) != []
    assert lost(*writes, PAIR, CONFLICT, calm=3) == []
