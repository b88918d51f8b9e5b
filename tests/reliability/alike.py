"""Firms that nobody can tell apart, by the rows of the servers: what may be left to people where a state store was lost."""

import copy
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tests.runs.company import Company, Row
from tests.runs.whole import Whole

CODES = frozenset({"ambiguous", "company_not_coupled"})
"""The codes of records that look the same, and of contacts of such companies."""
_Sign = tuple[str, str]


@dataclass(frozen=True)
class Alike:
    """Firms whose match rule finds several on the other side: their `signs`, which are name and e-mail, and the ids and
    numbers of them and of their people, in both systems.
    """

    signs: frozenset[_Sign]
    keys: frozenset[str]

    def objections(self, left: Iterable[Row]) -> list[str]:
        """What is left to people though it is to be told from all others."""
        return [
            f"{one['mapping']} {one['name']} is left as {one['code']}, and nothing looks like it"
            for one in left
            if self.keys.isdisjoint((one["nav_no"], one["crm_id"], one["nav_id"]))
        ]

    def beside(self, whole: Whole) -> Whole:
        """How a run ended but for these firms and their people, and for how often records were made: each store has its own."""
        beside = copy.copy(whole)
        beside.created = {}
        names = {" ".join(sign) for sign in self.signs}
        beside.coupled = [one for one in whole.coupled if names.isdisjoint(_folded(one)) and self.keys.isdisjoint(one)]
        beside.values = {
            table: [row for row in rows if _folded(row[:2]) not in self.signs and names.isdisjoint(_folded(row))]
            for table, rows in whole.values.items()
        }
        return beside

    def number(self, whole: Whole) -> int:
        """How many rows these firms and their people have at the end of a run."""
        beside = self.beside(whole)
        return sum(len(rows) - len(beside.values[table]) for table, rows in whole.values.items())


def find(company: Company, only: Collection[str]) -> Alike:
    """The firms that look the same, of those that have one of the ids or numbers in `only`, or people that have one."""
    customers = company.nav("Customer", "No", "SystemId", "Name", "E_Mail")
    accounts = company.crm("accounts", "accountid", "name", "emailaddress1", where="statecode eq 0")
    people = company.nav("Contact", "No", "SystemId", "Customer_No")
    contacts = company.crm("contacts", "contactid", "_parentcustomerid_value")
    firms = (
        *((_sign(one, "Name", "E_Mail"), "nav", (one["No"], one["SystemId"])) for one in customers),
        *((_sign(one, "name", "emailaddress1"), "crm", (one["accountid"],)) for one in accounts),
    )
    number = Counter((sign, side) for sign, side, _ in firms)
    several = {sign for sign, side, _ in firms if sign[1] and _several(number[sign, "nav"], number[sign, "crm"])}
    of: dict[_Sign, set[str]] = {sign: set() for sign in several}
    for sign, _, keys in firms:
        if sign in several:
            of[sign] |= set(keys)
    for sign in several:
        firm = frozenset(of[sign])
        of[sign] |= {key for one in people if one["Customer_No"] in firm for key in (one["No"], one["SystemId"])}
        of[sign] |= {one["contactid"] for one in contacts if one["_parentcustomerid_value"] in firm}
    wanted = {sign: keys for sign, keys in of.items() if not keys.isdisjoint(only)}
    return Alike(frozenset(wanted), frozenset().union(*wanted.values()))


def left(company: Company) -> list[Row]:
    """What is left to people: of records that look the same, nobody else can tell which belong together."""
    return [one for one in company.lines("errors") if one["code"] in CODES]


def keys(rows: Iterable[Row]) -> set[str]:
    """The ids and numbers of what is left."""
    return {one[name] for one in rows for name in ("nav_no", "nav_id", "crm_id") if one[name]}


def _several(nav: int, crm: int) -> bool:
    return nav > 0 and crm > 0 and nav + crm > 2


def _sign(row: Row, name: str, mail: str) -> _Sign:
    first, second = _folded((row[name] or "", row[mail] or ""))
    return first, second


def _folded(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(one.casefold() for one in texts)
