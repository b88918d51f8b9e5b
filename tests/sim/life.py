"""One life of an engine: from its start until it ends or is killed, and its store, which a dead engine cannot use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from engine.store.database import Store
from tests.sim.loop import VirtualLoop

_T = TypeVar("_T")


class Died(BaseException):
    """A dead engine wanted to do something."""


@dataclass(frozen=True, slots=True)
class Doom:
    """When an engine is killed: before the step `at_step`, or some steps after so many times something that it wrote left
    or arrived, or after so many commits since the first of these. Never, unless one of them is given.
    """

    at_step: int | None = None
    after_writes: int = 0
    after_commits: int = 0
    steps_later: int = 0


class Life:
    """`number` counts the lives of a world. `dead` from the moment of the kill: whatever is still torn down then does nothing to the world.

    `marks` are the numbers of steps after which the world was no longer the same: something was sent, arrived, or
    was committed. A kill at any step between two of them is the same kill.
    """

    def __init__(self, loop: VirtualLoop, doom: Doom, number: int) -> None:
        self.number = number
        self.dead = False
        self.marks: dict[int, None] = {}
        self._loop = loop
        self._doom = doom
        self._writes = 0
        self._commits = 0
        loop.kill_at = doom.at_step

    @property
    def steps(self) -> int:
        """How many steps it has done."""
        return self._loop.steps

    def check(self) -> None:
        """Raise Died after the kill."""
        if self.dead:
            raise Died

    def mark(self, *, write: bool = False, commit: bool = False) -> None:
        """The world has changed; `write`: by something that was written to a server, or is on its way there, `commit`: by
        a commit.
        """
        if self.dead:
            return
        self.marks[self._loop.steps] = None
        self._writes += write
        self._commits += commit and self._writes > 0
        if (write and self._writes == self._doom.after_writes) or (
            commit and 0 < self._commits == self._doom.after_commits
        ):
            self._loop.kill_at = self._loop.steps + 1 + self._doom.steps_later


class MortalStore(Store):
    """The state store, as one life has it open."""

    life: Life

    async def write(self, work: Callable[[sa.Connection], _T]) -> _T:
        """As any store does, while the engine lives."""
        self.life.check()

        def marked(connection: sa.Connection) -> _T:
            self.life.check()
            done = work(connection)
            self.life.mark(commit=True)
            return done

        return await super().write(marked)

    async def read(self, work: Callable[[sa.Connection], _T]) -> _T:
        """As any store does, while the engine lives."""
        self.life.check()
        return await super().read(work)
