"""What a transfer knows of the source already is what reading it anew would give, and bases are made of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.base import base_with, created_base
from engine.mapping.defaults import default_mappings
from engine.mapping.transfer import FROM, TO, source_value, transfer
from engine.model.mapping import Direction, FieldMapping, TableMapping
from tests.mapping.tools import made

MAPPINGS = {one.name: one for one in default_mappings()}
_values = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**6), st.text(max_size=120), st.sampled_from(["", " ", "1", "yes", "2024-02-29"]))  # fmt: skip


@given(st.sampled_from(sorted(MAPPINGS)), st.sampled_from([TO, FROM]), st.data())
def test_known_values_of_a_source_are_its_values(name: str, one_way: Direction, data: Any) -> None:
    mapping = MAPPINGS[name]
    names = {field.nav if one_way is TO else field.column for field in mapping.fields}
    row = {name: data.draw(_values) for name in sorted(names)}
    wanted = transfer(mapping, one_way, row, {}, {})
    anew = {field: source_value(field, one_way, row) for field in wanted.sources}
    assert wanted.sources == anew
    assert created_base(one_way, row, wanted) == created_base(one_way, row, replace(wanted, sources={}))


@pytest.mark.parametrize("now", [Direction.BIDIRECTIONAL, TO])
def test_a_base_goes_back_also_for_a_field_that_is_not_remembered_any_more(now: Direction) -> None:
    name = FieldMapping("Name", "name", initial=True)
    other = FieldMapping("City", "city")

    def base(text: str) -> bytes | None:
        mapping = TableMapping("X", MAPPINGS["CUSTOMER"].nav, MAPPINGS["CUSTOMER"].crm, TO, (name, other))
        return made(mapping, TO, {"Name": text, "City": "Ulm"}).base

    before, after = base("old"), base("new")
    assert before != after
    assert sorted(base_with(after, {replace(name, direction=now): before}) or b"") == sorted(before or b"")
