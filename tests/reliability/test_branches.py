"""Which branches of some modules a seed and some tests reach."""

import pytest

from tests.reliability.branches import BESIDE, PROTOCOL, Reached, judged, reach
from tests.reliability.line import Measured
from tests.runs.company import ROOT

_TESTS = "tests/connectors/test_verdicts.py"
_IN_THREADS = "tests/sync/test_candidates.py"


def test_what_a_seed_and_tests_reach_is_told_by_module() -> None:
    names = ("connectors/verdicts", "connectors/gate", "connectors/ntlm", "sync/candidates")
    (verdicts, gate, ntlm, candidates), failed = reach([f"engine/{one}.py" for one in names], 1, [_TESTS, _IN_THREADS])
    assert failed == []
    assert verdicts.share == 1.0, f"its tests reach all of it: {verdicts}"
    assert gate.share > 0.1, f"the simulation reaches some of it: {gate}"
    assert ntlm.share == 0.0, f"nobody signs in with NTLM: {ntlm}"
    assert candidates.share > 0.9, f"its tests reach it in threads: {candidates}"
    assert 0 < len(ntlm.missed) == ntlm.branches


def test_nothing_is_measured_of_tests_that_are_not_there() -> None:
    with pytest.raises(AssertionError, match=r"nothing\.py"):
        reach(PROTOCOL, 1, ["tests/nothing.py"])


def test_one_module_that_is_hardly_reached_is_short_however_well_the_others_are() -> None:
    whole, half = Reached("engine/a.py", 998, ()), Reached("engine/store/b.py", 2, ((1, 2),))
    assert judged([whole, half], []) == Measured(
        "99.9% of 1,000 in 2 / 50%, store/b.py", met=False, details=(str(half),)
    )
    assert judged([whole], []).met
    assert not judged([whole], ["pytest tests/sync: failed"]).met, "what failed has reached who knows what"


def test_all_that_decides_sends_settles_and_keeps_is_measured_unless_it_is_named() -> None:
    assert {
        *("engine/runs/full.py", "engine/runs/control.py", "engine/mapping/decide.py", "engine/sync/deletions.py"),
        *("engine/sync/linking.py", "engine/sync/twins.py", "engine/sync/undo/acting.py", "engine/store/watermarks.py"),
        *("engine/store/troubles.py", "engine/store/work.py", "engine/connectors/client.py"),
        *("engine/store/retention.py", "engine/connectors/together.py", "engine/connectors/filters.py"),
        *("engine/mapping/transfer.py", "engine/runs/process.py"),
    } <= set(PROTOCOL)
    assert {"engine/sync/difference.py", "engine/sync/check/side_by_side.py"} <= BESIDE, "they only compare"
    gone = [name for name in (*BESIDE, *PROTOCOL) if not (ROOT / name).is_file()]
    assert gone == []
    assert not BESIDE & set(PROTOCOL)
