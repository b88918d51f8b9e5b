from tests.reliability.races import race


def test_of_eight_who_do_the_same_at_once_one_does_it() -> None:
    races = race(2)
    assert races.faults == []
    assert (races.run, races.won) == (6, 6)
