from tests.reliability.ends import CASES, end_in_every_way


def test_a_line_that_drops_leaves_the_run_alone() -> None:
    ends = end_in_every_way([case for case in CASES if case.name == "line that drops"], ("--demo-size", "120"))
    assert ends.faults == []
    assert (ends.tried, ends.right) == (1, 1)


def test_the_table_has_thirteen_ways() -> None:
    assert len({case.name for case in CASES}) == 13
