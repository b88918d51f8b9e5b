"""Counters and the audit logs of both servers: what a run says that it did is what the servers accepted.

Of a run that nothing happens to, all of it; of one whose engine was killed, what it created to the record, and of what it
modified never more than was written, as a record that was written by an engine that died is found as it should be.
"""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from tests.reliability.line import Line, Measured, noting
from tests.reliability.moments import WAYS, Left, Moments, left_open
from tests.reliability.trial import finish
from tests.runs.company import QUIETLY, Company, Row

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


@dataclass(frozen=True)
class Compared:
    """What is wrong, what the killed engine left open, and how the audit log of both servers was in the end."""

    wrong: list[str]
    left: Left
    log: bytes


def compare(seed: int, place: int = 0) -> Compared:
    """What a full synchronization of the demo of that seed says; its engine is killed when the audit log is longer than so
    many bytes, unless that is 0.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Company(Path(folder), "--demo-size", "30", "--seed", str(seed))) as company,
    ):
        left = Left((), ())
        if place:
            with contextlib.closing(Moments(company)) as moments:
                left = _kill(company, moments, place)
                finish(company)
        else:
            company.coupler("run", *QUIETLY)
            finish(company)
        audit = company.audit()
        assert audit, "nothing was written"
        found = wrong(company.status()["jobs"], audit, killed=bool(place))
        return Compared(found, left, company.audit_file.read_bytes())


def places(log: bytes) -> list[int]:
    """Where to kill, in bytes of an audit log: at even distances, every other one of them moved to the next thing that is
    written in NAV, which is written seldom.
    """
    lines = list(accumulate((len(line) for line in log.splitlines(keepends=True)), initial=0))
    nav = [end - 1 for end, line in zip(lines[1:], log.splitlines(), strict=True) if b'"side":"nav"' in line]
    even = [int(len(log) * (2 * one + 1) / (2 * _SEEDS)) for one in range(_SEEDS)]
    return [
        min((at for at in nav if at >= place), default=place) if one % 2 else place for one, place in enumerate(even)
    ]


def _kill(company: Company, moments: Moments, place: int) -> Left:
    """Kill an engine before it hears of what a server has written there; raises AssertionError where it ends before."""
    process = company.start("run", *QUIETLY)
    killed = moments.kill(process, lambda: company.audit_file.stat().st_size > place)
    process.communicate(timeout=600)
    assert killed, f"it ended before {place} bytes were written"
    return left_open(company)


def _measure() -> Measured:
    right, faults, open = 0, list[str](), Counter[str]()
    for seed in range(_SEEDS):
        with noting(faults, f"seed {seed}"):
            undisturbed = compare(seed)
            faults += [f"seed {seed}: {one}" for one in undisturbed.wrong]
            right += not undisturbed.wrong
            place = places(undisturbed.log)[seed]
            killed = compare(seed, place)
            faults += [f"seed {seed}, killed at {place} bytes: {one}" for one in killed.wrong]
            right += not killed.wrong
            open += Counter(killed.left.ways)
    faults += [f"no kill left anything open {way}" for way in sorted(WAYS - set(open))]
    told = ", ".join(f"{open[way]} {way}" for way in sorted(WAYS))
    return Measured(f"{right}/{2 * _SEEDS}, left open: {told}", right == 2 * _SEEDS and not faults, tuple(faults))


LINES = (
    Line(
        "runs whose counters are what the audit logs say, half of them killed",
        f"{2 * _SEEDS}/{2 * _SEEDS}, something open on both ways",
        _measure,
    ),
)
