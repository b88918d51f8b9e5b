"""Eight operators who do the same at the same moment: one of them does it, and the others are told so.

Who starts a run, whose engine works on it, and whose answer counts are three races for each store.
"""

import contextlib
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from engine.config import load
from engine.model.snapshot import RunState
from engine.runs import snapshots
from engine.store import runs
from engine.store.database import Store
from tests.reliability.line import Line, Measured
from tests.reliability.lives import answer, forking, start, take_part, work
from tests.runs.company import Company
from tests.runs.made import made_twice

_RACERS = 8
_RACES = 150
_ACTS = (start, work, answer)


@dataclass
class Races:
    """`won` are races with exactly one winner, whose deed is what the store has."""

    run: int = 0
    won: int = 0
    faults: list[str] = field(default_factory=list)


def race(stores: int) -> Races:
    """Three races for each of so many new stores."""
    races = Races()
    context = forking()
    racers = ProcessPoolExecutor(_RACERS, context, initializer=take_part, initargs=(context.Barrier(_RACERS),))
    with tempfile.TemporaryDirectory() as folder, racers, contextlib.closing(_company(Path(folder))) as company:
        text = company.config.read_text()
        for number in range(stores):
            config = company.folder / f"{number}.toml"
            config.write_text(text.replace("sqlite:///sandbox.db", f"sqlite:///{company.folder / f'{number}.db'}"))
            _race(races, racers, config)
        races.faults += made_twice(company.audit())
    return races


def _company(folder: Path) -> Company:
    return Company(folder, "--demo-size", "4")


def _race(races: Races, racers: Executor, config: Path) -> None:
    store = Store.open(load(config).store.url)
    try:
        for act in _ACTS:
            races.run += 1
            calls = [racers.submit(act, config, number, 1) for number in range(_RACERS)]
            winners = [number for number, call in enumerate(calls) if call.result(120)]
            wrong = f"{len(winners)} winners" if len(winners) != 1 else _wrong(store, act.__name__, winners[0])
            if wrong:
                races.faults.append(f"{config.stem}, {act.__name__}: {wrong}")
            else:
                races.won += 1
    finally:
        store.close()


def _wrong(store: Store, act: str, winner: int) -> str:
    """What the store has that is not the winner's deed; blank when all is."""
    found = snapshots.run(store, 1)
    with store.reading() as connection:
        flags = runs.flags(connection)
        second = runs.get(connection, 2)
    says = "yes" if winner % 2 == 0 else "no"
    must = {
        "start": (RunState.RUNNING, None, {}),
        "work": (RunState.ASKING, None, {}),
        "answer": (RunState.FINISHED, says, {"CURRENCY": (False, 1)} if says == "yes" else {}),
    }
    have = (found.state, found.answer, flags)
    return "" if second is None and have == must[act] else f"{have}, second run: {second is not None}"


def _measure() -> Measured:
    races = race(_RACES // len(_ACTS))
    met = races.won == races.run == _RACES and not races.faults
    return Measured(f"{races.won}/{races.run}", met, tuple(races.faults))


LINES = (Line("races of eight operators with one winner", f"{_RACES}/{_RACES}", _measure),)
