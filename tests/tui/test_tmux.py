"""A day of an operator in a real tmux, with the keyboard alone, against both servers."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from tests.runs.company import Company
from tests.tui.tmux import Tmux, needs_tmux

ARMED = 1.4
"""Seconds after which a question hears keys."""


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path / "company", "--demo-size", "60")
    made.config.write_text(f'{made.config.read_text()}\n[mapping.CUSTOMER]\nconflict = "ask"\n')
    yield made
    made.close()


@pytest.fixture
def tmux(company: Company, tmp_path: Path) -> Iterator[Tmux]:
    env = {**company.environment, "TERM": "screen-256color", "LANG": "C.UTF-8"}
    made = Tmux(tmp_path, company.command(), env)
    yield made
    made.close()


def _answer(tmux: Tmux, question: str, key: str) -> None:
    tmux.until(question)
    sleep(ARMED)
    tmux.press(key)


def _home(tmux: Tmux) -> None:
    """Back to the first screen; each Escape has time of its own, as one with a key right behind it is Alt and that key."""
    for _ in range(10):
        if "s Full sync" in tmux.text:
            break
        tmux.press("Escape")
        sleep(1)
    tmux.until("s Full sync")


def _full(tmux: Tmux, run: int) -> None:
    """A full synchronization of that number from the first screen, and back to it; its plan is the number before."""
    tmux.press("s")
    _answer(tmux, "Start now?", "y")
    _answer(tmux, "Keep it cleared?", "n")
    tmux.until("answer: no")
    _home(tmux)
    tmux.until(f"Run {run} finished")


def _pairs(company: Company) -> list[tuple[str, str]]:
    """Numbers of customers and ids of their accounts: those whose name nobody else has."""
    customers, accounts = company.nav("Customer", "No", "Name"), company.crm("accounts", "accountid", "name")
    names = Counter(one["Name"] for one in (*customers, *({"Name": each["name"]} for each in accounts)))
    ids = {one["name"]: one["accountid"] for one in accounts}
    return [(one["No"], ids[one["Name"]]) for one in customers if one["Name"] in ids and names[one["Name"]] == 2]


def _stranger(company: Company) -> str:
    """The code of a salesperson that is no user of CRM."""
    users = {str(one["internalemailaddress"]).casefold() for one in company.crm("systemusers", "internalemailaddress")}
    people = company.nav("Salesperson_Purchaser", "Code", "E_Mail")
    return next(str(one["Code"]) for one in people if one["E_Mail"].casefold() not in users)


def _coupled(company: Company) -> set[tuple[str, str, str, str]]:
    """What the store has coupled: mapping, NAV number, and the ids of both."""
    return {(one["mapping"], one["nav_no"], one["nav_id"], one["crm_id"]) for one in company.lines("couplings")}


def _pair_on(seen: str) -> tuple[str, str, str]:
    """Mapping and number of the NAV record whose match is looked at, and how the id of the first candidate begins."""
    record = re.search(r"Match review > (\S+) > NAV (\S+)", seen)
    candidate = re.search(r"^> .* ([0-9a-f]{8}) +\d+ of \d+$", seen, re.MULTILINE)
    assert record, seen
    assert candidate, seen
    return record[1], record[2], candidate[1]


def _choose(tmux: Tmux, words: str) -> None:
    """Moves the cursor to the line with these words."""
    tmux.press("g")
    for _ in range(20):
        if any(line.startswith(">") and words in line for line in tmux.text.splitlines()):
            return
        tmux.press("j")
        sleep(0.2)
    raise AssertionError(f"{words} is not there:\n{tmux.text}")


@needs_tmux
def test_a_day_with_a_full_synchronization_and_what_comes_after_it(company: Company, tmux: Tmux) -> None:
    tmux.until("ITEM-PRODUCT")
    _full(tmux, 2)

    # Somebody gives a customer two names, and another one a salesperson that is no user of CRM.
    (number, account), (other, its_account), *_ = _pairs(company)
    company.edit("accounts", account, {"name": "Their name"})
    company.edit_nav("Customer", number, {"Name": "Our name"})
    company.edit_nav("Customer", other, {"Salesperson_Code": _stranger(company), "Phone_No": "0711 1"})
    _full(tmux, 4)

    # What failed is left alone, mended, and tried again.
    tmux.press("e")
    tmux.until("Salesperson_Code")
    _choose(tmux, "Salesperson_Code")
    tmux.press("K")
    _answer(tmux, "Do it?", "y")
    tmux.until("1 record")
    company.edit_nav("Customer", other, {"Salesperson_Code": ""})
    tmux.press("r")
    tmux.until("1 record will be tried again by the next pass.")
    _home(tmux)

    # The conflict: NAV's name for both.
    tmux.press("c")
    tmux.until("Our name")
    tmux.press("Enter")
    sleep(0.5)
    tmux.press("n")
    tmux.until("NAV *")
    tmux.press("w")
    tmux.until("Written for CUSTOMER")
    _home(tmux)

    # The ambiguous match: the first candidate is the right one.
    tmux.press("m")
    tmux.until("enter Candidates")
    tmux.press("Enter")
    shown = tmux.until("2 candidates")
    mapping, numbered, id = _pair_on(shown)
    before_it, written = _coupled(company), len(company.audit())
    tmux.press("C")
    _answer(tmux, "Do it?", "y")
    tmux.until("1 record coupled.")
    ((its_mapping, no, nav_id, crm_id),) = _coupled(company) - before_it
    assert (its_mapping, no) == (mapping, numbered)
    assert crm_id.startswith(id)
    (record,) = company.nav("Customer", "Name", where=f"SystemId eq {nav_id}")
    (account_of_it,) = company.crm("accounts", "name", where=f"accountid eq {crm_id}")
    assert record["Name"].casefold() == account_of_it["name"].casefold()
    assert len(company.audit()) == written
    _home(tmux)
    _full(tmux, 7)
    assert company.crm("accounts", "name", where=f"accountid eq {account}")[0]["name"] == "Our name"
    assert company.crm("accounts", "telephone1", where=f"accountid eq {its_account}")[0]["telephone1"] == "0711 1"

    # The last run is taken back.
    before = len(company.audit())
    tmux.press("h")
    tmux.until("U Undo run")
    tmux.press("U")
    _answer(tmux, "Undo it now?", "y")
    tmux.until("FINISHED")
    assert len(company.audit()) > before
    assert company.crm("accounts", "name", where=f"accountid eq {account}")[0]["name"] == "Their name"
    tmux.press("q")
