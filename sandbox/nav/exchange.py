"""One request and its answer, apart from the web server, so that a batch can hold many."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

JSON = "application/json; odata.metadata=minimal"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Request:
    """A request for one resource. `path` is decoded and starts after the instance, header names are lower case."""

    method: str
    root: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def prefers(self, preference: str) -> str | None:
        """The value of a preference; empty when it is given without one, None when it is not given."""
        for part in self.headers.get("prefer", "").replace(";", ",").split(","):
            name, _, value = part.strip().partition("=")
            if name.lower() == preference:
                return value.strip('"')
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; the body is what the content type says."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = JSON


def quoted(text: str) -> str:
    """A text as a string literal of an address."""
    doubled = text.replace("'", "''")
    return f"'{quote(doubled, safe='')}'"


def encode(value: Any) -> bytes:
    """JSON, with decimals as numbers (reference/apis.md section 3)."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Any:
    """JSON with exact decimals; raises msgspec.DecodeError."""
    return _DECODER.decode(body)
