"""What is asked of the servers, by a run that was killed halfway and by a second run."""

import httpx
import pytest

from tests.reliability.traffic import Second, compared, kill_at, run_twice
from tests.runs.company import Company, Row


def test_an_engine_that_is_killed_halfway_sends_little_more_than_an_undisturbed_one() -> None:
    (found,) = kill_at(5, [0.5])
    assert found.wrong == ""
    assert found.again <= found.batch
    assert found.undisturbed > 100
    assert found.killed - found.undisturbed < 30, "what every engine asks at its start, and the page that was under way"


def test_a_second_run_writes_what_was_changed_meanwhile_and_nothing_else() -> None:
    def call_elsewhere(company: Company) -> None:
        (account,) = company.crm("accounts", "accountid", where="startswith(name,'Boulangerie')")
        httpx.patch(
            f"{company.crm_url}/accounts({account['accountid']})",
            json={"telephone1": "+49 30 111111"},
            headers={"Authorization": f"Bearer {company.token}"},
            trust_env=False,
        ).raise_for_status()

    found = run_twice(5, call_elsewhere)
    assert found.first > found.second > 50
    assert [(one.op, one.set) for one in found.writes] == [("patch", "Customer")]
    assert found.wrong == []


def job(**counters: int) -> Row:
    names = ("read", "inserted", "modified", "unchanged", "skipped", "failed", "coupled")
    return {"job": "CUSTOMER", **dict.fromkeys(names, 0), **counters}


@pytest.mark.parametrize(
    "counters",
    [
        {"read": 9, "failed": 9},
        {"read": 9, "skipped": 8, "failed": 1},
        {"read": 1, "failed": 1},
        {"read": 9, "unchanged": 7, "failed": 1},
        {"read": 9, "modified": 8, "failed": 1},
        {"read": 9, "unchanged": 8, "failed": 1, "coupled": 1},
    ],
    ids=str,
)
def test_a_second_run_that_writes_nothing_as_it_compares_nothing_is_not_met(counters: dict[str, int]) -> None:
    before, there = [job(read=9, inserted=8, failed=1)], {"CUSTOMER": 9}
    assert Second(9, 9, [], compared(before, [job(read=9, unchanged=8, failed=1)], there, [])).met
    assert not Second(9, 9, [], compared(before, [job(**counters)], there, [])).met
    assert not Second(9, 9, [], compared(before, [], there, [])).met
