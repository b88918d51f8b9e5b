"""Who wins, field by field: NAV and CRM are compared with what they were when they were last the same."""

from dataclasses import replace
from typing import Any

import pytest

from engine.mapping.decide import decide
from engine.mapping.transfer import FROM, TO, Transferred
from engine.mapping.values import Value
from engine.model.mapping import ConflictPolicy, Direction, FieldKind, FieldMapping, Transformation
from tests.mapping.tools import LOOKUP, Pair, made, mapping_of, text

NAME, CITY = text("Name", "name"), text("City", "address1_city")
BOTH_SIDES = mapping_of(NAME, CITY)


def same(nav: str = "Old", crm: str = "Old", conflict: ConflictPolicy = ConflictPolicy.NONE) -> Pair:
    """A pair that was synchronized with the name "Old" on both sides, and has these names since."""
    pair = Pair(replace(BOTH_SIDES, conflict=conflict), {"Name": "Old"}, {"name": "Old"}).same()
    pair.nav["Name"], pair.crm["name"] = nav, crm
    return pair


# One bidirectional field of a coupled pair: what NAV has, what CRM has, and what either pass then writes.


@pytest.mark.parametrize(
    ("nav", "crm", "to_crm", "to_nav"),
    [
        ("Old", "Old", {}, {}),
        ("New", "Old", {"name": "New"}, {}),
        ("Old", "New", {}, {"Name": "New"}),
        ("New", "New", {}, {}),
        ("", "Old", {"name": ""}, {}),
        ("Old", "", {}, {"Name": ""}),
    ],
    ids=["nobody", "only NAV", "only CRM", "both, equally", "NAV emptied it", "CRM emptied it"],
)
def test_the_side_that_changed_a_field_wins(nav: str, crm: str, to_crm: Any, to_nav: Any) -> None:
    assert same(nav, crm).synchronize() == [to_crm, to_nav]


@pytest.mark.parametrize(
    ("policy", "to_crm", "to_nav"),
    [
        (ConflictPolicy.SEND_UPDATE, {"name": "Mine"}, {}),
        (ConflictPolicy.GET_UPDATE, {}, {"Name": "Theirs"}),
    ],
)
def test_when_both_changed_a_field_differently_the_policy_says_who_wins(
    policy: ConflictPolicy, to_crm: Any, to_nav: Any
) -> None:
    pair = same("Mine", "Theirs", policy)
    assert pair.synchronize() == [to_crm, to_nav]
    assert pair.synchronize() == [{}, {}]


@pytest.mark.parametrize("one_way", [TO, FROM])
def test_without_a_policy_the_record_fails_and_nothing_of_it_is_written(one_way: Any) -> None:
    pair = same("Mine", "Theirs")
    pair.nav["City"] = pair.crm["address1_city"] = ""
    pair.nav["City"] = "Berlin"
    decision = pair.decide(one_way)
    assert decision.values == {}
    assert decision.problem is not None
    assert (decision.problem.code, decision.problem.cause) == ("conflict", "both sides changed Name")
    assert "nothing was overwritten" in decision.problem.message


@pytest.mark.parametrize("first_pass", [TO, FROM])
def test_a_conflict_does_not_make_the_other_changes_of_the_record_forgotten(first_pass: Any) -> None:
    pair = same("Mine", "Theirs")
    pair.nav["City"] = "Berlin"
    pair.base = pair.decide(first_pass).base
    pair.crm["name"] = "Mine"
    assert pair.synchronize() == [{"address1_city": "Berlin"}, {}]


def test_the_conflict_names_each_field() -> None:
    pair = same("Mine", "Theirs")
    pair.nav["City"], pair.crm["address1_city"] = "Berlin", "Bonn"
    problem = pair.decide(TO).problem
    assert problem is not None
    assert problem.cause == "both sides changed Name, City"


def test_one_field_goes_to_crm_and_another_to_nav_in_the_same_run() -> None:
    pair = same("New", "Old")
    pair.crm["address1_city"] = "Berlin"
    assert pair.synchronize() == [{"name": "New"}, {"City": "Berlin"}]
    assert pair.synchronize() == [{}, {}]


# A pair that is coupled just now has no past.


