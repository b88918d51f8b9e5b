"""What the page says: each goal with its figure, and whether it is met."""

from pathlib import Path

import msgspec
import pytest

from bench import report
from bench.goals import GOALS
from bench.results import Machine, Once, Results, Series, keep, kept

MACHINE = Machine("a processor", 2, 2**30, "Linux 6", "3.11.7", {"httpx": "0.28.1"}, 0.5)
RUN = Once(
    cpu=4.0,
    wall=5.0,
    memory=150_000_000,
    requests=150,
    writes=100,
    bytes=10**8,
    created=100_000,
    updated=0,
    server_cpu=0.1,
)
FLOOR = msgspec.structs.replace(RUN, cpu=2.0, wall=2.0)


def results(*series: Series) -> Results:
    return Results("2026-01-01", "abc", MACHINE, list(series))


def line(found: Results, number: str, text: str) -> str:
    return next(one for one in report.table(found) if one.startswith(f"| {number} |") and text in one)


def test_a_goal_says_what_was_found_and_whether_it_is_met() -> None:
    met = Series("coupler", "first", 100_000, 1000, [RUN], [FLOOR, FLOOR])
    assert line(results(met), "G1", "CPU by the floor's").endswith("| 2 | 2 to 2 | 100,000 | met |")
    dear = Series("coupler", "first", 100_000, 1000, [msgspec.structs.replace(RUN, cpu=9.0)], [FLOOR, FLOOR])
    assert line(results(dear), "G1", "CPU by the floor's").endswith("| 4.5 | 4.5 to 4.5 | 100,000 | **SHORT** |")


def test_a_goal_that_is_a_least_is_met_above_it() -> None:
    ours = Series("coupler", "first", 100_000, 1000, [RUN], [FLOOR, FLOOR])
    theirs = Series("dlt", "first", 100_000, 1000, [msgspec.structs.replace(RUN, cpu=16.0)], [FLOOR, FLOOR])
    assert line(results(ours, theirs), "G2b", "dlt").endswith("| 4 | 4 to 4 | 100,000 | met |")
    near = Series("dlt", "first", 100_000, 1000, [msgspec.structs.replace(RUN, cpu=8.0)], [FLOOR, FLOOR])
    assert line(results(ours, near), "G2b", "dlt").endswith("**SHORT** |")


def test_what_was_not_measured_is_said() -> None:
    lines = list(report.table(results()))
    assert sum("not measured" in one for one in lines) == len(GOALS)


def test_a_ratio_is_taken_at_the_usual_size_and_memory_at_the_largest() -> None:
    usual = Series("coupler", "first", 100_000, 1000, [RUN], [FLOOR, FLOOR])
    largest = Series(
        "coupler",
        "first",
        1_000_000,
        1000,
        [msgspec.structs.replace(RUN, memory=300_000_000, cpu=60.0)],
        [FLOOR, FLOOR],
    )
    found = results(largest, usual)
    assert "| 2 | 2 to 2 | 100,000 | met |" in line(found, "G1", "CPU by the floor's")
    assert "| 300 MB | 300 to 300 | 1,000,000 | **SHORT** |" in line(found, "G6", "1,000 a request")
    assert "| 2 | 2 to 2 | 1,000,000 | **SHORT** |" in line(found, "G6b", "memory by that")
    assert "| 1.5 | 1.5 to 1.5 | 1,000,000 | **SHORT** |" in line(found, "G7", "CPU a record")


def test_requests_are_compared_with_the_most_there_may_be() -> None:
    ours = Series("coupler", "first", 100_000, 1000, [msgspec.structs.replace(RUN, requests=220)], [FLOOR, FLOOR])
    assert line(results(ours), "G12", "1,000 a request").endswith("| 1 | 1 to 1 | 100,000 | met |")


def test_a_second_run_is_compared_with_the_first_of_its_round() -> None:
    first = Series("coupler", "first", 100_000, 1000, [RUN, msgspec.structs.replace(RUN, cpu=8.0)], [FLOOR] * 3)
    again = Series("coupler", "again", 100_000, 1000, [msgspec.structs.replace(RUN, cpu=2.0, writes=0)] * 2)
    assert "| 0.375 | 0.25 to 0.5 |" in line(results(first, again), "G5b", "nothing changed")


def test_a_slow_line_does_not_count_as_a_fast_one() -> None:
    slow = Series("coupler", "first", 30_000, 100, [RUN], delay=0.05)
    dlt = Series("dlt", "first", 30_000, 100, [msgspec.structs.replace(RUN, wall=50.0)], delay=0.05)
    found = results(slow, dlt)
    assert line(found, "G3", "dlt").endswith("| 10 | 10 to 10 | 30,000 | met |")
    assert line(found, "G2b", "dlt").endswith("not measured |")


def test_the_table_takes_its_place_in_the_page(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write(results(), page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "a processor" in text
    assert "old" not in text


def test_a_page_without_a_place_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing here", encoding="utf-8")
    with pytest.raises(ValueError, match="does not say where"):
        report.write(results(), page)
    assert page.read_text(encoding="utf-8") == "nothing here"


def test_results_are_kept(tmp_path: Path) -> None:
    found = results(Series("dlt", "first", 10, 1, [RUN], [FLOOR, FLOOR]))
    keep(found, tmp_path / "deep" / "results.json")
    assert kept(tmp_path / "deep" / "results.json") == found
