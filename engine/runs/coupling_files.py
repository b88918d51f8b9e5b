"""Files of couplings: CSV and JSON Lines of ours, and NAV's table CRM Integration Record as exported from SQL.

Reading is pure and finds every fault of form; whether the records exist is for an engine to find out.
"""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from engine.model.errors import ConfigError
from engine.model.lines import CouplingLine, LineFault
from engine.model.mapping import TableMapping
from engine.model.snapshot import CouplingRow

HEADER = ("mapping", "nav_no", "nav_id", "crm_id")
TABLES: Mapping[int, str] = {
    4: "Currency",
    13: "Salesperson/Purchaser",
    18: "Customer",
    23: "Vendor",
    27: "Item",
    156: "Resource",
    204: "Unit of Measure",
    5050: "Contact",
}
"""NAV's table numbers and captions."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NAMES: Mapping[str, str] = {
    "mapping": "mapping",
    "navno": "nav_no",
    "no": "nav_no",
    "code": "nav_no",
    "navid": "nav_id",
    "integrationid": "nav_id",
    "crmid": "crm_id",
    "tableid": "table",
}
_PUNCTUATION = re.compile(r"[\W_]+")
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))
_NO_ID = UUID(int=0)


@dataclass(slots=True)
class Parsed:
    """What a file holds. `left_out` counts the lines of NAV tables and mappings that are not imported, by name."""

    lines: list[CouplingLine] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_file(path: str) -> bytes:
    """The content of a file; raises ConfigError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be read: {error.strerror or error}.", "Name a file.") from error


def digest(content: bytes) -> str:
    """What tells a content from others."""
    return hashlib.sha256(content).hexdigest()


def csv_cells(row: CouplingRow) -> list[str]:
    """A coupling as cells that no spreadsheet takes for a formula."""
    return [as_text(value) for value in (row.mapping, row.nav_no, row.nav_id, row.crm_id)]


def as_text(value: str) -> str:
    """A cell that is text to a spreadsheet, whatever it starts with."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def parse(content: bytes, mappings: Sequence[TableMapping], only: str = "") -> Parsed:
    """Read a file. `only` is the mapping of lines that name none, and the only one whose lines are taken.

    Raises ConfigError when it is none of the forms that are known.
    """
    text = _decoded(content)
    parsed = Parsed()
    seen: dict[tuple[str, ...], int] = {}
    for number, record in _records(text, parsed):
        line = _line(number, record, mappings, only, parsed)
        if line is None:
            continue
        for key in ((*line.mappings, "crm", line.crm_id), (*line.mappings, "nav", line.nav.upper())):
            if seen.setdefault(key, number) != number:
                what = "CRM row" if key[-2] == "crm" else "NAV record"
                parsed.faults.append(LineFault(number, f"the {what} {key[-1]} is in line {seen[key]} already"))
                break
        else:
            parsed.lines.append(line)
    return parsed


def _decoded(content: bytes) -> str:
    encoding = next(name for mark, name in _BOMS if content.startswith(mark))
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The file is not UTF-8: byte {error.start} cannot be read.", "Export it as UTF-8 or Unicode (UTF-16)."
        ) from error


def _records(text: str, parsed: Parsed) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if text.lstrip().startswith("{"):
        yield from _json_records(text, parsed)
        return
    first = text.partition("\n")[0]
    delimiter = max(("\t", ";", ","), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] = []
    number = 0
    try:
        for cells in reader:
            number = reader.line_num
            if not names:
                names = _header(cells)
            elif any(cell.strip() for cell in cells):
                if len(cells) == len(names):
                    yield number, dict(zip(names, cells, strict=True))
                else:
                    fault = LineFault(number, f"has {len(cells)} columns, the first line {len(names)}")
                    parsed.faults.append(fault)
    except csv.Error as error:
        parsed.faults.append(LineFault(number + 1, f"cannot be read as CSV: {error}"))


def _header(cells: Iterable[str]) -> list[str]:
    names = [_NAMES.get(_PUNCTUATION.sub("", cell).lower(), "") for cell in cells]
    if "crm_id" not in names or not {"nav_id", "nav_no"} & set(names):
        raise ConfigError(
            "The first line of the file does not name the columns of couplings.",
            "It needs crm_id, and nav_id or nav_no, with mapping; or CRM ID, Integration ID and Table ID, as in SQL.",
        )
    return names


def _json_records(text: str, parsed: Parsed) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            parsed.faults.append(LineFault(number, f"is not JSON: {error}"))
            continue
        if isinstance(found, dict):
            yield number, {_NAMES.get(_PUNCTUATION.sub("", str(name)).lower(), ""): found[name] for name in found}
        else:
            parsed.faults.append(LineFault(number, "is not a JSON object"))


def _line(
    number: int, record: Mapping[str, Any], mappings: Sequence[TableMapping], only: str, parsed: Parsed
) -> CouplingLine | None:
    values = {name: _plain(value) for name, value in record.items() if name}
    candidates = _candidates(number, values, mappings, only, parsed)
    if not candidates:
        return None
    faults = []
    crm_id = _guid(values.get("crm_id", ""))
    nav_id = _guid(values.get("nav_id", ""))
    nav_no = values.get("nav_no", "")
    if not crm_id:
        faults.append(f"crm_id '{values.get('crm_id', '')}' is not a GUID")
    if not nav_id and values.get("nav_id"):
        faults.append(f"nav_id '{values['nav_id']}' is not a GUID")
    elif not nav_id and not nav_no:
        faults.append("has neither nav_id nor nav_no")
    if faults:
        parsed.faults.append(LineFault(number, "; ".join(faults)))
        return None
    return CouplingLine(number, candidates, nav_id, nav_no, crm_id)


def _candidates(
    number: int, values: Mapping[str, str], mappings: Sequence[TableMapping], only: str, parsed: Parsed
) -> tuple[str, ...]:
    """The mappings that a line may belong to; none when it is left out or has a fault."""
    name, table = values.get("mapping", ""), values.get("table", "")
    if name:
        found = [one.name for one in mappings if one.name.casefold() == name.casefold()]
        if not found:
            parsed.faults.append(LineFault(number, f"there is no mapping '{name}'"))
    elif table:
        caption = TABLES.get(int(table), "") if table.isascii() and table.isdigit() and len(table) < 10 else ""
        found = [one.name for one in mappings if one.nav.caption == caption]
        if not found:
            parsed.left_out[f"table {table}" + (f" ({caption})" if caption else "")] += 1
    elif only:
        found = [only]
    else:
        found = []
        parsed.faults.append(LineFault(number, "names no mapping; name it with --mapping"))
    if found and only and only not in found:
        parsed.left_out[found[0]] += 1
        return ()
    return (only,) if found and only else tuple(found)


def _plain(value: Any) -> str:
    text = "" if value is None or value == "NULL" else str(value).strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def _guid(text: str) -> str:
    """A GUID as it is kept; blank when it is none, or the one of no record."""
    bare = text.strip("{}").lower()
    if not re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", bare):
        return ""
    return "" if UUID(bare) == _NO_ID else bare