@pytest.mark.parametrize(
    ("nav", "crm", "to_crm", "to_nav"),
    [
        ("Mine", "Theirs", {"name": "Mine"}, {}),
        ("Mine", "", {"name": "Mine"}, {}),
        ("", "Theirs", {}, {"Name": "Theirs"}),
        ("", "", {}, {}),
        ("Same", "Same", {}, {}),
    ],
)
def test_at_the_first_coupling_nav_wins_but_a_blank_never_overwrites(
    nav: str, crm: str, to_crm: Any, to_nav: Any
) -> None:
    pair = Pair(BOTH_SIDES, {"Name": nav}, {"name": crm})
    assert pair.synchronize(first=True) == [to_crm, to_nav]
    assert pair.synchronize() == [{}, {}]


def test_at_the_first_coupling_a_text_of_which_nothing_fits_never_overwrites_either() -> None:
    pair = Pair(mapping_of(text(crm_length=2)), {"Name": "  Mine"}, {"name": "Th"})
    assert pair.synchronize(first=True) == [{}, {}]
    assert (pair.nav["Name"], pair.crm["name"]) == ("  Mine", "Th")


@pytest.mark.parametrize("clears", [False, True], ids=["plain", "clear_on_fail"])
@pytest.mark.parametrize(
    ("field", "nav"),
    [(text(crm_length=2), "  Mine"), (text(transforms=(Transformation("replace", ("-", ""), TO),)), "-")],
    ids=["too long", "by a rule"],
)
def test_what_is_edited_later_goes_its_way_although_nothing_fitted_at_first(
    field: FieldMapping, nav: str, clears: bool
) -> None:
    pair = Pair(mapping_of(replace(field, clear_on_fail=clears)), {"Name": nav}, {"name": "Th"})
    assert pair.synchronize(first=True) == [{}, {}]
    pair.crm["name"] = "Tr"
    assert pair.synchronize() == [{}, {"Name": "Tr"}]
    pair.nav["Name"], pair.crm["name"] = "Bo", "Je"
    assert pair.decide(TO).problem is not None


def test_what_cannot_be_carried_over_clears_the_other_side_where_the_field_says_so_at_the_first_coupling_too() -> None:
    code = text(kind=FieldKind.CODE, crm_length=2, clear_on_fail=True)
    pair = Pair(mapping_of(code), {"Name": "LONG"}, {"name": "TH"})
    assert pair.run(TO, first=True) == {"name": ""}


def test_a_pair_that_crm_couples_keeps_navs_value() -> None:
    pair = Pair(BOTH_SIDES, {"Name": "Mine"}, {"name": "Theirs"})
    assert pair.run(FROM, first=True) == {}
    assert pair.synchronize() == [{"name": "Mine"}, {}]


LOCAL = "00000000-0000-4000-8000-000000000002"
USD = "00000000-0000-4000-8000-000000000001"
CURRENCY = FieldMapping("Currency_Code", "transactioncurrencyid", **LOOKUP)
PARTNERS = {TO: {"CURRENCY": {"": LOCAL, "USD": USD}}, FROM: {"CURRENCY": {LOCAL: "", USD: "USD"}}}


@pytest.mark.parametrize(
    ("nav", "crm", "to_crm", "to_nav"),
    [
        ("", LOCAL, {}, {}),
        ("", None, {"transactioncurrencyid": LOCAL}, {}),
        ("", USD, {}, {"Currency_Code": "USD"}),
        ("USD", None, {"transactioncurrencyid": USD}, {}),
        ("USD", LOCAL, {"transactioncurrencyid": USD}, {}),
    ],
)
def test_the_local_currency_is_blank_in_nav_and_a_row_in_crm(nav: str, crm: Any, to_crm: Any, to_nav: Any) -> None:
    pair = Pair(mapping_of(CURRENCY), {"Currency_Code": nav}, {"_transactioncurrencyid_value": crm}, partners=PARTNERS)
    assert pair.synchronize(first=True) == [to_crm, to_nav]
    assert pair.synchronize() == [{}, {}]


def test_a_record_that_crm_had_without_a_currency_stays_without_one() -> None:
    pair = made(mapping_of(CURRENCY), FROM, {"_transactioncurrencyid_value": None})
    pair.partners = PARTNERS
    assert pair.synchronize() == [{}, {}]


