"""Engines and operators as processes that begin at once: forked from one that has all modules, and killed at a transaction.

What is here runs in such a process.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

from engine.config import load
from engine.model.errors import LockHeld, RunError
from engine.runs import control, process, pulse
from engine.store.database import Store


def forking() -> ForkServerContext:
    """Processes that have all modules when they begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def life(work: Callable[..., None], *arguments: object) -> int:
    """Run one in a process of its own; its exit code, which is negative when a signal ended it."""
    one = forking().Process(target=work, args=arguments)
    one.start()
    one.join(600)
    assert one.exitcode is not None, "it does not end"
    return one.exitcode


def engine(config: Path, run: int, tally: Path, kill: int) -> None:
    """An engine that is killed at a commit, counted from 1: just before it, or after it when that is negative.

    With 0 it is not. How many commits there were is left in a file.
    """
    _silent()
    with _counting(kill) as count, mock.patch.object(pulse, "_BEAT_SECONDS", 3600):
        error = process.main(load(config), run)
    tally.write_text(str(count[0]))
    sys.exit(0 if error is None else 1)


def operator(config: Path, run: int, says: str, kill: int) -> None:
    """Somebody who answers or cancels, killed as `engine` is; the exit code is 4 when that is refused."""
    _silent()
    store = Store.open(load(config).store.url)
    try:
        with _counting(kill):
            if says == "cancel":
                control.cancel(store, run, "test")
            else:
                control.answer(store, run, yes=says == "yes", by="test")
    except RunError:
        sys.exit(4)


@contextmanager
def _counting(kill: int) -> Iterator[list[int]]:
    count = [0]
    writing = Store.writing

    @contextmanager
    def counted(self: Store) -> Iterator[sa.Connection]:
        with writing(self) as connection:
            yield connection
            count[0] += 1
            if count[0] == kill:
                os.kill(os.getpid(), signal.SIGKILL)
        if count[0] == -kill:
            os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch.object(Store, "writing", counted):
        yield count


def _silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


# races

_at_once: Any = None


def take_part(barrier: Any) -> None:
    """Prepare a process for races."""
    global _at_once  # noqa: PLW0603 - a barrier can only be inherited
    _at_once = barrier
    _silent()


def start(config: Path, _number: int, _run: int) -> bool:
    """Whether this one has started a run."""
    settings = load(config)
    return _wins(config, lambda store: control.start(store, settings, only=("CURRENCY",), by="test"))


def answer(config: Path, number: int, run: int) -> bool:
    """Whether the answer of this one counts; every other one says yes."""
    return _wins(config, lambda store: control.answer(store, run, yes=number % 2 == 0, by="test"))


def work(config: Path, _number: int, run: int) -> bool:
    """Whether this one is the engine that worked on the run."""
    settings = load(config)
    _at_once.wait(60)
    return process.main(settings, run) is None


def _wins(config: Path, act: Callable[[Store], object]) -> bool:
    store = Store.open(load(config).store.url)
    try:
        _at_once.wait(60)
        act(store)
    except (RunError, LockHeld):
        return False
    finally:
        store.close()
    return True
