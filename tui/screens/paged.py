"""A list of which the store gives a page at a time."""

from collections.abc import Callable
from typing import TypeVar

from tui.poll import LISTS, Poll
from tui.screens.page import Page

T = TypeVar("T")
PAGE = 50
"""Records of a page."""


class Paged(Page):
    """`skip` is where the page begins that is wanted; what was read for another one comes too late to be shown."""

    skip = 0
    words: tuple[str, ...] = ()
    """What each record must have in its number or name."""

    def action_next_page(self) -> None:
        """The next page."""
        self._turn("next_page", PAGE)

    def action_previous_page(self) -> None:
        """The page before."""
        self._turn("previous_page", -PAGE)

    def _turn(self, name: str, by: int) -> object:
        if not self._refused(name):
            self.skip = max(0, self.skip + by)
            self.read_page()
        return None

    def read_page(self) -> None:
        """Reads the page that is wanted."""
        self.wake()

    def polling_pages(
        self, read: Callable[[int, tuple[str, ...]], T], show: Callable[[T], None], part: float = LISTS
    ) -> Poll[tuple[tuple[int, tuple[str, ...]], T]]:
        """As `polling`, for the page that is wanted, of what is looked for; what was read for another is not shown."""

        def wanted() -> tuple[tuple[int, tuple[str, ...]], T]:
            skip, words = self.skip, self.words
            return (skip, words), read(skip, words)

        def in_time(found: tuple[tuple[int, tuple[str, ...]], T]) -> None:
            place, page = found
            if place == (self.skip, self.words):
                show(page)
            else:
                self.wake()

        return self.polling(wanted, in_time, part)

    @property
    def page_number(self) -> int:
        """Which page is wanted, from 1 on."""
        return self.skip // PAGE + 1


def pages(records: int) -> int:
    """How many pages so many records make: at least one, which may be empty."""
    return max(1, -(-records // PAGE))