def test_a_lookup_follows_its_partner_to_another_row() -> None:
    row = {"Currency_Code": "USD"}, {"_transactioncurrencyid_value": USD}
    pair = Pair(mapping_of(CURRENCY), *row, partners=PARTNERS).same()
    new = USD.replace("1", "7")
    pair.partners = {TO: {"CURRENCY": {"USD": new}}, FROM: {"CURRENCY": {new: "USD", USD: "OLD"}}}
    assert pair.synchronize() == [{"transactioncurrencyid": new}, {}]


# Fields in one direction have no past either: the source always wins.


def test_a_field_in_one_direction_is_written_whenever_it_differs() -> None:
    pair = Pair(mapping_of(text(direction=TO)), {"Name": "Mine"}, {"name": "Theirs"})
    assert pair.synchronize() == [{"name": "Mine"}, {}]
    pair.crm["name"] = "Theirs again"
    assert pair.synchronize() == [{"name": "Mine"}, {}]
    pair.nav["Name"] = ""
    assert pair.synchronize() == [{"name": ""}, {}]


@pytest.mark.parametrize(
    ("field", "first", "coupled"),
    [
        (text(direction=TO, create_only=True), {}, {}),
        (FieldMapping(crm="name", direction=TO, constant="X", initial=True), {"name": "X"}, {}),
        (FieldMapping(crm="name", direction=TO, constant="X"), {"name": "X"}, {"name": "X"}),
    ],
    ids=["create_only", "initial", "a plain constant"],
)
def test_some_fields_are_for_new_records_or_for_new_pairs(field: FieldMapping, first: Any, coupled: Any) -> None:
    for is_first, written in ((True, first), (False, coupled)):
        pair = Pair(mapping_of(field), {"Name": "Mine"}, {"name": "Theirs"})
        assert pair.run(TO, first=is_first) == written


def test_a_seed_is_navs_alone_once_the_record_is_there() -> None:
    seed = mapping_of(text(direction=TO, seed=True))
    assert Pair(seed, {"Name": "Mine"}, {"name": "Theirs"}).run(FROM, first=True) == {}
    assert Pair(seed, {"Name": ""}, {"name": "Theirs"}).run(FROM) == {}
    assert Pair(seed, {"Name": "Mine"}, {"name": "Theirs"}).run(TO) == {"name": "Mine"}


def test_a_seed_is_crms_alone_once_the_row_is_there() -> None:
    seed = mapping_of(text(direction=FROM, seed=True))
    assert Pair(seed, {"Name": "Mine"}, {"name": ""}).run(TO, first=True) == {}
    assert Pair(seed, {"Name": "Mine"}, {"name": "Theirs"}).run(FROM) == {"Name": "Theirs"}


# A field that goes one way.


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("one_way", "led"), [(TO, "name"), (FROM, "Name")])
def test_a_blank_of_the_side_that_leads_overwrites_only_what_that_side_once_had(
    one_way: Any, led: str, first: bool
) -> None:
    leads = "Name" if one_way is TO else "name"
    pair = Pair(mapping_of(text(direction=one_way)), {}, {})
    sides = {"Name": pair.nav, "name": pair.crm}
    sides[leads][leads], sides[led][led] = "", "Kept"
    assert pair.run(one_way, first=first) == {}
    assert pair.run(one_way) == {}, "not the next time either"
    sides[leads][leads] = "New"
    assert pair.run(one_way) == {led: "New"}
    sides[leads][leads] = ""
    assert pair.run(one_way) == {led: ""}


@pytest.mark.parametrize(("one_way", "source"), [(TO, {"Name": ""}), (FROM, {"name": ""})])
def test_the_side_that_leads_does_so_from_the_start_in_a_partner_that_it_got(one_way: Any, source: Any) -> None:
    pair = made(mapping_of(text(direction=one_way)), one_way, source)
    other, name = (pair.crm, "name") if one_way is TO else (pair.nav, "Name")
    other[name] = "Filled in by hand"
    assert pair.run(one_way) == {name: ""}


