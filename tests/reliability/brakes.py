"""Sides that look like an older copy: just so many couplings have lost a record that a run goes on, and one more, which
stops the real process before it writes, until the records are there again.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.reliability.line import Line, Measured, noting
from tests.runs.company import QUIETLY, Company, Row

SIDES = ("nav", "crm")
_STOPPED = 8
_DONE = (0, 1)
_READ_ONLY = {"nav": ("Last_Date_Modified", "SystemCreatedAt", "SystemModifiedAt"),
              "crm": ("accountid", "versionnumber", "createdon", "modifiedon")}  # fmt: skip
_LOOKUPS = {"ownerid": "systemusers", "transactioncurrencyid": "transactioncurrencies"}
_CASES = 9
"""At both limits and beyond, on both sides; and a side that was set back."""
_NO_LESS = 10
"""Losses below which nothing is stopped (docs/guarantees.md)."""


@dataclass(frozen=True)
class Size:
    """A demo, and how many of so many couplings of customers may have lost a record (issue, part 7)."""

    customers: int
    most: Callable[[int], int]


SHARE = Size(300, lambda total: total * 5 // 100)
COUNT = Size(1100, lambda _: 50)


@dataclass
class Brakes:
    """`right` are runs that went on, or were stopped before they wrote and went on when the records were there again."""

    tried: int = 0
    right: int = 0
    faults: list[str] = field(default_factory=list)


class Side:
    """The customers of one system, as somebody who has a backup of it handles them."""

    def __init__(self, company: Company, side: str) -> None:
        self._side = side
        self._address = (
            f"{company.nav_url}/Company('CRONUS%20International%20Ltd.')/Customer"
            if side == "nav"
            else f"{company.crm_url}/accounts"
        )
        headers = {"Authorization": f"Bearer {company.token}"}
        self._client = httpx.Client(headers=headers, trust_env=False, timeout=30)

    def close(self) -> None:
        """Ends it."""
        self._client.close()

    def take(self, id: str) -> Row:
        """Remove one; what it was."""
        found: Row = self._ask("GET", id).json()
        self._ask("DELETE", id)
        return found

    def put(self, id: str, row: Row) -> None:
        """Have it there again, as it was."""
        values: dict[str, Any] = {
            name: value
            for name, value in row.items()
            if value is not None and not name.startswith(("@", "_")) and name not in _READ_ONLY[self._side]
        }
        if self._side == "nav":
            self._client.post(self._address, json=values).raise_for_status()
            return
        for name, table in _LOOKUPS.items():
            if (led := row[f"_{name}_value"]) is not None:
                values[f"{name}@odata.bind"] = f"/{table}({led})"
        self._ask("PATCH", id, values)

    def _ask(self, method: str, id: str, values: Row | None = None) -> httpx.Response:
        return self._client.request(method, f"{self._address}({id})", json=values).raise_for_status()


def lose_and_run(sizes: Sequence[Size], sides: Sequence[str] = SIDES) -> Brakes:
    """For each size and side: lose one too many; all that the first run had made there; and as many as may be lost."""
    found = Brakes()
    for size in sizes:
        for side in sides:
            with (
                tempfile.TemporaryDirectory() as folder,
                contextlib.closing(Company(Path(folder), "--demo-size", str(size.customers))) as company,
            ):
                company.coupler("run", *QUIETLY)
                for name, stops, ids in _losses(company, side, size):
                    found.tried += 1
                    with noting(found.faults, f"{side}, {name}"):
                        _try(company, side, ids, stops=stops)
                        found.right += 1
    return found


def _losses(company: Company, side: str, size: Size) -> Iterator[tuple[str, bool, list[str]]]:
    """Each thing that is lost: what it is, whether it stops a run, and the ids. What a run has told of counts no more, so that
    the one which goes on comes last.
    """
    firms = {row["_parentcustomerid_value"] for row in company.crm("contacts", "_parentcustomerid_value")}
    pairs = [one for one in company.lines("couplings") if one["mapping"] == "CUSTOMER"]
    alone = [one[f"{side}_id"] for one in pairs if one["crm_id"] not in firms]  # with an account, CRM deletes contacts
    most = size.most(len(pairs))
    assert len(alone) > most >= _NO_LESS, f"{len(alone)} accounts without contacts, {most} may be lost"
    made = {line["key"].lower() for line in company.audit() if line["op"] == "create" and line["side"] == side}
    backup = [one for one in alone if one.lower() in made]
    yield f"{most + 1} of {len(pairs)} lost", True, alone[: most + 1]
    if len(backup) > most:
        yield f"set back to before {len(backup)} were made", True, backup
    yield f"{most} of {len(pairs)} lost", False, alone[:most]


def _try(company: Company, side: str, ids: Sequence[str], *, stops: bool) -> None:
    """Lose these, and run; where that is stopped, nothing was written, and it goes on when they are there again."""
    couplings = company.lines("couplings")
    rows = {}
    with contextlib.closing(Side(company, side)) as one:
        for id in ids:
            rows[id] = one.take(id)
        before = len(company.audit())
        try:
            done = company.coupler("run", *QUIETLY)
            written = company.audit(before)
        finally:
            for id, row in rows.items():
                one.put(id, row)
    if not stops:
        assert done.returncode in _DONE, f"it ended with {done.returncode}: {done.stderr[-400:]}"
        assert not any(line["op"] == "create" for line in written), "what was lost was made again"
        assert company.status()["state"] == "finished"
        return
    assert done.returncode == _STOPPED, f"it ended with {done.returncode}: {done.stderr[-400:]}"
    assert not written, f"the stopped run wrote {written[0]} and {len(written) - 1} more"
    assert company.lines("couplings") == couplings, "the couplings are others"
    before = len(company.audit())
    done = company.coupler("resume", *QUIETLY)
    assert done.returncode in _DONE, f"resumed, it ended with {done.returncode}: {done.stderr[-400:]}"
    assert company.status()["state"] == "finished"
    assert not any(line["op"] == "create" for line in company.audit(before)), "what was there again was made once more"
    assert company.lines("couplings") == couplings, "in the end, the couplings are others"


def _measure() -> Measured:
    found = lose_and_run((SHARE, COUNT))
    met = found.right == found.tried >= _CASES and not found.faults
    return Measured(f"{found.right}/{found.tried}", met, tuple(found.faults))


LINES = (Line("the brake: couplings lost, at the limits and beyond, runs right", f"all, at least {_CASES}", _measure),)
