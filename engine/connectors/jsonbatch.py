"""The JSON text of a Business Central $batch, written and read (reference/apis.md section 3, $batch)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from engine.connectors.body import JSON_FAULTS, Malformed, bearable, encode, exact
from engine.model.errors import ConnectionLost
from engine.model.masking import mask

MOST = 100
"""Operations in one batch; one more is refused."""


class Operation(NamedTuple):
    """One request of a batch, its address relative to the service."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any


class Part(msgspec.Struct, frozen=True):
    """One answer of a batch."""

    id: str | int
    status: int
    headers: dict[str, Any] | None = None
    body: Any = None


class _Answer(msgspec.Struct):
    responses: list[Part]


_DECODER = msgspec.json.Decoder(_Answer, float_hook=exact)


def write(operations: Sequence[Operation]) -> bytes:
    """The body of a batch; operations are numbered from 1."""
    return encode(
        {
            "requests": [
                {"id": str(number), "method": method, "url": url, "headers": headers}
                | ({} if content is None else {"body": content})
                for number, (method, url, headers, content) in enumerate(operations, 1)
            ]
        }
    )


def parse(body: bytes, sent: int) -> list[Part | None]:
    """The answer to each operation, None where it is missing.

    Raises Malformed when the text is damaged, ConnectionLost when an answer belongs to no operation, or two to one.
    """
    try:
        parts = _DECODER.decode(bearable(body)).responses
    except JSON_FAULTS as error:
        raise Malformed("it is no answer to a batch") from error
    found: list[Part | None] = [None] * sent
    for part in parts:
        text = str(part.id)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not 1 <= number <= sent or found[number - 1] is not None:
            shown = mask(text)[:40]
            raise ConnectionLost(
                f"The answer to a batch has a part with the id {shown!r}: it is not the answer to what was asked.",
                "Something between mixes up answers. What was written is found out when the run is resumed.",
            )
        found[number - 1] = part
    return found