def test_a_value_that_is_cleared_because_it_cannot_be_carried_over_does_overwrite() -> None:
    field = text("Born", "birthdate", kind=FieldKind.DATE, direction=TO, clear_on_fail=True)
    pair = Pair(mapping_of(field), {"Born": "yesterday"}, {"birthdate": "2001-01-01"})
    assert pair.run(TO, first=True) == {"birthdate": ""}


def test_values_that_only_look_different_are_not_written() -> None:
    fields = (NAME, text("Price", "price", kind=FieldKind.DECIMAL), text("Code", "code", kind=FieldKind.CODE))
    nav = {"Name": "Caf\u00e9", "Price": 1.1, "Code": "de "}
    crm = {"name": "Cafe\u0301 ", "price": "1.100", "code": "DE"}
    assert Pair(mapping_of(*fields), nav, crm).synchronize(first=True) == [{}, {}]


# Texts that one side cannot hold whole.

SHORT = mapping_of(text(nav_length=5, crm_length=10))


@pytest.mark.parametrize("first", [True, False])
def test_what_was_cut_on_its_way_to_nav_does_not_come_back(first: bool) -> None:
    pair = Pair(SHORT, {"Name": ""}, {"name": "ABCD EFGHI"})
    assert pair.synchronize(first=first) == [{}, {"Name": "ABCD"}]
    assert pair.synchronize() == [{}, {}]
    assert pair.crm == {"name": "ABCD EFGHI"}


def test_the_end_of_a_cut_text_may_change_without_a_word() -> None:
    pair = Pair(SHORT, {"Name": "ABCDE"}, {"name": "ABCDEFG"}).same()
    pair.crm["name"] = "ABCDEXX"
    assert pair.synchronize() == [{}, {}]


@pytest.mark.parametrize(
    ("nav", "crm", "to_crm", "to_nav"),
    [("NEW", "ABCDEFG", {"name": "NEW"}, {}), ("ABCDE", "NEW TEXT", {}, {"Name": "NEW T"})],
)
def test_a_cut_text_that_is_changed_on_either_side_goes_to_the_other(
    nav: str, crm: str, to_crm: Any, to_nav: Any
) -> None:
    pair = Pair(SHORT, {"Name": "ABCDE"}, {"name": "ABCDEFG"}).same()
    pair.nav["Name"], pair.crm["name"] = nav, crm
    assert pair.synchronize() == [to_crm, to_nav]
    assert pair.synchronize() == [{}, {}]


def test_what_was_cut_on_its_way_to_crm_does_not_come_back_either() -> None:
    pair = Pair(mapping_of(text(nav_length=10, crm_length=5)), {"Name": "ABCDEFG"}, {"name": ""})
    assert pair.synchronize(first=True) == [{"name": "ABCDE"}, {}]
    assert pair.synchronize() == [{}, {}]
    assert pair.nav == {"Name": "ABCDEFG"}


def test_a_cut_text_does_not_come_back_when_nav_learns_to_hold_more() -> None:
    pair = Pair(SHORT, {"Name": "ABCDE"}, {"name": "ABCDEFG"}).same()
    pair.mapping = mapping_of(text(nav_length=7, crm_length=10))
    assert pair.synchronize() == [{}, {}]
    assert pair.crm == {"name": "ABCDEFG"}


def test_a_code_that_begins_like_another_is_another() -> None:
    pair = Pair(mapping_of(text(kind=FieldKind.CODE, nav_length=2)), {"Name": "DE"}, {"name": "DEU"})
    assert pair.run(TO, first=True) == {"name": "DE"}


# What is remembered of a pair.


@pytest.mark.parametrize("one_way", [TO, FROM])
def test_a_pair_whose_other_half_was_just_made_is_the_same_on_both_sides(one_way: Any) -> None:
    row = {"Name": "Contoso", "name": "Contoso", "City": "Berlin", "address1_city": "Berlin"}
    pair = made(BOTH_SIDES, one_way, row)
    pair.crm["name"] = "Contoso Ltd."
    assert pair.run(TO) == {}
    assert pair.run(FROM) == {"Name": "Contoso Ltd."}


def test_what_was_cut_while_it_was_made_does_not_come_back() -> None:
    pair = made(SHORT, FROM, {"name": "ABCDEFG"})
    assert pair.synchronize() == [{}, {}]
    pair.nav["Name"] = "NEW"
    assert pair.synchronize() == [{"name": "NEW"}, {}]


