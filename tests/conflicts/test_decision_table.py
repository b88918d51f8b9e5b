"""The rules for conflicts and stamps are total and do not contradict each other, whatever the values are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.mapping.base import created_base
from engine.mapping.decide import Decision, Settled, decide, settled
from engine.mapping.defaults import default_mappings
from engine.mapping.stamps import changed_since, modified_at, moment, newer_side
from engine.mapping.transfer import FROM, TO, Transferred, source_value, transfer
from engine.model.conflict import Choice, Clash
from engine.model.mapping import ConflictPolicy, Direction, FieldMapping, TableMapping

FIELDS = (
    FieldMapping(nav="Name", crm="name"),
    FieldMapping(nav="City", crm="city"),
    FieldMapping(nav="Limit", crm="limit", direction=Direction.TO_INTEGRATION_TABLE),
)
CUSTOMER = replace(next(one for one in default_mappings() if one.name == "CUSTOMER"), fields=FIELDS, templates=())
VALUES = st.sampled_from(["", "a", "b", "c", "A", "a "])
Row = dict[str, Any]


def test_every_case_is_decided_and_both_passes_agree_on_it() -> None:
    sides: list[str | None] = [None, "nav", "crm"]
    choices: list[Choice | None] = [None, *Choice]
    for policy, newer, choice in product(ConflictPolicy, sides, choices):
        there, back = (settled(policy, one_way, newer, choice) for one_way in (TO, FROM))
        assert {there, back} in ({Settled.WRITE, Settled.LEAVE}, {Settled.ASK}, {Settled.FAIL}), (policy, newer, choice)


@pytest.mark.parametrize(
    ("policy", "newer", "choice", "expected"),
    [
        (ConflictPolicy.NONE, "nav", Choice.NAV, Settled.FAIL),
        (ConflictPolicy.SEND_UPDATE, "crm", None, Settled.WRITE),
        (ConflictPolicy.GET_UPDATE, "nav", None, Settled.LEAVE),
        (ConflictPolicy.LATEST, "nav", None, Settled.WRITE),
        (ConflictPolicy.LATEST, "crm", None, Settled.LEAVE),
        (ConflictPolicy.LATEST, None, None, Settled.FAIL),
        (ConflictPolicy.ASK, "nav", None, Settled.ASK),
        (ConflictPolicy.ASK, None, Choice.NAV, Settled.WRITE),
        (ConflictPolicy.ASK, None, Choice.CRM, Settled.LEAVE),
    ],
)
def test_the_table(policy: ConflictPolicy, newer: str | None, choice: Choice | None, expected: Settled) -> None:
    assert settled(policy, TO, newer, choice) is expected


def rows(name: str, city: str, limit: str) -> tuple[Row, Row]:
    return {"Name": name, "City": city, "Limit": limit}, {"name": name, "city": city, "limit": limit}


def base_of(mapping: TableMapping, nav: Row) -> bytes:
    return created_base(TO, nav, transfer(mapping, TO, nav, {}, {}))


def one_pass(mapping: TableMapping, one_way: Direction, nav: Row, crm: Row, base: bytes, known: Any = ()) -> Decision:
    source, target = (nav, crm) if one_way is TO else (crm, nav)
    wanted: Transferred = transfer(mapping, one_way, source, {}, {})
    return decide(mapping, one_way, source, target, wanted, base=base, first=False, known=known)


def apply(decision: Decision, one_way: Direction, nav: Row, crm: Row) -> None:
    for field, value in decision.values.items():
        if one_way is TO:
            crm[field.crm] = value
        else:
            nav[field.nav] = value


@given(st.sampled_from(ConflictPolicy), VALUES, VALUES, VALUES, VALUES, VALUES, st.sampled_from([None, "nav", "crm"]))
def test_two_passes_end_in_equal_sides_a_question_or_a_failure(
    policy: ConflictPolicy, before: str, nav_name: str, crm_name: str, nav_city: str, crm_city: str, newer: str | None
) -> None:
    mapping = replace(CUSTOMER, conflict=policy)
    nav, crm = rows(before, before, before)
    base = base_of(mapping, nav)
    nav |= {"Name": nav_name, "City": nav_city}
    crm |= {"name": crm_name, "city": crm_city}
    if newer is not None:
        nav["SystemModifiedAt"] = "2026-01-01T10:00:09Z" if newer == "nav" else "2026-01-01T10:00:00Z"
        crm["modifiedon"] = "2026-01-01T10:00:05Z"
    for one_way in (TO, FROM):
        decision = one_pass(mapping, one_way, nav, crm, base)
        if decision.problem is not None:
            assert policy is ConflictPolicy.NONE or (policy is ConflictPolicy.LATEST and newer is None)
            assert not decision.values
            return
        assert bool(decision.clashes) <= (policy is ConflictPolicy.ASK)
        apply(decision, one_way, nav, crm)
        base = decision.base
    asked = {clash.nav for clash in one_pass(mapping, TO, nav, crm, base).clashes}
    for field in FIELDS[:2]:
        same = source_value(field, TO, nav) == source_value(field, FROM, crm)
        assert same != (field.nav in asked)


@given(VALUES, VALUES, VALUES, st.sampled_from(Choice))
def test_a_choice_makes_both_sides_what_was_chosen_and_nothing_else(
    before: str, nav_name: str, crm_name: str, choice: Choice
) -> None:
    mapping = replace(CUSTOMER, conflict=ConflictPolicy.ASK)
    nav, crm = rows(before, before, before)
    base = base_of(mapping, nav)
    nav |= {"Name": nav_name, "City": f"{before}x"}
    crm |= {"name": crm_name, "city": f"{before}y"}
    asked = one_pass(mapping, TO, nav, crm, base).clashes
    assume(len(asked) == 2)
    chosen = replace(asked[0], choice=choice)
    wanted = chosen.nav_value if choice is Choice.NAV else chosen.crm_value
    for one_way in (TO, FROM):
        decision = one_pass(mapping, one_way, nav, crm, base, [chosen])
        assert {clash.choice for clash in decision.clashes if clash.nav == "Name"} <= {choice}
        apply(decision, one_way, nav, crm)
        base = decision.base
    assert source_value(FIELDS[0], TO, nav) == source_value(FIELDS[0], FROM, crm) == wanted
    assert (nav["City"], nav["Limit"]) == (f"{before}x", before)
    assert (crm["city"], crm["limit"]) == (f"{before}y", before)
    assert [(clash.nav, clash.choice) for clash in one_pass(mapping, TO, nav, crm, base, [chosen]).clashes] == [
        ("City", None)
    ]


def test_a_choice_about_other_values_is_none() -> None:
    mapping = replace(CUSTOMER, conflict=ConflictPolicy.ASK)
    nav, crm = rows("a", "a", "a")
    base = base_of(mapping, nav)
    nav["Name"], crm["name"] = "b", "c"
    known = [Clash("Name", "name", "b", "other", Choice.NAV)]
    (clash,) = one_pass(mapping, TO, nav, crm, base, known).clashes
    assert clash.choice is None


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001


@given(MOMENTS, MOMENTS, st.booleans())
def test_which_side_is_newer_never_depends_on_who_asks(ours: datetime, theirs: datetime, dated: bool) -> None:
    mapping = replace(CUSTOMER, nav=replace(CUSTOMER.nav, dated=dated))
    nav = {"SystemModifiedAt": ours.date().isoformat() if dated else ours.isoformat()}
    newer = newer_side(mapping, modified_at(mapping.nav, nav), theirs.replace(microsecond=0))
    apart = timedelta(days=1) if dated else timedelta(seconds=1)
    if newer == "nav":
        assert ours > theirs
    if newer == "crm":
        assert theirs > ours
    if newer is None:
        assert abs(ours - theirs) < apart + timedelta(days=2 if dated else 0)


@given(MOMENTS, st.booleans(), st.booleans())
def test_the_filter_reaches_back_to_the_watermark_at_least(mark: datetime, dated: bool, seconds: bool) -> None:
    table = replace(CUSTOMER.crm, dated=dated)
    (one,) = changed_since(table, mark, seconds=seconds)
    if dated:
        assert (one.operator, str(one.value)) == ("ge", (mark.date() - timedelta(days=1)).isoformat())
    else:
        assert one.value == mark - timedelta(milliseconds=999 if seconds else 0)
    assert changed_since(table, None, seconds=seconds) == ()


@pytest.mark.parametrize("raw", [None, "", "0001-01-01", "0001-01-01T00:00:00Z", "no date", 7])
def test_a_stamp_that_says_nothing_is_none(raw: Any) -> None:
    assert moment(raw) is None
