"""Transactions in memory: what to undo when a change set fails, and what to do once it has not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Action = Callable[[], object]


class Journal:
    """Undo and commit actions of the transaction that is open; nested ones are savepoints."""

    def __init__(self) -> None:
        self._depth = 0
        self._undo: list[Action] = []
        self._commit: list[Action] = []

    def on_rollback(self, action: Action) -> None:
        """Have an action run, last one first, if the open transaction fails."""
        if self._depth:
            self._undo.append(action)

    def on_commit(self, action: Action) -> None:
        """Have an action run when the outermost transaction succeeds; at once when none is open."""
        if self._depth:
            self._commit.append(action)
        else:
            action()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an exception undoes what was done since the start, and is raised again."""
        undo_mark, commit_mark = len(self._undo), len(self._commit)
        self._depth += 1
        try:
            yield
        except BaseException:
            for action in reversed(self._undo[undo_mark:]):
                action()
            del self._undo[undo_mark:]
            del self._commit[commit_mark:]
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            ready, self._commit = self._commit, []
            self._undo.clear()
            for action in ready:
                action()
