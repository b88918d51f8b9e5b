"""Time under sliding windows: a walk through work of which each piece goes as soon as the limits let it.

All times are whole microseconds, so that what is the same is the same.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Note = Callable[[int, Sequence[int]], None]
"""Told of each piece that is walked: its moment, and what it uses of each window."""


@dataclass(frozen=True, slots=True)
class Window:
    """Within any `span` at most `limit` may be used; a limit of 0 is none."""

    name: str
    limit: int
    span: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many pieces, one each `gap` at the fastest, which is because of what `bound` names. `needs` is what a piece
    uses of each window.
    """

    pieces: int
    gap: int
    bound: str
    needs: tuple[int, ...]


@dataclass(slots=True)
class Course:
    """How long a walk took, and how much of it each limit was to blame for."""

    now: int = 0
    blamed: Counter[str] = field(default_factory=Counter)

    @property
    def binding(self) -> list[str]:
        """The limits that took a quarter of the time or more, the one that took most first."""
        return [name for name, spent in self.blamed.most_common() if 4 * spent >= self.now > 0]

    def spend(self, until: int, name: str) -> None:
        """Go on to a moment, which was not earlier because of a limit."""
        self.blamed[name] += until - self.now
        self.now = until


class _Used:
    """What of one window is used, piece by piece."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.pieces: deque[tuple[int, int]] = deque()
        self.total = 0

    def earliest(self, need: int) -> int:
        """The first moment at which the window has room for so much more; what is older is forgotten."""
        at = 0
        while self.pieces and self.total + need > self.window.limit:
            moment, amount = self.pieces.popleft()
            self.total -= amount
            at = moment + self.window.span
        return at

    def use(self, at: int, need: int) -> None:
        self.pieces.append((at, need))
        self.total += need

    def shift(self, by: int) -> None:
        self.pieces = deque((at + by, need) for at, need in self.pieces)


def walk(
    stretches: Sequence[Stretch], windows: Sequence[Window], *, skip: bool = True, note: Note | None = None
) -> Course:
    """Go through stretches one after the other, each piece as early as its gap and all windows let it.

    With `skip`, pieces that can only repeat what came before are counted and not walked. Raises ValueError for a piece
    that is more than a window allows.
    """
    course = Course()
    used = [_Used(one) for one in windows]
    for one in stretches:
        if any(need > window.limit > 0 for need, window in zip(one.needs, windows, strict=True)):
            raise ValueError("a piece of work is more than a window allows")
        _through(one, used, course, skip=skip, note=note)
    return course


def _through(one: Stretch, used: Sequence[_Used], course: Course, *, skip: bool, note: Note | None) -> None:
    asked = [(each, need) for each, need in zip(used, one.needs, strict=True) if need and each.window.limit]
    # how many pieces a window takes; it can hold this stretch up only if these take less time than the window
    fits = {each.window.name: each.window.limit // need for each, need in asked}
    narrow = {each.window.name for each, _ in asked if fits[each.window.name] * one.gap < each.window.span}
    tight = min(narrow, key=lambda name: fits[name], default="")
    enough = max((fits[name] for name in narrow), default=0)
    began, left, alike = course.now, one.pieces, 0
    while left:
        span = max((each.window.span for each, _ in asked), default=0)
        if skip and course.now >= began + span:
            if not narrow:
                left = _repeat_gaps(one, asked, course, left)
                continue
            if alike >= enough and left > fits[tight]:
                left = _repeat_windows(asked, course, left, (fits[tight], tight, span))
                alike = 0
                continue
        at, why = course.now + one.gap, one.bound
        free = {each.window.name: each.earliest(need) for each, need in asked}
        for name, moment in free.items():
            if moment >= at:  # also where the gap takes as long: the window is what lasts
                at, why = moment, name
        alike = alike + 1 if free.get(tight) == at else 0
        course.spend(at, why)
        for each, need in asked:
            each.use(at, need)
        if note is not None:
            note(at, one.needs)
        left -= 1


def _repeat_gaps(one: Stretch, asked: Sequence[tuple[_Used, int]], course: Course, left: int) -> int:
    """No window holds the rest up: all pieces come at their gaps, and only the last ones matter later."""
    began = course.now
    course.spend(began + left * one.gap, one.bound)
    for each, need in asked:
        kept = min(left, each.window.limit // need)
        for number in range(left - kept + 1, left + 1):
            each.earliest(need)
            each.use(began + number * one.gap, need)
    return 0


def _repeat_windows(asked: Sequence[tuple[_Used, int]], course: Course, left: int, cycle: tuple[int, str, int]) -> int:
    """Each window is like the one before: skip as many as there are, and leave the rest to be walked."""
    pieces, name, span = cycle
    times = (left - 1) // pieces
    course.spend(course.now + times * span, name)
    for each, _ in asked:
        each.shift(times * span)
    return left - times * pieces
