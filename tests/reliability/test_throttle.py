"""What an engine sends when CRM puts it off because somebody else uses up the limits of its user."""

import pytest

from tests.reliability.throttle import Passed, run_throttled, sent_in_pauses


def test_an_engine_that_is_put_off_waits_and_repeats_only_what_was_refused() -> None:
    found = run_throttled(5, 100, 1, "--only", "CURRENCY", told=False)
    assert found.wrong == ""
    assert found.in_pauses == ()
    assert found.refused > 0
    assert found.sent == found.needed + found.refused


@pytest.mark.parametrize(
    ("came", "depths"),
    [
        (9.0, []),  # before the answer
        (10.4, []),  # on its way
        (11.0, [1.0]),
        (14.9, [4.9]),
        (15.1, []),  # the pause is over
    ],
)
def test_what_comes_in_a_pause_was_sent_in_spite_of_it_unless_it_was_on_its_way(
    came: float, depths: list[float]
) -> None:
    passed = [Passed(8.0, 10.0, pause=5.0), Passed(8.0, 10.1), Passed(came, 20.0)]
    assert sent_in_pauses(passed) == pytest.approx(depths)


def test_a_second_answer_may_make_a_pause_longer() -> None:
    passed = [Passed(0.0, 10.0, pause=2.0), Passed(0.0, 10.2, pause=8.0), Passed(17.0, 17.1)]
    assert sent_in_pauses(passed) == pytest.approx([6.8])
