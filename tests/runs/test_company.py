from collections.abc import Callable

import pytest

from tests.runs.company import Company


def test_a_command_that_fails_is_not_taken_for_one_that_has_nothing_to_say(make: Callable[..., Company]) -> None:
    company = make("--demo-size", "2")
    assert company.status() == {}, "there was no run yet"
    company.config.write_text("x")
    with pytest.raises(AssertionError, match="errors ended with 2"):
        company.lines("errors")
