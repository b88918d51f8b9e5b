"""The process that does the work is looked into, and not the one that starts it."""

import pstats
from pathlib import Path

from bench.canned import serving
from bench.contenders import FLOOR, fresh, hooked
from bench.measure import measured


def test_the_floor_is_profiled_and_not_what_measures_it(tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    with serving(300) as services:
        place = fresh(FLOOR, services, tmp_path / "floor", 100)
        measured(FLOOR.command(place), hooked(place, "BENCH_PROFILE", found))
        assert services.tally().created == 300
    (profile,) = found.iterdir()
    calls = {
        name: int(one.ncalls)
        for name, one in pstats.Stats(str(profile)).get_stats_profile().func_profiles.items()
        if str(one.ncalls).isdigit()
    }
    assert calls["mapped"] == 300
    assert calls["post"] == 3
    assert "measured" not in calls
