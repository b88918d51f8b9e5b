"""Nothing twice and nothing uncoupled, whatever follows a kill."""

import contextlib
from collections import Counter
from pathlib import Path

import pytest

from tests.reliability import alike, twice
from tests.reliability.twice import WAYS, kill_and
from tests.runs.company import Company, Row

_LEFT = """
INSERT INTO outcome SELECT run_id, 4, 'ToIntegrationTable', nav_id, 'failed', 'CUSTOMER', 'ambiguous', 'several', 'several',
'', nav_no, 'a firm', nav_id, crm_id, 0 FROM coupling WHERE mapping = 'CUSTOMER'
"""


def test_nothing_is_made_twice_or_left_uncoupled_whatever_follows_a_kill() -> None:
    kills = kill_and([WAYS[1], WAYS[2]], [0.5], "--demo-size", "20")
    assert kills.faults == []
    assert [name for name, _ in kills.found] == ["cancel at 50%", "lose at 50%"]
    assert kills.undisturbed.number > 100
    assert min(made.number for _, made in kills.found) > 0.5 * kills.undisturbed.number


def test_a_store_that_is_lost_is_no_excuse_to_call_every_match_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    lose = twice._lose

    def leave_all(company: Company) -> None:
        lose(company)
        with company.store() as store:
            store.execute(_LEFT)
            store.execute("DELETE FROM coupling WHERE mapping = 'CUSTOMER'")
            store.commit()

    monkeypatch.setattr(twice, "_lose", leave_all)
    kills = kill_and([leave_all], [0.5], "--demo-size", "5")
    told = "; ".join(kills.faults)
    assert "CUSTOMER a firm is left as ambiguous, and nothing looks like it" in told
    assert "coupled: " in told


def test_a_store_that_is_lost_is_no_excuse_for_values_that_are_not_carried_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lose = twice._lose

    def spoil(company: Company) -> None:
        lose(company)
        coupled = next(one for one in company.lines("couplings") if one["mapping"] == "CURRENCY")
        company.edit("transactioncurrencies", coupled["crm_id"], {"exchangerate": 3.5})

    monkeypatch.setattr(twice, "_lose", spoil)
    assert "transactioncurrencies: " in "; ".join(kill_and([spoil], [0.5], "--demo-size", "5").faults)


def test_only_firms_of_which_the_servers_have_several_may_be_left(tmp_path: Path) -> None:
    with contextlib.closing(Company(tmp_path, "--demo-size", "20")) as company:
        accounts = company.crm("accounts", "accountid", "name", "emailaddress1")
        (name, _), *_ = Counter((one["name"], one["emailaddress1"]) for one in accounts).most_common(1)
        several = {one["accountid"] for one in accounts if one["name"] == name[0]}
        all = {one["accountid"] for one in accounts}
        found = alike.find(company, all)
    assert len(several) == 2
    assert several == all & found.keys

    def left(id: str) -> Row:
        return {
            "mapping": "CUSTOMER",
            "name": "a firm",
            "code": "ambiguous",
            "nav_no": "",
            "nav_id": None,
            "crm_id": id,
        }

    assert found.objections(map(left, several)) == []
    assert len(found.objections(map(left, all))) == len(all) - 2
