import pytest

from tests.reliability.disks import TRIALS
from tests.reliability.trial import try_all


def test_a_damaged_store_is_refused_before_anything_is_sent() -> None:
    (trial,) = [one for one in TRIALS if one.name == "damaged store"]
    found = try_all([trial], ("--demo-size", "20"))
    if "skipped" in found.text:
        pytest.skip(found.text)
    assert found.met, found.details
