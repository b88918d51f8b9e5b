"""How an error and its hint are told in one line."""

import pytest

from engine.model.errors import ConnectionLost, sentences


@pytest.mark.parametrize(
    ("message", "hint", "told"),
    [
        ("answered with 302", "Check the url.", "answered with 302. Check the url."),
        ("It is down.", "Wait.", "It is down. Wait."),
        ("Is it down?", "Wait", "Is it down? Wait"),
        ("It is down", "", "It is down"),
        ("", "Wait.", "Wait."),
    ],
)
def test_an_error_ends_with_a_full_stop_before_its_hint(message: str, hint: str, told: str) -> None:
    assert sentences(message, hint) == told
    assert ConnectionLost(message, hint).told == told
