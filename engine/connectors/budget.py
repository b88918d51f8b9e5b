"""What a service tells with its answers of how much more of it may be used (reference/apis.md section 1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9][0-9,]{0,15}(\.[0-9]{1,9})?")
_REQUESTS, _SECONDS = 6_000, 1_200
"""What Dataverse allows a user in a window, as it tells only what is left of it (reference/apis.md section 1)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the present window, and how many requests at once are recommended; None where nothing is said.

    `seconds` is execution time.
    """

    requests: float | None = None
    seconds: float | None = None
    together: int | None = None

    @property
    def used(self) -> float | None:
        """The share (0 to 1) of the window that is used up, by whichever is scarcer; None where nothing is told."""
        told = ((self.requests, _REQUESTS), (self.seconds, _SECONDS))
        return max((min(1.0, max(0.0, 1 - left / most)) for left, most in told if left is not None), default=None)


NOTHING_TOLD = Budget()


def read_budget(headers: Mapping[str, str]) -> Budget:
    """The budget in the headers of an answer. They are meant for a person's eyes: what cannot be read says nothing."""
    hint = _number(headers, "x-ms-dop-hint")
    return Budget(
        _number(headers, "x-ms-ratelimit-burst-remaining-xrm-requests"),
        _number(headers, "x-ms-ratelimit-time-remaining-xrm-requests"),
        None if hint is None or not 1 <= hint <= 1000 else int(hint),
    )


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None
