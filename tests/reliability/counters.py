"""Counters and the audit logs of both servers: what a run says that it did is what the servers accepted.

Of a run that nothing happens to, all of it; of one whose engine was killed, what it created to the record, and of what it
modified never more than was written, as a record that was written by an engine that died is found as it should be.
"""

import contextlib
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.reliability.line import Line, Measured, noting
from tests.reliability.trial import finish, written
from tests.runs.company import QUIETLY, Company, Row, eventually

_SEEDS = 8
_SETS = {
    ("CURRENCY",): ("transactioncurrencies",),
    ("SALEPEOPLE",): ("Salesperson_Purchaser",),
    ("UNITOFMEASURE",): ("uomschedules",),
    ("CUSTOMER",): ("accounts", "Customer"),
    ("CONTACTS",): ("contacts", "Contact"),
    ("RESOURCE-PRODUCT", "ITEM-PRODUCT"): ("products", "Resource", "Item"),
}
"""Jobs, and the sets of both servers to which they write; the rows that come with others have sets of their own."""
_OUTCOMES = ("inserted", "modified", "unchanged", "skipped", "failed")


def wrong(jobs: Sequence[Row], audit: Sequence[Row], *, killed: bool = False) -> list[str]:
    """What jobs say that is not what servers have accepted, in words."""
    found = [
        f"{one['job']}: {one['read']} read, {sum(one[name] for name in _OUTCOMES)} with an outcome"
        for one in jobs
        if one["read"] != sum(one[name] for name in _OUTCOMES)
    ]
    for names, sets in _SETS.items():
        own = [one for one in jobs if one["job"] in names]
        lines = [one for one in audit if one["set"] in sets]
        created = {(one["set"], one["key"]) for one in lines if one["op"] == "create"}
        updated = {(one["set"], one["key"]) for one in lines if one["op"] == "update"} - created
        inserted, modified = (sum(one[name] for one in own) for name in ("inserted", "modified"))
        if inserted != len(created):
            found.append(f"{'+'.join(names)}: {inserted} inserted, {len(created)} created in {' and '.join(sets)}")
        if modified > len(updated) or (modified < len(updated) and not killed):
            found.append(f"{'+'.join(names)}: {modified} modified, {len(updated)} updated in {' and '.join(sets)}")
    return found


def compare(seed: int, *, killed: bool) -> list[str]:
    """What is wrong after a full synchronization of the demo of that seed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Company(Path(folder), "--demo-size", "30", "--seed", str(seed))) as company,
    ):
        if killed:
            _kill(company, random.Random(seed))
        else:
            company.coupler("run", *QUIETLY)
        finish(company)
        audit = company.audit()
        assert audit, "nothing was written"
        return wrong(company.status()["jobs"], audit, killed=killed)


def _kill(company: Company, chance: random.Random) -> None:
    """Start a run, and kill its engine a moment after it has written something; raises AssertionError where it is over by then."""
    process = company.start("run", *QUIETLY)
    eventually(lambda: written(company) or process.poll() is not None)
    time.sleep(chance.uniform(0.0, 0.2))
    company.signal_engine()
    process.communicate(timeout=600)


def _measure() -> Measured:
    right, faults = 0, list[str]()
    for seed in range(_SEEDS):
        for killed in (False, True):
            with noting(faults, f"seed {seed}{', killed' * killed}"):
                found = compare(seed, killed=killed)
                faults += [f"seed {seed}{', killed' * killed}: {one}" for one in found]
                right += not found
    return Measured(f"{right}/{2 * _SEEDS}", right == 2 * _SEEDS and not faults, tuple(faults))


LINES = (
    Line(
        "runs whose counters are what the audit logs say, half of them killed", f"{2 * _SEEDS}/{2 * _SEEDS}", _measure
    ),
)
