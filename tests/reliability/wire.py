"""Requests as they come by, and the writes that are in them: told by their bytes alone, with nothing of the engine."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_PART = re.compile(rb"\r\n\r\n(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1\r\n(.*?)(?:\r\n--|$)", re.DOTALL)
_ROW = re.compile(r"/?([^/]+)\(([0-9a-fA-F-]{36})\)$")
_MULTIPLE = re.compile(r"/([^/]+)/Microsoft\.Dynamics\.CRM\.CreateMultiple$")
_MARKER = "CRM_Id"


@dataclass(frozen=True)
class Sent:
    """A write of one record. `id` is the id that was asked for or, of a record that NAV is to make, of its source."""

    op: str
    set: str
    id: str


@dataclass(frozen=True)
class Request:
    """A request of HTTP/1.1."""

    method: str
    path: str
    body: bytes

    @property
    def writes(self) -> list[Sent]:
        """What it asks to be written; what is not understood counts as a write too."""
        if self.method == "GET":
            return []
        if self.path.endswith("/$batch"):
            return list(_of_json(self.body) if self.body.startswith(b"{") else _of_multipart(self.body))
        if self.method == "POST" and (found := _MULTIPLE.search(self.path)) is not None:
            return list(_of_multiple(found[1], self.body))
        if self.method == "POST" and self.body.startswith(b"{"):
            return [_made(self.path, json.loads(self.body))]
        return [Sent(self.method.lower(), self.path, "")]


def take(data: bytes) -> tuple[Request | None, bytes]:
    """The first request of what came on a connection, when all of it is there, and what follows it."""
    head, end, rest = data.partition(_HEAD_END)
    found = _LENGTH.search(head)
    length = int(found[1]) if found else 0
    if not end or len(rest) < length:
        return None, data
    method, path, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
    return Request(method, path.partition("?")[0], rest[:length]), rest[length:]


def _of_multipart(body: bytes) -> Iterator[Sent]:
    for method, path, rest in _PART.findall(body):
        if method == b"GET":
            continue
        head, _, content = rest.partition(_HEAD_END)
        name = path.decode("latin-1")
        if method == b"POST":
            yield _made(name, json.loads(content))
        else:
            made = b"if-none-match: *" in head.lower()
            yield _sent("create" if made else method.decode().lower(), _ROW.search(name), name)


def _of_json(body: bytes) -> Iterator[Sent]:
    for one in json.loads(body)["requests"]:
        url, values = one["url"].partition("?")[0], one.get("body", {})
        if one["method"] == "POST":
            yield _made(url, values)
        elif one["method"] != "GET":
            yield _sent(one["method"].lower(), _ROW.search(url), url)


def _of_multiple(table: str, body: bytes) -> Iterator[Sent]:
    rows: list[dict[str, Any]] = json.loads(body)["Targets"]
    for row in rows:
        key = row["@odata.type"].rpartition(".")[2] + "id"
        yield Sent("create", table, str(row[key]).lower())


def _made(path: str, values: dict[str, Any]) -> Sent:
    return Sent("create", path.rpartition("/")[2], str(values.get(_MARKER, "")).lower())


def _sent(op: str, row: re.Match[str] | None, path: str) -> Sent:
    return Sent(op, path, "") if row is None else Sent(op, row[1], row[2].lower())
