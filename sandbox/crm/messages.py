"""Requests and responses, whether they come alone or inside a batch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.crm.refusals import bad_payload, bad_url
from sandbox.odata.errors import ODataError, crm_body

ROOT = "/api/data/v9.2/"
_PREFERENCE = re.compile(r"([\w.\-]+)\s*(?:=\s*(\"[^\"]*\"|[^\s,;]+))?")
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Request:
    """One operation. `path` is relative to `root`, the absolute URL of the service; header names are lower case.

    `references` holds what `$n` stands for inside a batch.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    root: str
    references: Mapping[str, str] = field(default_factory=dict)

    def preferences(self) -> dict[str, str]:
        """The Prefer header: names in lower case, values without quotes."""
        return {name.lower(): value.strip('"') for name, value in _PREFERENCE.findall(self.headers.get("prefer", ""))}

    def condition(self, name: str) -> str | None:
        """If-Match or If-None-Match; the word null, which clients send against caches, means none."""
        value = self.headers.get(name)
        return None if value in (None, "null") else value

    def json(self, set: str) -> dict[str, Any]:
        """The body as an object; raises ODataError when it is something else."""
        if not self.headers.get("content-type", "").lower().startswith("application/json"):
            raise bad_url("The content type of the request body must be application/json.", 415)
        try:
            value = _DECODER.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise bad_payload(set, f"The body is not valid JSON: {error}") from error
        if not isinstance(value, dict):
            raise bad_payload(set, "The body must be a JSON object.")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `entity` is the created or changed row as `set(id)`, for references inside a batch."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    entity: str | None = None


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, entity: str | None = None
) -> Response:
    """An answer with a JSON body."""
    content = {"Content-Type": "application/json; odata.metadata=minimal", **(headers or {})}
    return Response(status, content, _ENCODER.encode(value), entity)


def error_response(error: ODataError, *, annotated: bool = False) -> Response:
    """A refusal as an answer."""
    headers = {"Content-Type": "application/json; odata.metadata=minimal"}
    return Response(error.status, headers, crm_body(error, annotated=annotated))