@pytest.mark.parametrize(
    "other",
    [
        mapping_of(NAME),
        mapping_of(CITY, NAME),
        mapping_of(NAME, CITY, text("County", "address1_stateorprovince")),
        mapping_of(NAME, text("City", "address1_county")),
    ],
    ids=["fewer", "another order", "more", "another column"],
)
def test_after_a_change_of_other_fields_a_field_keeps_its_past(other: Any) -> None:
    pair = same("Old", "New")
    pair.mapping = other
    assert "name" not in pair.run(TO)
    assert pair.run(FROM)["Name"] == "New"
    assert pair.synchronize() == [{}, {}]


def test_a_field_that_was_off_for_a_while_keeps_its_past() -> None:
    pair = same("Old", "New")
    on, pair.mapping = pair.mapping, mapping_of(CITY)
    pair.synchronize()
    pair.mapping = on
    assert pair.synchronize() == [{}, {"Name": "New"}]


def test_a_field_that_goes_to_another_column_has_no_past() -> None:
    pair = same("Old", "Old")
    pair.mapping = mapping_of(text("Name", "yominame"))
    pair.crm["yominame"] = "Other"
    assert pair.run(TO) == {"yominame": "Old"}


def test_a_one_way_field_more_or_less_changes_nothing_of_what_is_remembered() -> None:
    pair = same("Old", "New")
    pair.mapping = mapping_of(text("Fax", "fax", direction=TO), NAME, CITY)
    assert pair.synchronize() == [{}, {"Name": "New"}]


@pytest.mark.parametrize("damage", [b"", b"\0" * 4, b"\xff" * 99, None])
def test_a_damaged_memory_is_no_memory(damage: bytes | None) -> None:
    pair = same("Mine", "Theirs")
    pair.base = damage
    assert pair.synchronize() == [{"name": "Mine"}, {}]


def test_a_field_that_was_not_moved_keeps_its_past() -> None:
    waiting = FieldMapping("Contact", "contactid", kind=FieldKind.LOOKUP, lookup="CONTACTS", clear_on_fail=True)
    guid = "00000000-0000-4000-8000-000000000009"
    partners: Any = {TO: {"CONTACTS": {"C1": guid}}, FROM: {"CONTACTS": {guid: "C1"}}}
    pair = Pair(mapping_of(NAME, waiting), {"Contact": "C1"}, {"_contactid_value": guid}, partners=partners).same()
    pair.crm["_contactid_value"] = None
    pair.partners = {TO: {}, FROM: {}}  # the partner is not coupled any more, for one run
    assert pair.run(TO) == {}
    pair.partners = partners
    written: list[dict[str, Value]] = pair.synchronize()
    assert written == [{}, {"Contact": ""}]


@pytest.mark.parametrize("one_way", [TO, FROM])
def test_a_lookup_that_lost_its_partner_is_filled_in_again_on_either_side(one_way: Direction) -> None:
    contact = FieldMapping("Contact", "contactid", kind=FieldKind.LOOKUP, lookup="CONTACTS", clear_on_fail=True)
    guid, new = "00000000-0000-4000-8000-000000000009", "00000000-0000-4000-8000-00000000000a"
    partners: Any = {TO: {"CONTACTS": {"C1": guid}}, FROM: {"CONTACTS": {guid: "C1"}}}
    pair = Pair(mapping_of(contact), {"Contact": "C1"}, {"_contactid_value": guid}, partners=partners).same()
    side, name = (pair.crm, "_contactid_value") if one_way is TO else (pair.nav, "Contact")
    side[name] = None if one_way is TO else ""
    gone = Transferred({}, lost=(contact,))
    rows = (pair.nav, pair.crm) if one_way is TO else (pair.crm, pair.nav)
    pair.base = decide(pair.mapping, one_way, *rows, gone, base=pair.base, first=False).base
    pair.partners = {TO: {"CONTACTS": {"C1": new}}, FROM: {"CONTACTS": {guid: "C2"}}}
    filled = {"contactid": new} if one_way is TO else {"Contact": "C2"}
    assert pair.run(one_way) == filled
