"""What operators set and answered, and so what Synch. Only Coupled Records must be."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Answers:
    """`flags` are the flags as they must be, `edited` those that operators set since the last run was started.

    `advance` are the answers that were given with the start of runs, None for those that are to ask, and `given` those to
    the closing question.
    """

    flags: dict[str, bool] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)
    advance: dict[int, bool | None] = field(default_factory=dict)
    given: dict[int, bool] = field(default_factory=dict)

    def started(self, run: int, keep: bool | None) -> None:
        """A run is started, perhaps with an answer in advance."""
        self.advance[run] = keep
        self.edited.clear()

    def set(self, mapping: str, *, value: bool) -> None:
        """An operator sets a flag."""
        self.flags[mapping] = value
        self.edited.add(mapping)

    def ended(self, run: int, kind: str, stored: bool | None, jobs: Iterable[str]) -> str:
        """A run is finished, with a stored answer; what is wrong with that one, blank when nothing is."""
        asked = run in self.given
        right = self.given[run] if asked else self.advance[run]
        if right:
            self.flags.update(dict.fromkeys(set(jobs) - self.edited, False))
        if asked and self.advance[run] is not None:
            return f"I4 run {run} asked what was answered in advance: {_word(self.advance[run])}"
        if stored != right:
            return f"I4 the answer of run {run} is {_word(stored)}, but {_word(right)} was given"
        return f"I4 run {run} asked nothing" if kind == "run" and right is None else ""


def _word(answer: bool | None) -> str:
    return {None: "none", True: "Yes", False: "No"}[answer]
