"""No text ends its literal, and no name that is none becomes part of an address."""

from urllib.parse import quote

import pytest

from engine.connectors import filters, urls
from tests.reliability.literals import NAMES, names_refused, read_back


def test_every_text_is_read_back_as_one_equal_literal() -> None:
    found = read_back(500, 2)
    assert found.faults == []
    assert (found.tried, found.equal) == (500, 500)


def test_names_that_are_no_identifiers_are_refused() -> None:
    found = names_refused()
    assert found.faults == []
    assert found.tried == found.equal > len(NAMES) * 30


def test_a_literal_that_can_be_ended_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(urls, "percent", lambda text: quote(text, safe="(),:*&"))
        assert read_back(80, 2).faults
    with monkeypatch.context() as patch:
        patch.setattr(filters, "literal", lambda value: f"'{value}'")
        assert read_back(80, 2).faults
