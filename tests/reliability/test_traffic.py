"""What is asked of the servers, by a run that was killed halfway and by a second run."""

import httpx

from tests.reliability.traffic import kill_at, run_twice
from tests.runs.company import Company


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

    first, second, writes = run_twice(5, call_elsewhere)
    assert first > second > 50
    assert [(one.op, one.set) for one in writes] == [("patch", "Customer")]
