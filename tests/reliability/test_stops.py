from tests.reliability.stops import stop_at_random


def test_a_stop_does_not_wait_for_servers_that_hang_and_nothing_is_lost() -> None:
    stops = stop_at_random(1, 1, ("--demo-size", "40"))
    assert stops.faults == []
    (seconds,) = stops.seconds
    assert seconds < 15, "five on a machine that does nothing else"
