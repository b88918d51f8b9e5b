"""Each fault of docs/guarantees.md is injected by something that is there."""

from tests.reliability.injected import LINES, injectors, missing

HERE = "tests/reliability/test_injected.py"


def test_all_faults_are_injected() -> None:
    found = LINES[0].measure()
    assert found.details == ()
    assert found.met
    assert found.text == "32/32"


def test_a_test_that_is_not_collected_and_a_module_that_measures_nothing_are_told() -> None:
    text = f"""
| F1 | kill | `tests/reliability/kills.py`, `{HERE}::test_all_faults_are_injected` |
| F2 | power | `{HERE}::test_nothing_of_this_name`, `tests/reliability/line.py` |
| F3 | none | somebody |
"""
    assert missing(injectors(text)) == [
        "F3: nothing injects it",
        f"F2: pytest collects no {HERE}::test_nothing_of_this_name",
        "F2: tests/reliability/line.py measures nothing",
    ]
