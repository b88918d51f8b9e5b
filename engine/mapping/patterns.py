"""Which regular expressions may run: those that cannot take for ever on some text."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import NamedTuple

LONGEST_PATTERN = 200
_ENDLESS = 1000
"""Ways that a repetition without end counts for, and that a pattern may have at each place of a text."""
_BESIDES = 16
"""Ways that it may have besides those of one text that two repetitions without end share."""
_SAMPLE = "".join(map(chr, (*range(0x250), *range(0x250, 0x10000, 16))))
_READINGS = (re.RegexFlag(0), re.IGNORECASE | re.DOTALL, re.ASCII)
_FLAGS = re.compile(r"\(\?[aiLmsu-]")
_OPENING = re.compile(r"\((?:\?(P<\w+>|<?[=!]|>|[\w-]*:?))?")
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|0[0-7]{0,2}|.)", re.DOTALL)
_QUANTIFIER = re.compile(r"(?:([*+?])|\{(?=[\d,])(\d*)(,?)(\d*)\})[?+]?")


def pattern_fault(pattern: str, replacement: str) -> str | None:
    """What is wrong with a pattern and its replacement; None when nothing is.

    A repeated group that itself repeats or has alternatives can take a time that doubles with each character, and
    repetitions that share a text among them one that grows with a power of its length: they are refused, as is a very
    long pattern.
    """
    if len(pattern) > LONGEST_PATTERN:
        return f"the pattern has {len(pattern)} characters, at most {LONGEST_PATTERN} are taken."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(pattern).sub(replacement, "")
    except FutureWarning:
        return f"'{pattern}' has [, --, &&, ~~ or || in a set of characters, which may get a meaning; put \\ before it."
    except (re.error, RecursionError, OverflowError, IndexError) as error:
        return f"'{pattern}' with '{replacement}' is not valid: {error}."
    if re.search(r"\\[1-9]|\(\?P=|\(\?\(", pattern):
        return f"'{pattern}' refers back to a group within itself; write it without."
    if re.search(r"\(\?(?:#|[a-zA-Z-]*x)", pattern):
        return f"'{pattern}' has a comment or the flag x; write it without."
    try:
        alternatives = _Reader(pattern).alternatives()
    except _Nested:
        return f"'{pattern}' repeats a group that repeats or has alternatives; write it without the outer repetition."
    if any(_take_for_ever(parts) for parts in alternatives):
        return (
            f"'{pattern}' repeats the same characters several times in a row, which can take for ever; put something "
            "between the repetitions that they do not match."
        )
    return None


class _Nested(Exception):
    """A group that can match in several ways is itself repeated."""


class _Part(NamedTuple):
    """A piece of a pattern: the characters that it can match, in how many ways, and whether it must match some."""

    characters: frozenset[str]
    ways: int = 1
    needed: bool = True


@dataclass(slots=True)
class _Reader:
    """Reads a pattern that is valid, from a place on."""

    pattern: str
    at: int = 0

    def alternatives(self) -> list[list[_Part]]:
        """The parts of each of the alternatives up to the end of the group; raises _Nested."""
        found: list[list[_Part]] = [[]]
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self.pattern[self.at] == "|":
                self.at += 1
                found.append([])
            else:
                found[-1] += self._piece()
        return found

    def _piece(self) -> list[_Part]:
        looks = False
        if opening := _OPENING.match(self.pattern, self.at):
            looks = (opening[1] or "").endswith(("=", "!"))
            self.at = opening.end()
            alternatives = self.alternatives()
            self.at += 1
        else:
            alternatives = [[self._atom()]]
        quantifier = _QUANTIFIER.match(self.pattern, self.at)
        self.at = self.at if quantifier is None else quantifier.end()
        times, least = _times(quantifier)
        parts = [*chain(*alternatives)]
        several = [one for one in parts if one.ways > 1]
        ways = min(times * len(alternatives), _ENDLESS)
        if (several or len(alternatives) > 1) and quantifier is not None and quantifier[1] != "?":
            raise _Nested
        if not looks and ways == least == 1:
            return parts
        characters = frozenset[str]().union(*(one.characters for one in parts))
        needed = not looks and len(alternatives) == 1 and least > 0
        return [*(one._replace(needed=False) for one in several), _Part(characters, ways, needed)]

    def _atom(self) -> _Part:
        start = self.at
        if escape := _ESCAPE.match(self.pattern, start):
            self.at = escape.end()
        else:
            self.at = _behind_set(self.pattern, start + 1) if self.pattern[start] == "[" else start + 1
        characters = _matched(
            self.pattern[start : self.at], _READINGS if _FLAGS.search(self.pattern) else _READINGS[:1]
        )
        return _Part(characters, needed=bool(characters))


def _times(quantifier: re.Match[str] | None) -> tuple[int, int]:
    """How many numbers of times are possible, and the least of them."""
    if quantifier is None:
        return 1, 1
    sign, low, comma, high = quantifier.groups()
    if sign is not None:
        return (2 if sign == "?" else _ENDLESS), int(sign == "+")
    least = int(low or 0)
    if not comma:
        return 1, least
    return (int(high) - least + 1 if high else _ENDLESS), least


def _take_for_ever(parts: Sequence[_Part]) -> bool:
    """Whether parts can share a text in too many ways: each counts that can match in several ways, with one before it
    that can take over what it matches, and does so in no more ways than that one has.
    """
    endless, others = 0, 1
    for last, one in enumerate(parts):
        before = (parts[first].ways for first in range(last) if parts[first].ways > 1 and _meet(parts, first, last))
        ways = min(one.ways, max(before, default=1))
        endless += ways == _ENDLESS
        others *= 1 if ways == _ENDLESS else ways
    return endless > 1 or others > (_BESIDES if endless else _ENDLESS)


def _meet(parts: Sequence[_Part], first: int, last: int) -> bool:
    """Whether the border between two parts can move: both match what must be between them."""
    left, right = parts[first].characters, parts[last].characters
    between = (one.characters for one in parts[first + 1 : last] if one.needed)
    return bool(left & right) and all(one & left and one & right for one in between)


@cache
def _matched(atom: str, readings: Sequence[re.RegexFlag]) -> frozenset[str]:
    """Of many characters those that match under some of the flags."""
    return frozenset(one for flags in readings for one in re.findall(atom, _SAMPLE, flags) if one)


def _behind_set(pattern: str, at: int) -> int:
    """Where a set of characters that begins before `at` ends."""
    at += 1 if pattern.startswith("^", at) else 0
    at += 1 if pattern.startswith("]", at) else 0
    while pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
