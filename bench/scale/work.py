"""What the seven jobs ask of both services, page by page, as the engine of today does it (ARCHITECTURE.md).

A test counts the requests of a real engine and compares.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bench.scale.assumptions import Assumptions

_CRM_LIST, _NAV_LIST = 500, 100
"""Values in one request that looks for rows by them."""
_NAV_BATCH = 100
_LINKS = 1000
"""Lookups that wait for their partner, written at a time."""


class Side(StrEnum):
    """A service."""

    NAV = "NAV"
    CRM = "CRM"


class Case(StrEnum):
    """What a full synchronization meets: CRM empty, both the same, or a part of NAV changed since."""

    FIRST = "first run"
    AGAIN = "unchanged"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Ask:
    """So many requests at once, each of which the service takes so many seconds for."""

    side: Side
    number: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pass:
    """Records that are looked at, `page` of them at a time and `width` pages at once. Of each page, `read` is asked
    ahead, and `steps` one after the other; `rows` couplings are stored.
    """

    name: str
    records: int
    page: int
    width: int
    read: Ask | None
    steps: tuple[Ask, ...]
    rows: int = 0

    @property
    def asks(self) -> tuple[Ask, ...]:
        """All that a page asks."""
        return (*self.steps, *((self.read,) if self.read is not None else ()))


def passes(total: int, case: Case, given: Assumptions) -> Iterator[Pass]:
    """The passes of a full synchronization of so many records, in the order of the jobs."""
    fixed = min(round(given.fixed), total // 4)
    parts = (given.customers, given.contacts, given.resources, given.items)
    rest = total - 3 * fixed
    customers, contacts, resources = (round(rest * part / sum(parts)) for part in parts[:-1])
    items = rest - customers - contacts - resources
    ways = _Ways(case, given)
    for name, records, to_crm, from_crm in (
        ("CURRENCY", fixed, True, False),
        ("SALEPEOPLE", fixed, False, True),
        ("UNITOFMEASURE", fixed, True, False),
        ("CUSTOMER", customers, True, True),
        ("CONTACTS", contacts, True, True),
        ("RESOURCE-PRODUCT", resources, True, True),
        ("ITEM-PRODUCT", items, True, True),
    ):
        if records and to_crm:
            yield ways.to_crm(name, records)
        if records and from_crm:
            yield ways.from_crm(name, records)
        links = round(customers * given.primary / 100)
        if name == "CONTACTS" and case is Case.FIRST and links:
            yield ways.links(links)


class _Ways:
    """The passes of one case."""

    def __init__(self, case: Case, given: Assumptions) -> None:
        self._case = case
        self._given = given

    def to_crm(self, name: str, records: int) -> Pass:
        """From NAV to CRM: matched and created, or looked at and updated; products with price and publication."""
        number = self._page(records)
        product = name.endswith("-PRODUCT")
        steps: list[Ask] = []
        if product:  # unit groups, their units, and the names of vendors
            steps += [
                self._crm(1, 0, 0),
                self._crm(1, 0, 0),
                self._nav(1, min(number, _NAV_LIST), self._given.nav_read),
            ]
        if self._case is Case.FIRST:
            bulk = self._given.bulk and (product or name in ("CUSTOMER", "CONTACTS"))
            steps += [self._listed(number, found=0)]
            steps += [self._written(number, self._given.crm_create if bulk else self._given.crm_batch)]
        else:
            steps += [self._listed(number, found=number)]
        if self._case is Case.CHANGED:
            steps += [self._written(math.ceil(number * self._given.changed / 100), self._given.crm_batch)]
        if product:
            steps += [self._listed(number, found=0 if self._case is Case.FIRST else number)]
            if self._case is Case.FIRST:  # price lines, then publication
                steps += [self._written(number, self._given.crm_batch), self._written(number, self._given.crm_batch)]
        steps = [one for one in steps if one.number]
        read = self._nav(1, number, self._given.nav_read)
        rows = number if self._case is Case.FIRST else 0
        return Pass(f"{name} to CRM", records, number, round(self._given.pages), read, tuple(steps), rows)

    def from_crm(self, name: str, records: int) -> Pass:
        """From CRM to NAV: looked at, as all that was created in NAV's favour is right; salespeople are made."""
        number = self._page(records)
        lists = math.ceil(number / _NAV_LIST)
        made = name == "SALEPEOPLE" and self._case is Case.FIRST
        steps = [self._nav(lists, 0 if made else number, self._given.nav_read)]
        if name == "CONTACTS":  # the company contacts of their customers
            steps.insert(0, self._nav(lists, number, self._given.nav_read))
        if made:
            steps += [self._nav(math.ceil(number / _NAV_BATCH), number, self._given.nav_write)]
        read = self._crm(1, number, self._given.crm_read)
        return Pass(f"{name} from CRM", records, number, 1, read, tuple(steps), number if made else 0)

    def links(self, records: int) -> Pass:
        """Primary contacts: written once the contacts are there."""
        number = min(_LINKS, records)
        steps = (
            self._nav(math.ceil(number / _NAV_LIST), number, self._given.nav_read),
            self._listed(number, found=number),
            self._written(number, self._given.crm_batch),
        )
        return Pass("primary contacts", records, number, 1, None, steps, number)

    def _page(self, records: int) -> int:
        return min(round(self._given.page_size), records)

    def _listed(self, number: int, *, found: int) -> Ask:
        """Rows looked for by lists of their keys."""
        return self._crm(math.ceil(number / _CRM_LIST), found, self._given.crm_read)

    def _written(self, number: int, each: float) -> Ask:
        return self._crm(math.ceil(number / self._given.batch), number, each)

    def _crm(self, requests: int, rows: int, each: float) -> Ask:
        return _ask(Side.CRM, requests, rows, each, self._given.crm_request)

    def _nav(self, requests: int, rows: int, each: float) -> Ask:
        return _ask(Side.NAV, requests, rows, each, self._given.nav_request)


def _ask(side: Side, requests: int, rows: int, each: float, alone: float) -> Ask:
    """Requests that share so many rows; `each` and `alone` are milliseconds."""
    return Ask(side, requests, (alone + each * rows / requests) / 1000 if requests else 0.0)
