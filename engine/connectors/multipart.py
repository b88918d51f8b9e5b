"""The multipart/mixed text of a Dataverse $batch, written and read (RFC 2046; reference/apis.md section 1, $batch).

Strict and without a mail parser: a text that is not exactly what a service sends is damaged, and nothing in it counts.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from engine.connectors.body import Malformed
from engine.model.errors import ConnectionLost
from engine.model.masking import mask
from engine.model.records import GUID

_BOUNDARY = re.compile(
    r"multipart/mixed\s*;(?:[^\"]*;)?\s*boundary=(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE
)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?:[ \r]|\Z)")
_ENTITY = re.compile(rf"\(({GUID})\)\Z".encode())
_LONGEST_HEAD = 16 * 1024
_PART_HEAD = b"\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: "


class Operation(NamedTuple):
    """One request of a batch. `headers` are whole lines, each with its end."""

    method: str
    path: str
    headers: str
    body: bytes


class Part(NamedTuple):
    """One answer of a batch; `entity` is the id that its OData-EntityId names."""

    status: int
    content_id: str | None
    entity: str | None
    retry_after: str
    body: bytes


def write(boundary: str, operations: Sequence[Operation]) -> bytes:
    """The body of a batch whose operations stand for themselves, numbered from 1 by Content-ID."""
    mark = b"--" + boundary.encode()
    out: list[bytes] = []
    for number, (method, path, headers, content) in enumerate(operations, 1):
        lines = f"{number}\r\n\r\n{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\n{headers}\r\n"
        out += (mark, _PART_HEAD, lines.encode(), content, b"\r\n")
    out += (mark, b"--\r\n")
    return b"".join(out)


def parse(content_type: str, body: bytes, most: int) -> list[Part]:
    """The answers; raises Malformed when the text is cut or damaged, ConnectionLost when there are more than `most`."""
    named = _BOUNDARY.match(content_type)
    if named is None:
        raise Malformed("it is no multipart answer")
    mark = b"\r\n--" + (named[1] or named[2]).encode()
    if body.count(mark) > most + 1:
        raise _too_many()
    pieces = (b"\r\n" + body).split(mark)
    last = pieces.pop()
    if pieces.pop(0) if pieces else True:
        raise Malformed("it does not begin with its boundary")
    if not last.startswith(b"--") or last[2:].strip():
        raise Malformed("it does not end with its boundary")
    if len(pieces) > most:
        raise _too_many()
    return [_part(piece) for piece in pieces]


def correlate(parts: Sequence[Part], ids: Sequence[str | None]) -> list[Part | None]:
    """The part of each operation, None where it cannot be told; `ids` are those of the rows that were written.

    Content-ID counts where it is echoed. Dataverse echoes it only inside change sets, and answers in order: the rest is
    taken in order when nothing is missing, and else only by the row that a part names. Raises ConnectionLost when the
    answer is not to what was asked.
    """
    found: list[Part | None] = [None] * len(ids)
    nameless: list[Part] = []
    for part in parts:
        if part.content_id is None:
            nameless.append(part)
            continue
        number = int(part.content_id) if re.fullmatch("[0-9]{1,9}", part.content_id) else 0
        if not 1 <= number <= len(ids) or found[number - 1] is not None:
            raise _foreign(f"a part with the Content-ID {mask(part.content_id)[:40]!r}")
        found[number - 1] = part
    rest = [index for index, part in enumerate(found) if part is None]
    if nameless and len(nameless) == len(rest):
        for index, part in zip(rest, nameless, strict=True):
            found[index] = part
    elif nameless:
        by_id = {ids[index]: index for index in rest if ids[index] is not None}
        for part in nameless:
            index = by_id.pop(part.entity, -1)  # a part without a row finds none
            if index >= 0:
                found[index] = part
    for answer, id in zip(found, ids, strict=True):
        if answer is not None and answer.entity is not None and id is not None and answer.entity != id:
            raise _foreign(f"a part about the row {answer.entity}")
    return found


def _part(piece: bytes) -> Part:
    head, blank, message = piece.partition(b"\r\n\r\n")
    lines, other_blank, content = message.partition(b"\r\n\r\n")
    status = _STATUS_LINE.match(lines)
    if not blank or not other_blank or status is None or not head.startswith(b"\r\n"):
        raise Malformed("a part holds no HTTP answer")
    if len(head) > _LONGEST_HEAD or len(lines) > _LONGEST_HEAD:
        raise Malformed("a part has a head that is too long")
    if b"application/http" not in head:
        raise Malformed("a part is something else than an answer")
    code = int(status[1])
    low = lines.lower()
    entity = _header(lines, low, b"\r\nodata-entityid:")
    named = _ENTITY.search(entity) if entity else None
    content_id = _header(head, head.lower(), b"\r\ncontent-id:") or _header(lines, low, b"\r\ncontent-id:")
    return Part(
        code,
        content_id.decode("latin-1") if content_id else None,
        named[1].decode().lower() if named is not None else None,
        _header(lines, low, b"\r\nretry-after:").decode("latin-1") if code in (429, 503) else "",
        content,
    )


def _header(head: bytes, low: bytes, name: bytes) -> bytes:
    at = low.find(name)
    if at < 0:
        return b""
    start = at + len(name)
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _too_many() -> ConnectionLost:
    return _foreign("more parts than were asked for")


def _foreign(what: str) -> ConnectionLost:
    return ConnectionLost(
        f"The answer to a batch has {what}: it is not the answer to what was asked.",
        "Something between mixes up answers. What was written is found out when the run is resumed.",
    )
