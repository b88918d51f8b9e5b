"""What a run says that it did is what both servers have accepted."""

from typing import Any

import pytest

from tests.reliability.counters import compare, places, wrong


def test_counters_are_what_the_audit_logs_say_also_of_a_run_whose_engine_was_killed_with_something_open() -> None:
    undisturbed = compare(3)
    assert undisturbed.wrong == []
    killed = compare(3, places(undisturbed.log)[3])
    assert killed.wrong == []
    assert killed.left.ways == {"FromIntegrationTable"}


def test_kills_are_spread_over_the_audit_log_and_half_of_them_are_where_nav_is_written() -> None:
    crm, nav = b'{"side":"crm"}\n', b'{"side":"nav"}\n'
    log = crm * 40 + nav + crm * 38 + nav
    assert places(log) == [75, 40 * 15 + 14, 375, 40 * 15 + 14, 675, 1199, 975, 1199]


def job(**counters: int) -> dict[str, Any]:
    names = ("read", "inserted", "modified", "unchanged", "skipped", "failed")
    return {"job": "CUSTOMER", **dict.fromkeys(names, 0), **counters}


def line(op: str, key: str, name: str = "accounts") -> dict[str, str]:
    return {"op": op, "set": name, "key": key}


AUDIT = [
    line("create", "1"),
    line("create", "1", "Customer"),
    line("update", "1"),
    line("update", "2"),
    line("update", "2"),
]


def test_records_are_counted_and_not_writes_and_what_a_record_is_made_with_is_no_update() -> None:
    assert wrong([job(read=4, inserted=2, modified=1, failed=1)], AUDIT) == []


@pytest.mark.parametrize(
    ("counters", "told"),
    [
        ({"read": 3, "inserted": 2, "modified": 1, "unchanged": 1}, "CUSTOMER: 3 read, 4 with an outcome"),
        ({"read": 2, "inserted": 1, "modified": 1}, "CUSTOMER: 1 inserted, 2 created in accounts and Customer"),
        ({"read": 4, "inserted": 3, "modified": 1}, "CUSTOMER: 3 inserted, 2 created in accounts and Customer"),
        ({"read": 4, "inserted": 2, "modified": 2}, "CUSTOMER: 2 modified, 1 updated in accounts and Customer"),
    ],
)
def test_a_counter_that_is_too_small_or_too_large_is_told(counters: dict[str, int], told: str) -> None:
    assert wrong([job(**counters)], AUDIT) == [told]


def test_only_after_a_kill_may_fewer_be_counted_as_modified_than_were() -> None:
    few = [job(read=2, inserted=2)]
    assert wrong(few, AUDIT) == ["CUSTOMER: 0 modified, 1 updated in accounts and Customer"]
    assert wrong(few, AUDIT, killed=True) == []
    assert wrong([job(read=4, inserted=2, modified=2)], AUDIT, killed=True) != []
