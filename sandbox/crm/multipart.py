"""The multipart/mixed text of $batch, in and out (RFC 2046; reference/apis.md section 1, $batch)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise

from sandbox.crm.messages import Response
from sandbox.crm.refusals import bad_url

_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_BOUNDARY = re.compile(r"multipart/mixed\s*;.*?\bboundary=\"?([^\";\s]+)\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A body part: its own headers, names in lower case, and what follows the blank line."""

    headers: Mapping[str, str]
    content: bytes

    @property
    def boundary(self) -> str | None:
        """The boundary when the part is itself multipart: a change set."""
        return boundary_of(self.headers.get("content-type", ""))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and the Content-ID of the request it belongs to."""

    response: Response
    content_id: str | None


def boundary_of(content_type: str) -> str | None:
    """The boundary that a multipart/mixed content type names."""
    found = _BOUNDARY.match(content_type)
    return found[1] if found is not None else None


def split_parts(body: bytes, boundary: str) -> list[Part]:
    """The parts between the delimiters; raises ODataError when the text is cut off."""
    delimiter = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|$)")
    marks = list(delimiter.finditer(body))
    if not marks or marks[-1][1] is None:
        raise bad_url("The batch request is not terminated by its boundary.")
    contents = (body[mark.end() : after.start()] for mark, after in pairwise(marks))
    return [Part(*split_headers(content.lstrip(b"\r\n"))) for content in contents]


def split_headers(text: bytes) -> tuple[dict[str, str], bytes]:
    """The header lines, names in lower case, and what follows the first blank line."""
    blank = _BLANK_LINE.search(b"\n" + text)
    head, rest = (text, b"") if blank is None else (text[: max(blank.start() - 1, 0)], text[blank.end() - 1 :])
    pairs = (line.partition(":") for line in head.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}, rest


def split_request(content: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Method, URL, headers and body of an embedded request; raises ODataError when there is no request line.

    A URL may hold spaces, which clients leave in filters.
    """
    line, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    method, _, after = line.decode("utf-8", "replace").strip().partition(" ")
    url, _, version = after.rpartition(" ")
    if not url.strip() or not version.startswith("HTTP/"):
        raise bad_url("A part of the batch request holds no valid HTTP request line.")
    headers, body = split_headers(rest)
    return method, url.strip(), headers, body


def join(boundary: str, parts: Sequence[bytes]) -> bytes:
    """The parts, delimited."""
    mark = boundary.encode()
    return b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"


def answer_part(answer: Answer) -> bytes:
    """One answer as a body part."""
    response = answer.response
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if answer.content_id is not None:
        lines.append(f"Content-ID: {answer.content_id}")
    lines += ["", f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}", "OData-Version: 4.0"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + response.body


def change_set_part(boundary: str, answers: Sequence[Answer]) -> bytes:
    """The answers of a change set as one body part."""
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
    return head.encode() + join(boundary, [answer_part(answer) for answer in answers])
