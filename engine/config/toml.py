"""Reading TOML: the only user of tomli, and the lines on which keys are."""

import re
from collections.abc import Mapping
from typing import Any

import tomli

Keys = tuple[str, ...]

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=(?P<value>.*)")
_ROW = re.compile(r"\s*[{\[]")
_PART = re.compile(_NAME)
_LONG = re.compile(r'"""|' + "'''")
_TWICE = re.compile(r"Cannot declare \((?P<keys>.*?),?\) twice")


class TomlError(ValueError):
    """Text that is not TOML: what is wrong, and on which line when that is known."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def parse(text: str) -> dict[str, Any]:
    """The document; raises TomlError."""
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise TomlError(_plain(error.msg), error.lineno) from None
    except RecursionError:
        raise TomlError("brackets are nested too deeply", None) from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        raise TomlError("a number is too long", None) from None


def lines(text: str) -> Mapping[Keys, int]:
    """The line of each table and key, and of each row of a list that begins a line of its own, under its number.

    Keys of tables in braces are not in it; look for the table instead.
    """
    found: dict[Keys, int] = {}
    table: Keys = ()
    rows: dict[Keys, int] = {}
    listed: Keys | None = None
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if not inside:
            if (header := _HEADER.match(line)) and listed is None:
                table = _keys(header[1])
                found.setdefault(table, number)
                if line.lstrip().startswith("[["):
                    rows[table] = rows.get(table, 0) + 1
                    table = (*table, str(rows[table]))
                    found[table] = number
            elif key := _KEY.match(line):
                found.setdefault((*table, *_keys(key[1])), number)
                listed = (*table, *_keys(key[1])) if key["value"].partition("#")[0].strip() == "[" else None
            elif listed is not None and _ROW.match(line):
                rows[listed] = rows.get(listed, 0) + 1
                found[(*listed, str(rows[listed]))] = number
            elif line.lstrip().startswith("]"):
                listed = None
        if len(_LONG.findall(line)) % 2:
            inside = not inside
    return found


def line_of(found: Mapping[Keys, int], keys: Keys) -> int | None:
    """The line of a key, else of the table that it is in or belongs in."""
    for length in range(len(keys), 0, -1):
        if (number := found.get(keys[:length])) is not None:
            return number
    return None


def kind(value: object) -> str:
    """The TOML type of a value in words."""
    names = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _keys(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _plain(message: str) -> str:
    if twice := _TWICE.search(message):
        name = ".".join(part.strip(" '\"") for part in twice["keys"].split(","))
        return f"the table [{name}] is there twice"
    if message == "Cannot overwrite a value":
        return "a key is there twice, or is a value and a table at once"
    if message == "Invalid value":
        return "the value is neither text in quotes nor a number, true, false or a list"
    if message == "Invalid statement":
        return "this is neither [table] nor key = value"
    return message[:1].lower() + message[1:]
