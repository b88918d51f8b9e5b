"""What the audit log tells of what was made."""

from typing import Any

import pytest

from tests.runs.made import Made, look


def made(set: str, key: str, **values: str) -> dict[str, Any]:
    return {"op": "create", "set": set, "key": key, "values": values}


@pytest.mark.parametrize(
    ("audit", "expected"),
    [
        ([made("accounts", "A", name="x"), made("accounts", "b", name="y")], Made(2, (), ())),
        ([made("accounts", "a", name="x"), {**made("accounts", "a"), "op": "update"}], Made(1, (), ())),
        ([made("accounts", "a", name="x"), made("accounts", "b", name="x")],
         Made(2, ('accounts {"name": "x"} was made 2 times',), ())),
        ([made("products", "a", name="x", _defaultuomid_value="1"), made("products", "b", name="x", _defaultuomid_value="2")],
         Made(2, ('products {"name": "x"} was made 2 times',), ())),
        ([made("accounts", "a", name="x"), made("accounts", "a", name="y")], Made(2, ("accounts a was made 2 times",), ())),
        ([made("Customer", "a", Name="x", CRM_Id="1"), made("Customer", "b", Name="y", CRM_Id="1")],
         Made(2, ('Customer "1" was made 2 times',), ())),
        ([made("contacts", "c", name="x"), made("uoms", "d", name="x")], Made(2, (), ("contacts c is not coupled",))),
    ],
)  # fmt: skip
def test_the_audit_log_tells_what_was_made_twice_or_is_not_coupled(audit: list[dict[str, Any]], expected: Made) -> None:
    assert look(audit, {"a", "b"}) == expected
