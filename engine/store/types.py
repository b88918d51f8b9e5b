"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Guid(TypeDecorator[str]):
    """A GUID as 16 bytes in the database and as canonical text in Python (reference/engine.md section 7)."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> bytes | None:
        """Text to bytes."""
        return None if value is None else to_bytes(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> str | None:
        """Bytes to text."""
        return None if value is None else to_text(value)


class Moment(TypeDecorator[datetime]):
    """An aware moment as whole milliseconds since 1970 in UTC; naive ones are refused."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Moment to milliseconds; raises ValueError for a moment without a time zone."""
        return None if value is None else to_milliseconds(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """Milliseconds to moment."""
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


class Said(TypeDecorator[str]):
    """Text that people or servers wrote, as both databases can hold it: cut to its length, without NUL characters and
    halves of surrogate pairs, so that no text from outside can make a commit fail.
    """

    impl: type[sa.String] | sa.String = sa.String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length
        if length is None:
            self.impl = sa.Text()

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Text to text."""
        if value is None:
            return None
        return as_kept(value, self.length)


def as_kept(text: str, length: int | None) -> str:
    """What comes back of a text that was stored."""
    if text.isascii() and "\0" not in text:
        return text[:length]
    return text[:length].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970; raises ValueError for a moment without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_bytes(guid: str) -> bytes:
    """The 16 bytes of a canonical GUID; raises ValueError for other text."""
    raw = bytes.fromhex(guid.replace("-", ""))
    if len(raw) != 16:
        raise ValueError(f"'{guid}' is not a GUID")
    return raw


def to_text(raw: bytes) -> str:
    """The canonical text of 16 bytes."""
    text = bytes(raw).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
