from tests.reliability.flags import ANSWERS, CASES, JOBS, POINTS, kill_and_look


def test_flags_are_as_before_or_as_answered_right_after_a_kill() -> None:
    cases = [("SALEPEOPLE", answer, point) for answer, point in (("yes", 3), ("yes", 9), ("no", 8), ("cancel", 7))]
    found = kill_and_look(cases)
    assert found.faults == []
    assert (found.tried, found.right) == (4, 4)


def test_the_table_has_every_job_answer_and_point() -> None:
    assert len(set(CASES)) == len(JOBS) * len(ANSWERS) * len(POINTS) == 210
