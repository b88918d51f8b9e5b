"""Taking checked values out of a TOML table, and gathering everything that is wrong on the way.

msgspec, which checks what servers send, stops at the first fault; a person who edits a file wants all of them.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.config import toml
from engine.config.toml import Keys

_SHOWN = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    known = {one.lower(): one for one in names}
    found = get_close_matches(name.lower()[:_SHOWN], known, n=1, cutoff=0.5)
    return known[found[0]] if found else None


def meant(name: str, names: Iterable[str]) -> str:
    """The tail of a message: the nearest name, or all names when none is near."""
    names = list(names)
    if near := nearest(name, names):
        return f'did you mean "{near}"?'
    return f"it can be {', '.join(names)}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a key or table; `line` is 0 where none is known."""

    keys: Keys
    text: str
    file: str
    line: int

    @property
    def told(self) -> str:
        """Where it is and what is wrong, on one line."""
        return f"{self.file}:{self.line}: {self.named}" if self.line else f"{self.file}: {self.named}"

    @property
    def named(self) -> str:
        """Which key it is and what is wrong."""
        return f"{'.'.join(short(key) for key in self.keys)}: {self.text}"


class Report:
    """The faults of one file, in the order of its lines."""

    def __init__(self, file: str, lines: Mapping[Keys, int]) -> None:
        self._file = file
        self._lines = lines
        self._found: list[Fault] = []

    def add(self, keys: Keys, text: str) -> None:
        """Note what is wrong with a key or table."""
        self._found.append(Fault(keys, text, self._file, toml.line_of(self._lines, keys) or 0))

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was noted."""
        return tuple(sorted(self._found, key=lambda one: one.line))


class Table:
    """One table of the file. Each `take` gives a valid value; where there is none, it says so and gives a stand-in.

    Missing keys are noted by `end`, which comes last.
    """

    def __init__(self, values: Mapping[str, Any], keys: Keys, report: Report) -> None:
        self._values = values
        self._keys = keys
        self._report = report
        self._known: list[str] = []
        self._absent: dict[str, str] = {}

    def text(
        self, key: str, default: str | None = None, *, pattern: str = "", what: str = "", longest: int = 250
    ) -> str:
        """A text without control characters; required when there is no default."""
        found = self._take(key, str, default)
        if not isinstance(found, str):
            return default or ""
        if not found.strip():
            self.add(key, "must not be blank")
        elif _CONTROL.search(found):
            self.add(key, "must not hold control characters")
        elif len(found) > longest:
            self.add(key, f"must not be longer than {longest} characters")
        elif pattern and not re.fullmatch(pattern, found):
            self.add(key, f"must be {what}")
        return found

    def optional(self, key: str, *, pattern: str = "", what: str = "") -> str | None:
        """A text that may be left out."""
        if key not in self._values:
            self._known.append(key)
            return None
        return self.text(key, pattern=pattern, what=what)

    def choice(self, key: str, names: tuple[str, ...], default: str) -> str:
        """One of a few names."""
        found = self._take(key, str, default)
        if isinstance(found, str) and found not in names and key in self._values:
            self.add(key, f'"{short(found)}" is not known; {meant(found, names)}')
        return found if isinstance(found, str) else default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        found = self._take(key, bool, default)
        return found if isinstance(found, bool) else default

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within limits."""
        found = self._take(key, int, default)
        if not isinstance(found, int):
            return default
        if key in self._values and not low <= found <= high:  # what it has by default is told where that stands
            self.add(key, f"must be from {low:,} to {high:,}")
        return found

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number within limits."""
        found = self._take(key, (int, float), default)
        if not isinstance(found, int | float):
            return default
        if not (math.isfinite(found) and low <= found <= high):
            self.add(key, f"must be from {low:,} to {high:,}")
        return found

    def table(self, key: str, *, needs: str = "") -> "Table":
        """A table of its own; empty when it is left out, which is a fault when it `needs` something."""
        found = self._values.get(key, {})
        self._known.append(key)
        if key not in self._values and needs:
            self._absent[key] = f"the table [{key}] is missing; it needs {needs}"
            return _Missing(self._keys, self._report)
        if not isinstance(found, dict):
            self.add(key, f"must be a table [{key}], not {toml.kind(found)}")
            return _Missing(self._keys, self._report)
        return Table(found, (*self._keys, key), self._report)

    def nothing(self, key: str) -> "Table":
        """An empty table under a key that is not there."""
        return Table({}, (*self._keys, key), self._report)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def peek(self, key: str) -> Any:
        """A value of any type, without taking it."""
        return self._values.get(key)

    def raw(self, key: str) -> Any:
        """A value of any type as it is written; None when it is left out."""
        self._known.append(key)
        return self._values.get(key)

    def rows(self, key: str) -> "list[Table]":
        """The tables in a list, each as a table of its own whose name is its number."""
        found = self._listed(key, "a list of tables { ... }")
        rows = []
        for number, row in enumerate(found, 1):
            if isinstance(row, dict):
                rows.append(Table(row, (*self._keys, key, str(number)), self._report))
            else:
                self._report.add((*self._keys, key, str(number)), f"must be a table {{ ... }}, not {toml.kind(row)}")
        return rows

    def texts(self, key: str, *, pattern: str = "", what: str = "") -> tuple[str, ...] | None:
        """A list of texts; None when it is left out."""
        if key not in self._values:
            self._known.append(key)
            return None
        texts = []
        listed = self._listed(key, "a list of texts in quotes")
        for kind in dict.fromkeys(toml.kind(one) for one in listed if not isinstance(one, str)):
            self.add(key, f"must be a list of texts in quotes, not of {kind}")
        for one in listed:
            if not isinstance(one, str):
                continue
            if _CONTROL.search(one) or (pattern and not re.fullmatch(pattern, one)):
                self.add(key, f'"{short(_CONTROL.sub("?", one))}" must be {what or "without control characters"}')
            else:
                texts.append(one)
        return tuple(texts)

    def choices(self, key: str, names: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        """Some of a few names, each once; at least one."""
        found = self.texts(key)
        if found is None:
            return default
        if self._values[key] == []:
            self.add(key, f"must not be empty; {meant('', names)}")
        for one in found:
            if one not in names:
                self.add(key, f'"{short(one)}" is not known; {meant(one, names)}')
        return tuple(dict.fromkeys(found))

    def file(self, key: str, folder: Path) -> str | None:
        """The path of a file in full, as seen from `folder`; it may be left out, and it need not be there."""
        found = self.optional(key)
        if found is None:
            return None
        try:
            return str(folder / Path(found).expanduser())
        except RuntimeError:
            self.add(key, "names the folder of a user who is not there")
            return None

    def items(self) -> list[tuple[str, Any]]:
        """All keys and values, for tables whose keys are free."""
        self._known.extend(self._values)
        return list(self._values.items())

    def end(self, elsewhere: Mapping[str, tuple[str, ...]]) -> None:
        """Note keys that nobody asked for, and keys that are missing unless one of the former must be meant.

        `elsewhere` has the keys of other tables.
        """
        for key in self._values:
            if key in self._known:
                continue
            near = nearest(key, self._known)
            self._absent.pop(near or "", None)
            homes = [name for name, keys in elsewhere.items() if key in keys and (name,) != self._keys]
            if near is None and homes:
                self.add(key, f"does not belong here; put it into {' or '.join(f'[{home}]' for home in homes)}")
            else:
                self.add(key, f"unknown key; {meant(key, self._known)}")
        for key, text in self._absent.items():
            self.add(key, text)

    def add(self, key: str, text: str) -> None:
        """Note a fault of a key."""
        self._report.add((*self._keys, key), text)

    def _listed(self, key: str, what: str) -> list[Any]:
        self._known.append(key)
        found = self._values.get(key, [])
        if isinstance(found, list):
            return found
        self.add(key, f"must be {what}, not {toml.kind(found)}")
        return []

    def _take(self, key: str, types: type | tuple[type, ...], default: object) -> object:
        self._known.append(key)
        if key not in self._values:
            if default is None:
                self._absent[key] = "is missing"
            return default
        found = self._values[key]
        wanted = types if isinstance(types, tuple) else (types,)
        if type(found) not in wanted:
            self.add(key, f"must be {_WORDS[wanted[-1]]}, not {toml.kind(found)}")
            return None
        return found


class _Missing(Table):
    """Stands in for a table that is not there; that fault is noted once, not for each of its keys."""

    def __init__(self, keys: Keys, report: Report) -> None:
        super().__init__({}, keys, report)

    def add(self, key: str, text: str) -> None:
        """Nothing more to say."""


def short(text: str) -> str:
    """A name from the file that is fit for a message."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_WORDS = {str: "text in quotes", bool: "true or false", int: "a whole number", float: "a number"}
