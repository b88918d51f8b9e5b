"""Which regular expressions may run: those that cannot take for ever on some text."""

import re
import warnings

LONGEST_PATTERN = 200


def pattern_fault(pattern: str, replacement: str) -> str | None:
    """What is wrong with a pattern and its replacement; None when nothing is.

    A repeated group that itself repeats or has alternatives can take a time that doubles with each character, so it
    is refused, as is a very long pattern.
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
    if _repeats_repeats(pattern):
        return f"'{pattern}' repeats a group that repeats or has alternatives; write it without the outer repetition."
    if re.search(r"\\[1-9]|\(\?P=", pattern):
        return f"'{pattern}' refers back to a group within itself; write it without."
    return None


def _repeats_repeats(pattern: str) -> bool:
    """Whether a group with a repetition or alternatives in it is itself repeated; of a pattern that is valid."""
    open_groups = [False]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\":
            at += 1
        elif char == "[":
            at = _behind_set(pattern, at)
        elif char == "(":
            open_groups.append(False)
            at += 1 if pattern.startswith("?", at) else 0
        elif char == ")":
            busy = open_groups.pop()
            if busy and pattern[at : at + 1] in ("*", "+", "{"):
                return True
            open_groups[-1] = open_groups[-1] or busy
        elif char in "*+{|?":
            open_groups[-1] = True
    return False


def _behind_set(pattern: str, at: int) -> int:
    """Where a set of characters that begins before `at` ends."""
    at += 1 if pattern.startswith("^", at) else 0
    at += 1 if pattern.startswith("]", at) else 0
    while pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
