"""Rows for both servers: from a folder of csv files, into states ready to serve.

A folder has `nav/<page service>.csv` and `crm/<table>.csv` (logical names), UTF-8 with a header line.
`crm/organization.csv` names the organization and its base currency.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sandbox.audit import Audit
from sandbox.clock import Clock, NewId, random_id, system_clock
from sandbox.crm.schema import BY_LOGICAL_NAME
from sandbox.crm.state import CrmState
from sandbox.nav.schema import PAGES, PageService
from sandbox.nav.state import DEFAULT_COMPANY, DEFAULT_INSTANCE, NavState
from sandbox.nav.values import accept, column_of, from_text
from sandbox.odata.errors import ODataError

Row = Mapping[str, Any]
_DEFAULT_ORGANIZATION: Row = {"name": "Contoso", "basecurrencycode": "USD"}


class LoadError(Exception):
    """Data that cannot be loaded; the message names file, line and column."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """Rows by page service and by table. Of rows from a file, `lines` knows where each stood."""

    nav: Mapping[str, Sequence[Row]]
    crm: Mapping[str, Sequence[Row]]
    lines: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def place(self, side: str, name: str, number: int, column: str | None = None) -> str:
        """Where a row came from."""
        lines = self.lines.get(f"{side}/{name}")
        place = f"{side}/{name} row {number + 1}" if lines is None else f"{side}/{name}.csv line {lines[number]}"
        return place if column is None else f"{place}, column {column}"


def read_folder(folder: Path) -> Seeds:
    """The rows of a folder's csv files; raises LoadError."""
    sides: dict[str, dict[str, list[Row]]] = {"nav": {}, "crm": {}}
    lines: dict[str, list[int]] = {}
    known = {"nav": list(PAGES), "crm": list(BY_LOGICAL_NAME)}
    for side, files in sides.items():
        for path in sorted((folder / side).glob("*.csv")):
            if path.stem not in known[side]:
                raise LoadError(f"{path}: there is no '{path.stem}' in {side}{_nearest(path.stem, known[side])}")
            rows = list(_read_file(path, f"{side}/{path.name}"))
            files[path.stem] = [row for _, row in rows]
            lines[f"{side}/{path.stem}"] = [line for line, _ in rows]
    if not sides["nav"].get("General_Ledger_Setup"):
        raise LoadError(f"{folder}: nav/General_Ledger_Setup.csv, which names the local currency, is missing or empty")
    return Seeds(sides["nav"], sides["crm"], lines)


def nav_state(
    seeds: Seeds,
    *,
    company: str = DEFAULT_COMPANY,
    instance: str = DEFAULT_INSTANCE,
    version: str = "bc",
    audit: Audit | None = None,
    clock: Clock = system_clock,
    new_id: NewId = random_id,
) -> NavState:
    """A NAV company of a version with the rows in it; raises LoadError."""
    state = NavState(company, instance, version=version, audit=audit, clock=clock, new_id=new_id)
    number_of: dict[tuple[str, str], int] = {}
    for name, rows in seeds.nav.items():
        page = PAGES[name]
        for number, row in enumerate(rows):
            values = _nav_values(seeds, state.pages[name], number, row)
            if not values.get(page.key) and name != "General_Ledger_Setup":
                raise LoadError(f"{seeds.place('nav', name, number, page.key)}: it is blank")
            try:
                key = state.seed(page, values)[page.key]
            except KeyError as error:
                raise LoadError(f"{seeds.place('nav', name, number, page.key)}: {error} is there twice") from error
            number_of[name, key] = number
    for fault in state.dangling():
        place = seeds.place("nav", fault.page, number_of[fault.page, fault.key], fault.field)
        raise LoadError(f"{place}: there is no '{fault.value}' in {PAGES[fault.page].columns[fault.field].relation}")
    return state


def crm_state(
    seeds: Seeds, *, audit: Audit | None = None, clock: Clock = system_clock, new_id: NewId = random_id
) -> CrmState:
    """A CRM organization with the rows in it; raises LoadError."""
    own = {**_DEFAULT_ORGANIZATION, **(seeds.crm.get("organization") or [{}])[0]}
    state = CrmState.build(
        base_currency=own["basecurrencycode"], organization=own["name"], clock=clock, audit=audit, new_id=new_id
    )
    for name in BY_LOGICAL_NAME:
        for number, row in enumerate(seeds.crm.get(name, ())):
            if name == "organization" or row.get("isocurrencycode") == own["basecurrencycode"]:
                continue  # the organization comes with its own row and its base currency
            try:
                state.seed(name, row)
            except (ValueError, KeyError) as error:
                raise LoadError(f"{seeds.place('crm', name, number)}: {error}") from error
            except ODataError as error:
                raise LoadError(f"{seeds.place('crm', name, number)}: {error.message}") from error
    return state


def _nav_values(seeds: Seeds, page: PageService, number: int, row: Row) -> dict[str, Any]:
    values = {}
    for name, cell in row.items():
        try:
            own = page if name in page.columns else PAGES[page.name]  # records have ids in every version
            column = column_of(own, name)
            values[name] = accept(own, name, from_text(column, cell) if isinstance(cell, str) else cell)
        except ValueError as error:
            raise LoadError(f"{seeds.place('nav', page.name, number, name)}: {error}") from error
        except ODataError as error:
            hint = "" if name in page.columns else _nearest(name, page.columns)
            raise LoadError(f"{seeds.place('nav', page.name, number, name)}: {error.message}{hint}") from error
    return values


def _read_file(path: Path, name: str) -> Iterator[tuple[int, Row]]:
    start = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if doubled := {column for column in header if header.count(column) > 1}:
                raise LoadError(f"{name} line 1, column {min(doubled)}: it is there twice")
            start = reader.line_num + 1
            for cells in reader:
                line, start = start, reader.line_num + 1
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise LoadError(f"{name} line {line}: {len(cells)} columns, but the header has {len(header)}")
                yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise LoadError(f"{name} line {start}: {error}") from error
    except UnicodeDecodeError as error:
        raise LoadError(f"{name}: it is not UTF-8 ({error.reason})") from error
    except OSError as error:
        raise LoadError(f"{name}: {error.strerror}") from error


def _nearest(name: str, names: Sequence[str] | Mapping[str, Any]) -> str:
    close = get_close_matches(name, list(names), 1)
    return f"; did you mean '{close[0]}'?" if close else ""
