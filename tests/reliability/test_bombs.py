"""Small answers that would become huge are refused, and the process stays small."""

from tests.reliability.bombs import BOMBS, MOST, Bomb, explode


def test_what_would_become_huge_is_refused_in_little_memory() -> None:
    names = ("gzip of page", "small objects in page", "1e999999999 in page", "a billion laughs")
    tally = explode(tuple(one for one in BOMBS if one.name in names), 200 << 20)
    assert tally.faults == []
    assert (tally.tried, tally.refused) == (4, 4)
    assert 0 < tally.peak <= MOST


def test_an_answer_that_is_taken_in_is_no_success() -> None:
    tally = explode((Bomb("no bomb", "page", lambda size: iter((b'{"value":[]}',))),))
    assert (tally.refused, tally.faults) == (0, ["no bomb: accepted: a list of 0"])
