"""Which branches of some modules a seed and some tests reach."""

import pytest

from tests.reliability.branches import PROTOCOL, reach

_TESTS = "tests/connectors/test_verdicts.py"


def test_what_a_seed_and_tests_reach_is_told_by_module() -> None:
    modules = ["engine/connectors/verdicts.py", "engine/connectors/gate.py", "engine/connectors/ntlm.py"]
    (verdicts, gate, ntlm), failed = reach(modules, 1, [_TESTS])
    assert failed == []
    assert verdicts.share == 1.0, f"its tests reach all of it: {verdicts}"
    assert gate.share > 0.1, f"the simulation reaches some of it: {gate}"
    assert ntlm.share == 0.0, f"nobody signs in with NTLM: {ntlm}"
    assert 0 < len(ntlm.missed) == ntlm.branches


def test_nothing_is_measured_of_tests_that_are_not_there() -> None:
    with pytest.raises(AssertionError, match=r"nothing\.py"):
        reach(PROTOCOL, 1, ["tests/nothing.py"])
