"""The rounds: each contender between runs of the floor; our engine also a second time, and with records changed."""

from collections.abc import Iterator
from pathlib import Path

from bench.canned import Canned
from bench.contenders import ENGINE, FLOOR, Contender, Run, check_again, fresh, work
from bench.results import Once, Series
from bench.rounds import bracketed

FLOOR_BATCH = 1000
_EVERY = 100
"""One in so many customers is modified before the last run of a round."""


def in_rounds(
    contender: Contender, services: Canned, folder: Path, *, size: int, batch: int, rounds: int
) -> Iterator[Series]:
    """A contender's series, compared with the floor. Raises LostError, FailedError."""
    later: dict[str, list[Once]] = {}

    def once() -> Run:
        place = fresh(contender, services, folder / contender.name, batch)
        run = work(contender, place, size)
        if contender is ENGINE:
            for what in ("again", "changed"):
                expected = services.change(_EVERY) if what == "changed" else 0
                repeated = work(contender, place, size)
                check_again(f"{contender.name}, {what}", repeated.tally, expected)
                later.setdefault(what, []).append(Once.of(repeated))
        return run

    def floor() -> Run:
        return work(FLOOR, fresh(FLOOR, services, folder / FLOOR.name, FLOOR_BATCH), size)

    before, between = bracketed(rounds, floor, once)
    floors = [Once.of(run) for run in before]
    yield Series(contender.name, "first", size, batch, [Once.of(run) for run in between], floors)
    for what, runs in later.items():
        yield Series(contender.name, what, size, batch, runs)


def alone(contender: Contender, services: Canned, folder: Path, *, size: int, batch: int, delay: float) -> Series:
    """One run of a contender whose time is what the services take: no floor is needed."""
    run = work(contender, fresh(contender, services, folder / contender.name, batch), size)
    return Series(contender.name, "first", size, batch, [Once.of(run)], delay=delay)
