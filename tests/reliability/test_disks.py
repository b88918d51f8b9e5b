import pytest

from tests.reliability.disks import TRIALS
from tests.reliability.trial import Trial, try_all


@pytest.mark.parametrize(
    "trial", [one for one in TRIALS if one.name in ("damaged store", "full disk")], ids=lambda one: one.name
)
def test_a_fault_of_a_disk_loses_nothing(trial: Trial) -> None:
    found = try_all([trial], ("--demo-size", "20"))
    if "skipped" in found.text:
        pytest.skip(found.text)
    assert found.met, found.details
