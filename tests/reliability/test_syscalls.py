"""Kills between two syscalls: which points there are, and a few of them."""

import pytest

from tests.reliability.straced import Point, missing
from tests.reliability.syscalls import kill_at, points, spread

TRACE = """\
100   openat(AT_FDCWD, "x") = 3
100   sendto(10, "GET /", 3, 0, NULL, 0) = 3
101   pwrite64(4, "x", 1, 0) = 1
101   sendto(9, "\\0", 1, 0, NULL, 0 <unfinished ...>
100   recvfrom(8,  <unfinished ...>
101   <... sendto resumed>)             = 1
100   <... recvfrom resumed>"\\0", 4096, 0, NULL, NULL) = 1
100   sendto(10, "POST /"..., 3, 0, NULL, 0) = 3
101   sendto(9, "\\0", 1, 0, NULL, 0) = 1
100   recvfrom(10,  <unfinished ...>
101   fdatasync(4) = 1
101   sendto(9, "\\0", 1, 0, NULL, 0) = 1
100   recvfrom(8,  "\\0", 4096, 0, NULL, NULL) = 1
"""


def test_the_points_of_a_run_are_told_by_its_trace() -> None:
    writing, others = points(TRACE.splitlines())
    assert [str(one) for one in writing] == [
        "main thread, sendto 2",
        "main thread, recvfrom 2",
        "any thread, fdatasync 1",
        "any thread, sendto 3",
    ]
    assert [str(one) for one in others] == [
        "main thread, sendto 1",
        "any thread, pwrite64 1",
        "main thread, recvfrom 1",
        "main thread, recvfrom 3",
    ]


def test_points_are_taken_from_all_over_the_run_and_from_every_kind() -> None:
    all = [
        Point(name, at, main=False)
        for name, last in (("flock", 1), ("fsync", 40), ("write", 400))
        for at in range(last)
    ]
    found = spread(all, 21)
    assert len(set(found)) == 21
    assert [one.at for one in found if one.name == "flock"] == [0]
    assert [one.at for one in found if one.name == "fsync"] == list(range(2, 40, 4))
    assert [one.at for one in found if one.name == "write"] == list(range(20, 400, 40))


@pytest.mark.skipif(bool(missing()), reason=f"nothing is killed between two syscalls here: {missing()}")
def test_engines_that_are_killed_between_two_syscalls_come_to_the_same_end() -> None:
    kills = kill_at(2)
    assert kills.faults == []
    assert (kills.done, kills.survived) == (2, 2)
