"""A NAV company in memory: a table a page service, number series, stamps, and rows put in without business logic."""

import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sandbox.audit import Audit
from sandbox.clock import Clock, NewId, random_id, system_clock
from sandbox.journal import Journal
from sandbox.nav.schema import PAGES, Column, PageService, pages_of
from sandbox.odata.edm import Dialect, Row
from sandbox.tables import Table

ETAG = "@odata.etag"
DEFAULT_COMPANY = "CRONUS International Ltd."
DEFAULT_INSTANCE = "BC"
_NAMESPACE = uuid.UUID("4f2b6a0e-6f0c-5d0a-9d3c-0a4e5b1c7d21")


@dataclass(frozen=True, slots=True)
class Dangling:
    """A field whose value the related table does not have."""

    page: str
    key: str
    field: str
    value: str


class NavState:
    """One company. Keys of tables are primary keys (No, Code); SystemId is unique beside them, also in versions that do
    not tell it.
    """

    def __init__(
        self,
        company: str = DEFAULT_COMPANY,
        instance: str = DEFAULT_INSTANCE,
        *,
        version: str = "bc",
        audit: Audit | None = None,
        clock: Clock = system_clock,
        new_id: NewId = random_id,
    ) -> None:
        self.version = version
        self.pages = pages_of(version)
        self.company = company
        self.company_id = str(uuid.uuid5(_NAMESPACE, company))
        self.instance = instance
        self.audit = audit if audit is not None else Audit()
        self.clock = clock
        self.new_id = new_id
        self.journal = Journal()
        counter = count(1)
        self.tables = {
            page.name: Table(
                page.name,
                page.columns,
                page.key,
                Dialect.NAV,
                type_name=f"NAV.{page.name}",
                journal=self.journal,
                counter=counter,
            )
            for page in PAGES.values()
        }
        self.published = {
            page.name: replace(
                self.tables[page.name].entity, fields={name: one.type for name, one in page.columns.items()}
            )
            for page in self.pages.values()
        }
        self.views: dict[str, Table] = {}
        """Tables of API v2.0 that follow those of the pages."""
        self._blank: Mapping[str, Row] = {
            page.name: {name: column.empty for name, column in page.columns.items()} for page in PAGES.values()
        }
        self._last_number: dict[str, int] = {}

    def seed(self, page: PageService, values: Mapping[str, Any]) -> Row:
        """Put in a record as it is, with an id that depends on nothing but its key; `values` are as fields store them.

        Read-only fields are taken too. Raises KeyError when the key is taken.
        """
        given = {name: value for name, value in values.items() if value != page.columns[name].empty}
        row = {ETAG: "", **self._blank[page.name], **self.stamps(page, created=True), **given}
        if "SystemId" not in given:
            row["SystemId"] = str(uuid.uuid5(_NAMESPACE, f"{self.company}|{page.name}|{row[page.key]}"))
        self.tables[page.name].insert(row)
        return row

    def blank(self, page: PageService) -> Row:
        """A new record in which nothing is filled in."""
        return dict(self._blank[page.name])

    def stamps(self, page: PageService, *, created: bool = False) -> Row:
        """What every write sets: the ETag, and the moment in milliseconds (reference/apis.md section 3)."""
        now = self.clock()
        moment = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        stamps = {
            ETAG: etag(self.tables[page.name].next_version()),
            "Last_Date_Modified": moment[:10],
            "SystemModifiedAt": moment,
        }
        return {**stamps, "SystemCreatedAt": moment} if created else stamps

    def next_number(self, page: PageService) -> str:
        """The next free number of the page's No. series."""
        rows = self.tables[page.name].rows
        number = self._last_number.get(page.name, 0)
        while True:
            number += 1
            key = f"{page.series}{number:06d}"
            if key not in rows:
                self._last_number[page.name] = number
                return key

    def relation_holds(self, column: Column, value: str) -> bool:
        """Whether the related table has the value of a field; blank is always allowed."""
        if not column.relation or value == "":
            return True
        row = self.tables[column.relation].rows.get(value)
        return row is not None and column.related_type in ("", row.get("Type"))

    def dangling(self) -> Iterator[Dangling]:
        """Every field of the company that breaks its table relation."""
        for page in PAGES.values():
            related = [(name, column) for name, column in page.columns.items() if column.relation]
            for key, row in self.tables[page.name].rows.items():
                for name, column in related:
                    if not self.relation_holds(column, row[name]):
                        yield Dangling(page.name, key, name, row[name])


def etag(version: int) -> str:
    """An opaque tag, in the form page services give it."""
    return f'W/"{b64encode(f"{version};1;00;".encode()).decode()}"'
