"""One life of an engine: from its start until it ends or is killed, and its store, which a dead engine cannot use."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from engine.store.database import Store

_T = TypeVar("_T")


class Died(BaseException):
    """A dead engine wanted to do something."""


class Life:
    """`dead` from the moment of the kill: whatever is still torn down then does nothing to the world.

    `marks` are the numbers of steps after which the world was no longer the same: something was sent, arrived, or
    was committed. A kill at any step between two of them is the same kill.
    """

    def __init__(self, steps: Callable[[], int]) -> None:
        self.dead = False
        self.steps = 0
        self.marks: dict[int, None] = {}
        self._step = steps

    def check(self) -> None:
        """Raise Died after the kill."""
        if self.dead:
            raise Died

    def mark(self) -> None:
        """The world has changed."""
        self.marks[self._step()] = None


class MortalStore(Store):
    """The state store, as one life has it open."""

    life: Life

    async def write(self, work: Callable[[sa.Connection], _T]) -> _T:
        """As any store does, while the engine lives."""
        self.life.check()

        def marked(connection: sa.Connection) -> _T:
            self.life.check()
            done = work(connection)
            self.life.mark()
            return done

        return await super().write(marked)

    async def read(self, work: Callable[[sa.Connection], _T]) -> _T:
        """As any store does, while the engine lives."""
        self.life.check()
        return await super().read(work)
