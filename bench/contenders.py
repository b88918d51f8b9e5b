"""Who takes part: the floor, our engine, and others that do the same work. Each is a command and what it leaves."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench import environments
from bench.canned import Canned, Tally
from bench.measure import Cost, measured

_ROOT = Path(__file__).parents[1]
_HOOKS = Path(__file__).parent / "hooks"
_OURS = (sys.executable, "-m", "tui")
_CONFIG = """\
environment = "bench"
[nav]
url = "{nav}"
company = "CRONUS"
secret = "file:secret"
page_size = 1000
[crm]
url = "{crm}"
secret = "file:secret"
page_size = 1000
batch = {batch}
concurrency = 8
[store]
url = "sqlite:///store.db"
[mapping.CUSTOMER]
direction = "to"
"""


class LostError(Exception):
    """A run left something out, or did it twice; it has no speed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender works: the services, a folder of its own, and how many records a request takes."""

    services: Canned
    folder: Path
    batch: int


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to bring customers to CRM. `command` is what is measured, `prepare` what comes before it; `count` asks the
    store for how many couplings there are.
    """

    name: str
    command: Callable[[Place], Sequence[str]]
    count: str
    prepare: Callable[[Place], None] = lambda _: None

    def couplings(self, place: Place) -> int:
        """How many it has noted."""
        with closing(sqlite3.connect(place.folder / "store.db")) as store:
            (number,) = store.execute(self.count).fetchone()
        return int(number)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run cost, and what the services saw of it."""

    cost: Cost
    tally: Tally


def work(contender: Contender, place: Place, size: int) -> Run:
    """Let a contender work and check that CRM has each customer once. Raises LostError, FailedError."""
    place.services.tally()
    cost = measured(contender.command(place), environment(place))
    run = Run(cost, place.services.tally())
    check(contender.name, run.tally, contender.couplings(place), size)
    return run


def check(name: str, tally: Tally, couplings: int, size: int) -> None:
    """Whether each of so many customers is there once, and is coupled. Raises LostError."""
    if (tally.rows, tally.distinct, tally.doubled, couplings) != (size, size, 0, size):
        raise LostError(
            f"{name}: of {size:,} customers CRM has {tally.rows:,}, {tally.distinct:,} of them different; "
            f"{tally.doubled:,} were created again, {couplings:,} are coupled"
        )


def check_again(name: str, tally: Tally, modified: int) -> None:
    """Whether just the records that were modified have been updated. Raises LostError."""
    if (tally.updated, tally.created) != (modified, 0):
        raise LostError(
            f"{name}: {modified:,} records were modified, {tally.updated:,} updated and {tally.created:,} created"
        )


def fresh(contender: Contender, services: Canned, folder: Path, batch: int) -> Place:
    """An empty folder and an empty CRM, with what the contender needs beforehand."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    services.forget()
    place = Place(services, folder, batch)
    contender.prepare(place)
    return place


def environment(place: Place) -> dict[str, str]:
    """All variables of a contender: its own folders, and texts hashed alike each time. Nothing else is in it, such as
    that modules be compiled anew at each start.
    """
    folders = {name: str(place.folder) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    return {**folders, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(_ROOT), "PYTHONHASHSEED": "0"}


def hooked(place: Place, name: str, folder: Path) -> dict[str, str]:
    """The variables with which the process that does the work is looked into; see `bench/hooks`."""
    variables = environment(place)
    paths = os.pathsep.join((str(_HOOKS), variables["PYTHONPATH"]))
    return {**variables, "PYTHONPATH": paths, name: str(folder)}


def _configured(place: Place) -> None:
    """Our configuration, and the few records that customers refer to, coupled: they are no part of what is compared."""
    secret = place.folder / "secret"
    secret.write_text("canned", encoding="utf-8")
    secret.chmod(0o600)
    text = _CONFIG.format(nav=place.services.nav, crm=place.services.crm, batch=place.batch)
    (place.folder / "config.toml").write_text(text, encoding="utf-8")
    measured(ours(place, "CURRENCY", "SALEPEOPLE"), environment(place))


def ours(place: Place, *jobs: str) -> list[str]:
    """The command of a full synchronization by our engine."""
    only = [argument for job in jobs for argument in ("--only", job)]
    answers = ("--yes", "--keep-cleared", "no", "--config", str(place.folder / "config.toml"))
    return [*_OURS, "run", *only, *answers]


def _floor(place: Place) -> list[str]:
    return [sys.executable, "-m", "bench.floor", *_arguments(place)]


def _arguments(place: Place) -> tuple[str, str, str]:
    return str(place.services.port), str(place.folder / "store.db"), str(place.batch)


def _peer(name: str) -> Contender:
    def command(place: Place) -> list[str]:
        return [str(environments.python(name)), "-P", str(environments.HERE / f"{name}.py"), *_arguments(place)]

    return Contender(name, command, _COUPLINGS)


_COUPLINGS = "SELECT count(*) FROM coupling"
FLOOR = Contender("floor", _floor, _COUPLINGS)
ENGINE = Contender(
    "coupler", lambda place: ours(place, "CUSTOMER"), f"{_COUPLINGS} WHERE mapping = 'CUSTOMER'", _configured
)
PEERS = {name: _peer(name) for name in environments.names()}
