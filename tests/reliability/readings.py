"""What an answer holds, read with the parsers of Python and nothing of the program: what a side must make of it.

Where an answer is no valid one of its kind, `Damaged` is raised: then a side must say so, and not that there is less.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, NoReturn
from uuid import UUID
from xml.etree import ElementTree as ET

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EXPONENT = 6144
_BRACE = "\ue000"
"""Stands for a brace while XML is read: ElementTree writes namespaces between braces, and takes none that have one."""
_PART = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*?)?(?:\r\n.*)?", re.DOTALL)

Reader = Callable[[bytes], Any]


class Damaged(Exception):
    """It is no valid answer of its kind."""


@dataclass(frozen=True)
class Part:
    """The answer to one write of a batch; `id` is the record that it names."""

    status: int
    content: Any = None
    id: str | None = None

    @property
    def code(self) -> str:
        """The code of an error."""
        error = self.content.get("error") if isinstance(self.content, dict) else None
        return str(error.get("code") or "") if isinstance(error, dict) else ""


@dataclass(frozen=True)
class Batch:
    """The answers by the number of their write. Where it is not `plain`, it is also right to believe none of it."""

    parts: Mapping[int, Part]
    plain: bool = True


def parsed(body: bytes) -> Any:
    """JSON, with exact numbers that are not beyond all measure."""
    try:
        return _of_letters(
            json.loads(body.decode(), parse_float=_exact, parse_constant=_refuse, object_pairs_hook=_pairs)
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Damaged(str(error)) from error


def number(body: bytes) -> int:
    """What is counted."""
    told = _object(parsed(body)).get("@odata.count")
    if type(told) is not int:
        raise Damaged("no number")
    return told


def in_order(key: str, size: int) -> Reader:
    """The rows of a table, the key of each in lower case; what says that there is more says it for ever here."""

    def read(body: bytes) -> list[dict[str, Any]]:
        rows = [{**row, key: _guid(row, key)} for row in listed(body)]
        keys = [row[key] for row in rows]
        if len(rows) >= size or not (_rise(keys) or _rise([_as_sql(one) for one in keys])):
            raise Damaged("rows come again, or out of order")
        return rows

    return read


def by_key(key: str) -> Reader:
    """The rows by their key; of two with the same one, the last."""

    def read(body: bytes) -> dict[str, dict[str, Any]]:
        rows = listed(body)
        if not all(isinstance(row.get(key), str) for row in rows):
            raise Damaged("a row without its key")
        return {row[key].lower(): row for row in rows}

    return read


def listed(body: bytes) -> list[dict[str, Any]]:
    """The rows of an answer that says of no others, as it would say so again."""
    content = _object(parsed(body))
    rows = content.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Damaged("no list of rows")
    if content.get("@odata.nextLink") is not None:
        raise Damaged("a list without end")
    return rows


def steps(body: bytes) -> list[tuple[str, bool, str]]:
    """How the connection is tested: each step, whether it is well, and what is told then."""
    try:
        told = _object(parsed(body))
    except Damaged:
        told = {}
    if "UserId" not in told:
        return [("WhoAmI", False, "")]
    version = str(told["Version"]) if "Version" in told else ""
    return [
        ("WhoAmI", True, f"user {told['UserId']} of {told.get('OrganizationId')}"),
        ("RetrieveVersion", "Version" in told, version),
    ]


def named(ids: Sequence[str]) -> Reader:
    """Which of the rows are named as made."""

    def read(body: bytes) -> set[str]:
        try:
            told = _object(parsed(body)).get("Ids")
        except Damaged:
            told = None
        made = {one.lower() for one in told if isinstance(one, str)} if isinstance(told, list) else set()
        return made & set(ids)

    return read


def tables(body: bytes) -> dict[str, tuple[set[str], set[str]]]:
    """The columns of each table, and what leads to one row of another, with what is inherited."""
    if b"<!DOCTYPE" in body:
        raise Damaged("entities")
    try:
        root = ET.fromstring(body.replace(b"}", _BRACE.encode()))
    except (ET.ParseError, LookupError, ValueError) as error:
        raise Damaged(str(error)) from error
    for one in root.iter():
        one.attrib.update({name: text.replace(_BRACE, "}") for name, text in one.attrib.items()})
    kinds: dict[str, tuple[str, set[str], set[str]]] = {}
    alias: dict[str, str] = {}
    for schema in _elements(root, "Schema"):
        space = schema.get("Namespace", "")
        alias[schema.get("Alias", space)] = space
        for one in _elements(schema, "EntityType"):
            single = [each for each in _elements(one, "NavigationProperty") if _is_single(each)]
            own = _names(_elements(one, "Property")), _names(single)
            _, columns, links = kinds.get(f"{space}.{one.get('Name', '')}", ("", set(), set()))
            kinds[f"{space}.{one.get('Name', '')}"] = (one.get("BaseType", ""), columns | own[0], links | own[1])
    found = {
        one.get("Name", ""): _inherited(one.get("EntityType", ""), kinds, alias) for one in _elements(root, "EntitySet")
    }
    if not found:
        raise Damaged("no tables")
    return found


def multipart(ids: Sequence[str]) -> Reader:
    """The answers of a batch between the boundaries `b`: by their Content-ID, else in order when none is missing, else
    by the row that they name.
    """

    def read(body: bytes) -> Batch:
        first, *pieces = re.split(rb"(?:\A|\r\n)--b", body)
        if first or not pieces or not re.fullmatch(rb"--\s*", pieces.pop()):
            raise Damaged("it is cut")
        found: dict[int, Part] = {}
        nameless = []
        for content_id, part in map(_part, pieces):
            if content_id is None:
                nameless.append(part)
            else:
                _put(found, content_id, part, len(ids))
        rest = [at for at in range(1, len(ids) + 1) if at not in found]
        if len(pieces) > len(ids):
            raise Damaged("too many parts")
        if len(nameless) == len(rest):
            found |= dict(zip(rest, nameless, strict=True))
        else:
            for part in nameless:
                if part.id in ids and (at := ids.index(part.id) + 1) in rest:
                    found.setdefault(at, part)
        if any(part.id not in (None, ids[at - 1]) for at, part in found.items()):
            raise Damaged("a part about another row")
        return Batch({at: replace(part, id=ids[at - 1]) for at, part in found.items()})

    return read


def responses(count: int) -> Reader:
    """The answers of a batch in JSON by their ids."""

    def read(body: bytes) -> Batch:
        text = body.decode(errors="replace").encode()  # a name that nobody asks for may be of no letters
        told = _object(parsed(text)).get("responses")
        if not isinstance(told, list):
            raise Damaged("no answers")
        found: dict[int, Part] = {}
        for one in told:
            id, status, headers = (_object(one).get(name) for name in ("id", "status", "headers"))
            if type(id) not in (str, int) or type(status) is not int or not isinstance(headers, dict | None):
                raise Damaged("a part that is none")
            content = one.get("body")
            made = content.get("SystemId") if isinstance(content, dict) else None
            _put(found, str(id), Part(status, content, str(made).lower() if _is_guid(made) else None), count)
        return Batch(found, plain=text == body and not _doubled(text))

    return read


def _part(piece: bytes) -> tuple[str | None, Part]:
    head, blank, rest = piece.partition(b"\r\n\r\n")
    lines, other, content = rest.partition(b"\r\n\r\n")
    status = _PART.fullmatch(lines)
    if not blank or not other or status is None or not head.startswith(b"\r\n") or b"application/http" not in head:
        raise Damaged("a part that is none")
    try:
        said = parsed(content)
    except Damaged:
        said = None
    entity = re.search(r"\(([^()]*)\)\Z", _header(lines, "OData-EntityId") or "")
    id = entity[1].lower() if entity is not None and _is_guid(entity[1]) else None
    return _header(head, "Content-ID") or _header(lines, "Content-ID"), Part(int(status[1]), said, id)


def _header(lines: bytes, name: str) -> str | None:
    found = re.search(rf"(?is)\r\n{name}:(.*?)(?=\r\n|\Z)".encode(), lines)
    return (found[1].strip().decode("latin-1") or None) if found is not None else None


def _put(found: dict[int, Part], id: str, part: Part, count: int) -> None:
    at = int(id) if re.fullmatch("[0-9]{1,9}", id) else 0
    if not 1 <= at <= count or at in found:
        raise Damaged("a part that belongs to nothing")
    found[at] = part


def _doubled(body: bytes) -> bool:
    """Whether an object has a name twice."""
    double = False

    def note(pairs: list[tuple[str, Any]]) -> None:
        nonlocal double
        double |= len(dict(pairs)) < len(pairs)

    json.loads(body, object_pairs_hook=note)
    return double


def _exact(text: str) -> Decimal:
    found = Decimal(text)
    if abs(found.adjusted()) > _EXPONENT:
        raise ValueError("beyond all measure")
    return found


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(_of_letters(pairs))


def _of_letters(value: Any) -> Any:
    """The same; raises ValueError where half a letter stands in it, also under a name that comes again."""
    json.dumps(value, ensure_ascii=False, default=str).encode()
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Damaged("no object")
    return value


def _is_guid(value: object) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def _guid(row: dict[str, Any], key: str) -> str:
    if not _is_guid(row.get(key)):
        raise Damaged("a key that is none")
    return str(row[key]).lower()


def _rise(keys: Sequence[Any]) -> bool:
    return all(one < other for one, other in pairwise(keys))


def _as_sql(key: str) -> bytes:
    """As SQL Server orders them."""
    all_bytes = UUID(key).bytes_le
    return all_bytes[10:] + all_bytes[8:10] + all_bytes[6:8] + all_bytes[4:6] + all_bytes[:4]


def _elements(root: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in root.iter() if one.tag.rpartition("}")[2] == name]


def _names(elements: Sequence[ET.Element]) -> set[str]:
    return {one.get("Name", "") for one in elements}


def _is_single(element: ET.Element) -> bool:
    return not element.get("Type", "").startswith("Collection(")


def _inherited(
    name: str, kinds: Mapping[str, tuple[str, set[str], set[str]]], alias: Mapping[str, str]
) -> tuple[set[str], set[str]]:
    columns, links, seen = set[str](), set[str](), set[str]()
    while True:
        space, dot, rest = name.rpartition(".")
        name = f"{alias.get(space, space)}{dot}{rest}"
        if name in seen or name not in kinds:
            return columns, links
        seen.add(name)
        name, own, leading = kinds[name]
        columns, links = columns | own, links | leading
