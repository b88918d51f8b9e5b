"""Bodies: read up to a limit, unpacked up to the same limit, and JSON with exact numbers."""

import zlib
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from engine.model.masking import mask

DEFAULT_LIMIT = 64 * 1024 * 1024
_LARGEST_EXPONENT = 6144
"""That of decimal128. Made an int or written in full, ten bytes such as 1e999999999 would take gigabytes and hours."""
_HEAVIEST = 160_000_000
_WEIGHTS = ((b",", 120), (b"{", 200), (b"[", 72))
"""Bytes of memory that a value, an object and a list take: a body below the limit can still become gigabytes."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_GZIP = 31
"""What zlib calls a gzip header with the largest window."""

JSON_FAULTS = (ValueError, RecursionError, ArithmeticError)
"""What decoding raises for bodies that are no JSON, too deep, or have numbers beyond all measure."""


def exact(text: str) -> Decimal:
    """A number that is not whole, as decoders of JSON take it; raises ValueError beyond all measure."""
    number = Decimal(text)
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("a number is beyond all measure")
    return number


_DECODER = msgspec.json.Decoder(float_hook=exact)


class Malformed(Exception):
    """A body that cannot be what the service sent: cut, packed in a way that was not offered, or no JSON."""


class TooMuch(Malformed):
    """A body that holds more values than fit into little memory."""


class TooLarge(Exception):
    """A body that goes on beyond the limit."""


async def read(response: httpx.Response, limit: int) -> bytes:
    """The body of a response that is being streamed; raises Malformed and TooLarge.

    httpx would unpack whole chunks at once, which lets a small body become a very large one; here no more than the
    limit is ever unpacked.
    """
    named = response.headers.get("content-encoding", "identity").strip()
    packing = named.lower()
    if packing not in ("identity", "", "gzip"):
        raise Malformed(f"it is packed as {mask(named)[:40]!r}, which was not asked for")
    unpacker = zlib.decompressobj(_GZIP) if packing == "gzip" else None
    chunks: list[bytes] = []
    room = limit
    async for raw in response.aiter_raw():
        try:
            chunk = raw if unpacker is None else unpacker.decompress(raw, room + 1)
        except zlib.error as error:
            raise Malformed("it is no valid gzip") from error
        room -= len(chunk)
        if room < 0:
            raise TooLarge
        chunks.append(chunk)
    if unpacker is not None and chunks and not unpacker.eof:
        raise Malformed("it is cut")
    return b"".join(chunks)


def is_web_page(response: httpx.Response) -> bool:
    """Whether the body is one for browsers, such as that of a page to sign in on."""
    return str(response.headers.get("content-type", "")).lower().startswith("text/html")


def bearable(body: bytes) -> bytes:
    """A body that can be decoded in little memory; raises TooMuch for others."""
    if sum(body.count(mark) * weight for mark, weight in _WEIGHTS) > _HEAVIEST:
        raise TooMuch("it holds more values than fit into memory")
    return body


def decode(body: bytes) -> Any:
    """JSON with numbers that are not whole as Decimal; raises Malformed, and TooMuch."""
    try:
        return _DECODER.decode(bearable(body))
    except JSON_FAULTS as error:
        raise Malformed("it is no JSON") from error


def encode(value: Any) -> bytes:
    """JSON with Decimal as number and dates as ISO texts."""
    return _ENCODER.encode(value)
