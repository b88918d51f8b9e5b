"""The brake on the real process, at its limit and beyond."""

from tests.reliability.brakes import SHARE, lose_and_run


def test_one_coupling_too_many_that_lost_a_record_stops_a_run_before_it_writes() -> None:
    found = lose_and_run([SHARE], ["crm"])
    assert found.faults == []
    assert (found.tried, found.right) == (3, 3)
