"""The company of ../shared/data/adventureworks, about 21,000 records, from the first run to the last."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.runs.company import (
    DATA,
    QUIETLY,
    Company,
    Row,
    counted,
    eventually,
    job,
    needs_adventureworks,
    peak_memory,
    result,
    seeds,
)

pytestmark = needs_adventureworks
SECONDS = 60
BYTES = 250_000_000
KILLS = 20


class First:
    """What the first run did."""

    def __init__(self, company: Company) -> None:
        self.company = company
        started = time.monotonic()
        process = company.start("run", *QUIETLY, "--json")
        self.peak = 0
        while process.poll() is None:
            self.peak = max(self.peak, peak_memory(company.engine()))
            time.sleep(0.1)
        self.seconds = time.monotonic() - started
        out, self.said = process.communicate()
        self.code = process.returncode
        self.result: Row = json.loads(out.splitlines()[-1])
        self.audit = company.audit()
        self.size = company.audit_file.stat().st_size
        with contextlib.closing(sqlite3.connect(company.config.with_suffix(".db"))) as store:
            (self.pages,) = store.execute("SELECT count(*) FROM page").fetchone()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[First]:
    with contextlib.closing(Company(tmp_path_factory.mktemp("home"), "--data", str(DATA))) as company:
        yield First(company)


def test_the_first_run_does_what_was_promised(first: First) -> None:
    assert (first.code, first.result["state"], first.result["answer"]) == (1, "finished", "no"), first.said
    assert {one["job"]: job(first.result, one["job"]) for one in first.result["jobs"]} == {
        "CURRENCY": {"inserted": 13, "failed": 91},
        "SALEPEOPLE": {"unchanged": 17, "coupled": 17},
        "UNITOFMEASURE": {"inserted": 38},
        "CUSTOMER": {"inserted": 19185, "unchanged": 19185},
        "CONTACTS": {"inserted": 753, "unchanged": 753},
        "RESOURCE-PRODUCT": {"inserted": 290, "unchanged": 290},
        "ITEM-PRODUCT": {"inserted": 406, "unchanged": 406},
    }
    causes = Counter(one["cause"] for one in first.company.lines("errors"))
    assert causes == {"no exchange rate": 91}
    assert not [line for line in first.audit if line["side"] == "nav"], "nothing is new to NAV"


def test_the_first_run_is_quick_and_small(first: First) -> None:
    print(f"\nfirst run: {first.seconds:.1f} s, engine peak {first.peak / 1e6:.0f} MB")  # noqa: T201 - figures
    assert first.seconds < SECONDS
    assert 30_000_000 < first.peak < BYTES


def test_crm_is_as_it_should_be_after_the_first_run(first: First) -> None:
    look_at(first.company)


def test_counters_are_what_the_audit_log_has(first: First) -> None:
    made = counted(first.audit, "create")
    assert made == {
        "transactioncurrencies": 13,
        "uomschedules": 38,
        "accounts": 19185,
        "contacts": 753,
        "products": 696,
        "pricelevels": 1,
        "productpricelevels": 696,
    }
    assert Counter(line["set"] for line in first.audit if line["op"] == "create") == made, "and nothing twice"
    assert counted(first.audit, "update") == {"accounts": 701, "products": 696}


def test_the_second_run_writes_nothing(first: First) -> None:
    before = len(first.company.audit())
    started = time.monotonic()
    done = first.company.coupler("run", *QUIETLY, "--json")
    print(f"\nsecond run: {time.monotonic() - started:.1f} s")  # noqa: T201 - a figure
    assert done.returncode == 1
    found = result(done)
    assert job(found, "CURRENCY") == {"unchanged": 13, "failed": 91}
    assert {name: job(found, name) for name in ("CUSTOMER", "CONTACTS", "ITEM-PRODUCT")} == {
        "CUSTOMER": {"unchanged": 38370},
        "CONTACTS": {"unchanged": 1506},
        "ITEM-PRODUCT": {"unchanged": 812},
    }
    assert found["counters"]["failed"] == 91
    assert first.company.audit(before) == []


def test_an_engine_that_is_killed_at_any_moment_loses_and_doubles_nothing(
    first: First, make: Callable[..., Company]
) -> None:
    """Twenty times `kill -9`, each followed by `coupler resume`. The moments are shares of the whole work, so that they
    are spread over all of it however fast the machine is.
    """
    seed = int(os.environ.get("COUPLER_SEED", "2"))
    chance = random.Random(seed)
    company = make("--data", str(DATA))
    waiting = company.start("run", *QUIETLY)
    killed: list[float] = []
    for moment in sorted(chance.uniform(0.0, 0.93) for _ in range(KILLS)):
        pid = eventually(company.engine)
        while (share := progress(company, first)) < moment:
            assert company.engine() == pid, "it ended by itself"
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.05))
        os.kill(pid, signal.SIGKILL)
        killed.append(round(share, 2))
        _, said = waiting.communicate(timeout=60)
        assert "ended without a word" in said, said
        waiting = company.start("resume", *QUIETLY)
    waiting.communicate(timeout=120)
    print(f"\nseed {seed}: killed {len(killed)} times, at {killed} of the work")  # noqa: T201 - figures
    assert len(killed) == KILLS
    assert len(set(killed)) > KILLS // 2, "most of them in the middle of the work"
    found = company.status()
    assert (found["state"], found["answer"]) == ("finished", "no")
    look_at(company)
    audit = company.audit()
    created = Counter(line["set"] for line in audit if line["op"] == "create")
    assert created == counted(audit, "create"), "nothing was made twice"
    assert created["accounts"] == 19185
    assert {one["job"]: one["inserted"] for one in found["jobs"]} == {
        "CURRENCY": created["transactioncurrencies"],
        "SALEPEOPLE": 0,
        "UNITOFMEASURE": created["uomschedules"],
        "CUSTOMER": created["accounts"],
        "CONTACTS": created["contacts"],
        "RESOURCE-PRODUCT": 290,
        "ITEM-PRODUCT": 406,
    }
    assert (found["counters"]["failed"], job(found, "SALEPEOPLE")["coupled"]) == (91, 17)
    assert all(one["read"] == one["total"] for one in found["jobs"])
    assert all(one["before"] is True and one["now"] is True for one in found["flags"]), "No: as before"
    assert [one["mapping"] for one in company.lines("mappings") if not one["only_coupled"]] == []


def progress(company: Company, first: First) -> float:
    """How much of the work of the first run is done: of its pages and of its writes, as one number up to 1."""
    with contextlib.closing(sqlite3.connect(company.config.with_suffix(".db"), timeout=10)) as store:
        (pages,) = store.execute("SELECT count(*) FROM page WHERE run_id = 1").fetchone()
    return float(pages / first.pages + company.audit_file.stat().st_size / first.size) / 2


def look_at(company: Company) -> None:
    """The state that CRM must be in, seen from outside."""
    accounts = company.crm("accounts", "accountid", "name", "_primarycontactid_value", "_transactioncurrencyid_value")
    assert len(accounts) == 19185
    currencies = {
        one["transactioncurrencyid"]: one["isocurrencycode"]
        for one in company.crm("transactioncurrencies", "isocurrencycode")
    }
    assert len(currencies) == 14, "the base currency and 13 others"
    pairs: dict[str, dict[str, Any]] = {}
    for one in company.lines("couplings"):
        pairs.setdefault(one["mapping"], {})[one["nav_no"]] = one["crm_id"]
    assert {name: len(found) for name, found in pairs.items()} == {
        "CURRENCY": 13,
        "SALEPEOPLE": 17,
        "UNITOFMEASURE": 38,
        "CUSTOMER": 19185,
        "CONTACTS": 753,
        "RESOURCE-PRODUCT": 290,
        "ITEM-PRODUCT": 406,
    }
    by_id = {one["accountid"]: one for one in accounts}
    customers = seeds("nav/Customer.csv")
    for customer in customers:
        account = by_id[pairs["CUSTOMER"][customer["No"]]]
        assert account["name"] == customer["Name"].strip()
        assert currencies[account["_transactioncurrencyid_value"]] == (customer["Currency_Code"] or "USD")
    people = {one["contactid"]: one for one in company.crm("contacts", "contactid", "_parentcustomerid_value")}
    assert len(people) == 753
    for person in seeds("nav/Contact.csv"):
        if person["Type"] == "Person":
            parent = people[pairs["CONTACTS"][person["No"]]]["_parentcustomerid_value"]
            assert parent == pairs["CUSTOMER"][person["Customer_No"]]
    primary = {one["No"]: one["Primary_Contact_No"] for one in customers if one["Primary_Contact_No"]}
    assert len(primary) == 701
    for number, contact in primary.items():
        assert by_id[pairs["CUSTOMER"][number]]["_primarycontactid_value"] == pairs["CONTACTS"][contact]
    published = Counter(
        one["producttypecode"] for one in company.crm("products", "producttypecode", where="statecode eq 0")
    )
    assert published == {3: 290, 1: 406}
    assert len(company.crm("products", "productnumber")) == 696
    assert len(company.crm("productpricelevels", "amount")) == 696
