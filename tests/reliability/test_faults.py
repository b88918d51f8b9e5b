"""Runs of the real process that meet faults of the network, small enough to be run with every change."""

from tests.reliability.faults import weather


def test_faults_of_the_network_leave_the_same_behind_as_none() -> None:
    storms = weather(("late", "all"), 1)
    assert storms.faults == []
    assert storms.survived == 2
    assert storms.happened["late"].keys() == {"late"}
    assert len(storms.happened["all"]) > 1
