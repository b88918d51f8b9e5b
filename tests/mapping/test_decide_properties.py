"""What holds for all values, all histories and all mappings."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.mapping.decide import decide
from engine.mapping.transfer import FROM, TO, source_value, target_value, transfer
from engine.mapping.values import normal
from engine.model.mapping import ConflictPolicy, Direction, FieldKind, FieldMapping, TableMapping
from tests.mapping.tools import Pair, made, mapping_of

IDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(4)]
CODES = ["", "USD", "EUR", "GBP"]
TO_CRM = {"CURRENCY": dict(zip(CODES, IDS, strict=True))}
TO_NAV = {"CURRENCY": dict(zip(IDS, CODES, strict=True))}
PARTNERS = {TO: TO_CRM, FROM: TO_NAV}

texts = st.text(st.sampled_from("aB \u00df\u00e9e\u0301\u0390"), max_size=6)
numbers = st.floats(-99, 99, width=16)
raws = {
    FieldKind.TEXT: (texts, texts | st.none()),
    FieldKind.CODE: (texts, texts | st.none()),
    FieldKind.DECIMAL: (numbers, numbers | st.none()),
    FieldKind.BOOLEAN: (st.booleans(), st.booleans() | st.none()),
    FieldKind.OPTION: (st.integers(0, 3), st.integers(0, 3) | st.none()),
    FieldKind.LOOKUP: (st.sampled_from(CODES), st.sampled_from(IDS) | st.none()),
}
directions = st.sampled_from([Direction.BIDIRECTIONAL] * 3 + [TO, FROM])


@st.composite
def fields(draw: st.DrawFn, number: int) -> FieldMapping:
    kind = draw(st.sampled_from(list(raws)))
    lengths = st.sampled_from([0, 2, 4]) if kind is FieldKind.TEXT else st.just(0)
    return FieldMapping(
        f"Nav{number}",
        f"crm{number}",
        draw(directions),
        kind,
        lookup="CURRENCY" if kind is FieldKind.LOOKUP else "",
        nav_length=draw(lengths),
        crm_length=draw(lengths),
    )


@st.composite
def mappings(draw: st.DrawFn) -> TableMapping:
    found = [draw(fields(number)) for number in range(draw(st.integers(1, 4)))]
    return mapping_of(*found, conflict=draw(st.sampled_from(list(ConflictPolicy))))


@st.composite
def records(draw: st.DrawFn, mapping: TableMapping) -> tuple[dict[str, Any], dict[str, Any]]:
    """What NAV and what CRM has; each holds only what fits."""
    nav: dict[str, Any] = {}
    crm: dict[str, Any] = {}
    for field in mapping.fields:
        of_nav: Any = draw(raws[field.kind][0])
        of_crm: Any = draw(raws[field.kind][1])
        nav[field.nav] = of_nav[: field.nav_length or None] if isinstance(of_nav, str) else of_nav
        short = isinstance(of_crm, str) and field.kind is not FieldKind.LOOKUP
        crm[field.column] = of_crm[: field.crm_length or None] if short else of_crm
    return nav, crm


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """A pair as it may be found: coupled just now, or synchronized and then changed on either side, or both."""
    mapping = draw(mappings())
    nav, crm = draw(records(mapping))
    pair = Pair(mapping, nav, crm, partners=PARTNERS)
    if draw(st.booleans()):
        pair.synchronize(first=True)
        nav, crm = draw(records(mapping))
        for field in mapping.fields:
            if draw(st.booleans()):
                pair.nav[field.nav] = nav[field.nav]
            if draw(st.booleans()):
                pair.crm[field.column] = crm[field.column]
    return pair


@given(pairs(), st.booleans())
def test_what_a_run_did_the_next_run_does_not_do_again(pair: Pair, first: bool) -> None:
    # a blank currency is the local one to CRM, and none at all the blank one to NAV: one pass may find them the same
    conflict = all(pair.decide(way, first=first).problem is not None for way in (TO, FROM))
    pair.synchronize(first=first)
    nav, crm = dict(pair.nav), dict(pair.crm)
    assert pair.synchronize() == [{}, {}]
    assert (pair.nav, pair.crm) == (nav, crm)
    assert (pair.decide(TO).problem is not None) is conflict


@given(pairs(), st.sampled_from([TO, FROM]))
def test_what_a_pass_wrote_neither_pass_writes_again(pair: Pair, one_way: Direction) -> None:
    assume(pair.base is not None)
    written = pair.run(one_way)
    back = pair.decide(FROM if one_way is TO else TO)
    names = {(field.nav if one_way is TO else field.crm): field for field in back.values}
    again = {field for name, field in names.items() if (field.crm if one_way is TO else field.nav) in written}
    assert not again
    assert pair.run(one_way) == {}


@given(mappings(), st.data(), st.sampled_from([TO, FROM]))
def test_a_field_that_only_the_target_changed_is_never_written(
    mapping: TableMapping, data: st.DataObject, one_way: Direction
) -> None:
    pair = Pair(mapping, *data.draw(records(mapping)), partners=PARTNERS)
    pair.synchronize(first=True)
    nav, crm = data.draw(records(mapping))
    changed = pair.crm if one_way is TO else pair.nav
    changed.update(crm if one_way is TO else nav)
    decision = pair.decide(one_way)
    assert decision.problem is None
    assert {field for field in decision.values if field.direction is Direction.BIDIRECTIONAL} == set()


@given(pairs(), st.sampled_from([TO, FROM]), st.booleans())
def test_a_conflict_without_a_policy_writes_nothing_at_all(pair: Pair, one_way: Direction, first: bool) -> None:
    decision = pair.decide(one_way, first=first)
    if decision.problem is not None:
        assert pair.mapping.conflict in (ConflictPolicy.NONE, ConflictPolicy.LATEST), "nothing says which is the latest"
        assert not decision.values


@given(pairs(), st.sampled_from([TO, FROM]))
def test_only_what_differs_is_written_and_only_in_its_direction(pair: Pair, one_way: Direction) -> None:
    source, target = (pair.nav, pair.crm) if one_way is TO else (pair.crm, pair.nav)
    for field, value in pair.decide(one_way).values.items():
        assert field.direction.includes(one_way)
        assert value != target_value(field, one_way, target)
        if field.kind not in (FieldKind.LOOKUP, FieldKind.TEXT):
            assert value == source_value(field, one_way, source)
        shown = FieldKind.CODE if field.kind is FieldKind.LOOKUP and one_way is FROM else field.kind
        assert value == normal(shown, field.digits, value)


@given(pairs())
def test_at_the_first_coupling_no_value_is_lost_to_a_blank(pair: Pair) -> None:
    assume(pair.base is None)
    both = [field for field in pair.mapping.fields if field.direction is Direction.BIDIRECTIONAL]
    for one_way in (TO, FROM):
        target = pair.crm if one_way is TO else pair.nav
        for field, value in pair.decide(one_way, first=True).values.items():
            if field in both and value in (None, ""):
                assert target_value(field, one_way, target) in (None, "")


@given(mappings(), st.data(), st.sampled_from([TO, FROM]))
def test_a_record_that_was_just_made_needs_no_write(
    mapping: TableMapping, data: st.DataObject, one_way: Direction
) -> None:
    nav, crm = data.draw(records(mapping))
    source = nav if one_way is TO else crm
    pair = made(mapping, one_way, source, PARTNERS[one_way])
    pair.partners = PARTNERS
    assert pair.run(one_way) == {}
    back = pair.decide(FROM if one_way is TO else TO)
    assert back.problem is None
    assert {field for field in back.values if field.direction is Direction.BIDIRECTIONAL} == set()


@given(pairs())
def test_a_decision_depends_on_nothing_but_what_it_is_given(pair: Pair) -> None:
    nav, crm = dict(pair.nav), dict(pair.crm)
    wanted = transfer(pair.mapping, TO, pair.nav, PARTNERS[TO], {})
    one, two = (decide(pair.mapping, TO, pair.nav, pair.crm, wanted, base=pair.base, first=False) for _ in range(2))
    assert (one.values, one.base) == (two.values, two.base)
    assert (pair.nav, pair.crm) == (nav, crm)


@given(
    st.sampled_from(["nav", "crm"]),
    st.lists(st.tuples(st.sampled_from(["Old", "Bonn", "Jena", ""]), st.booleans()), min_size=1, max_size=4),
    st.sampled_from(["Old", "Bonn", "Jena", "Ulm", ""]),
    st.sampled_from(list(ConflictPolicy)),
)
def test_the_last_edit_of_one_side_stands_whatever_engines_that_died_made_of_earlier_ones(
    side: str, edits: list[tuple[str, bool]], last: str, policy: ConflictPolicy
) -> None:
    """Each edit is carried by an engine of its own, which dies; only one side is edited by people."""
    pair = Pair(mapping_of(FieldMapping("Name", "name"), conflict=policy), {"Name": "Old"}, {"name": "Old"}).same()
    one_way, rows, name = (TO, pair.nav, "Name") if side == "nav" else (FROM, pair.crm, "name")
    for value, arrives in edits:
        rows[name] = value
        pair.carry(one_way, arrives=arrives)
    rows[name] = last
    assert [pair.decide(way).problem for way in (TO, FROM)] == [None, None]
    pair.synchronize()
    assert (pair.nav["Name"], pair.crm["name"]) == (last, last)


@given(st.data(), st.sampled_from(["nav", "crm"]), st.sampled_from(["Bonn", "Jena"]), st.booleans())
def test_an_edit_of_the_other_side_is_not_lost_to_what_an_engine_that_died_had_sent(
    data: st.DataObject, side: str, value: str, arrives: bool
) -> None:
    pair = Pair(mapping_of(FieldMapping("Name", "name")), {"Name": "Old"}, {"name": "Old"}).same()
    one_way, here, there = (TO, "Name", "name") if side == "nav" else (FROM, "name", "Name")
    rows, others = (pair.nav, pair.crm) if side == "nav" else (pair.crm, pair.nav)
    rows[here] = value
    pair.carry(one_way, arrives=arrives)
    others[there] = "Ulm"
    rows[here] = data.draw(st.sampled_from(["Old", value, "Kiel"]))
    pair.synchronize()
    assert others[there] == "Ulm", "it is carried over where only it differs from what both had, or it is a conflict"
