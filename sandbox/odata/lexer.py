"""Words of a $filter expression (OASIS OData ABNF, the part both servers take)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.odata.edm import GUID, Dialect

_DATE = r"\d{4}-\d{2}-\d{2}"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"\\]|\\.)*")
  | (?P<guid>{GUID})(?![\w-])
  | (?P<datetime>{_DATE}T\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?(?:Z|[+-]\d{{2}}:\d{{2}}))
  | (?P<date>{_DATE})(?![\w-])
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w-])
  | (?P<alias>@\w+)
  | (?P<name>[A-Za-z_][\w.]*(?:/[A-Za-z_]\w*)*)
  | (?P<mark>[(),=\[\]])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind, its text, where it stands, and the value of a literal.

    A text in double quotes is no literal: it stands only in the lists of CRM's In and NotIn.
    """

    kind: str
    text: str
    at: int
    value: Any = None


def _value(kind: str, text: str) -> Any:
    match kind:
        case "string":
            return text[1:-1].replace("''", "'")
        case "quoted":
            return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        case "guid":
            return text.lower()
        case "number":
            return Decimal(text) if len(text) > 18 or any(mark in text for mark in ".eE") else int(text)
        case _:
            return text


def tokens(text: str, dialect: Dialect) -> Iterator[Token]:
    """The words of an expression, then one of kind `end`; raises ODataError at the first that is none."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            if not text[at:].strip():
                break
            raise dialect.bad_query(f"Syntax error at position {at} in '{text}'.")
        kind = found.lastgroup or ""
        word = found.group(kind)
        yield Token(kind, word, found.start(kind), _value(kind, word))
        at = found.end()
    yield Token("end", "", len(text))
