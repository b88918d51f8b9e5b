"""Both servers, the people who use them, the operators' desk, and engines that live and die."""

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from engine.config import Settings
from engine.config.secrets import Secret
from engine.config.settings import CrmSettings, NavSettings, RunSettings, StoreSettings, UiSettings
from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.model.errors import CouplerError
from engine.runs.full import FullSynchronization
from engine.store.database import Store
from engine.store.lock import engine_lock
from sandbox.crm import writes as crm_writes
from sandbox.crm.app import create_app as crm_app
from sandbox.crm.schema import ENTITIES
from sandbox.load import crm_state, nav_state
from sandbox.nav import writes as nav_writes
from sandbox.nav.app import create_app as nav_app
from sandbox.nav.schema import PAGES, Column
from sandbox.nav.state import NavState
from sandbox.odata.errors import ODataError
from tests.sim.agenda import Agenda
from tests.sim.company import NOWHERE, PAIRS, SETS, Company, Row, mapping_of, sign_of
from tests.sim.life import Doom, Life, MortalStore
from tests.sim.log import Log
from tests.sim.loop import Killed, Stuck, VirtualLoop
from tests.sim.network import BOUND, Network, Server, Transport
from tests.sim.room import room

COMPANY = "CRONUS International Ltd."
MARKER = "CRM_Id"
_TOKEN = "token"
_LIMITS = Limits(connect=2, read=10, total=15, patience=8, throttle_patience=60)
_T = TypeVar("_T")
_PUT_BACK = 0.3
"""How likely an edit puts an older value back, where there is one."""
BLANK = {"nav": "", "crm": None}


@dataclass(frozen=True, slots=True)
class Setup:
    """How everything is set up for one seed. Clocks are that many seconds off."""

    marker: bool = True
    nav_batch: int = 3
    crm_batch: int = 3
    page_size: int = 2
    concurrency: int = 3
    nav_skew: float = 0.0
    crm_skew: float = 0.0


class World:
    """Everything but the plot. `trace` tells what happened, line by line."""

    def __init__(self, seed: str, company: Company, setup: Setup) -> None:
        self.agenda = Agenda()
        self.company = company
        self.setup = setup
        self.trace: list[str] = []
        self.log = Log(self.agenda)
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._chance = Random(f"{seed} people")
        self._mind = Random(f"{seed} people who change their mind")
        self._timing = Random(f"{seed} timing")
        ids = Random(f"{seed} ids")
        self._edits = 0
        self._lives = 0

        def new_id() -> str:
            return str(UUID(int=ids.getrandbits(128), version=4))

        def clock(skew: float) -> Callable[[], Any]:
            return lambda: self.agenda.moment(skew)

        nav_clock, crm_clock = clock(setup.nav_skew), clock(setup.crm_skew)
        self.nav = nav_state(company.seeds, audit=self.log, clock=nav_clock, new_id=new_id)
        self.crm = crm_state(company.seeds, audit=self.log, clock=crm_clock, new_id=new_id)
        _refuse_counties(self.nav)
        self.log.find = lambda side, name, key: self.records(side, name).get(key)
        servers = {
            "nav": Server(nav_app(self.nav, _TOKEN), nav_clock, self.log),
            "crm": Server(crm_app(self.crm, _TOKEN), crm_clock, self.log),
        }
        self.origins: dict[str, Row] = {}
        """The records of the jobs, as they were at first."""
        self.born: dict[str, tuple[str, str, str]] = {}
        """Mapping, side and sign of these."""
        for mapping in company.jobs:
            for side in ("nav", "crm"):
                set, there = self._of(side, mapping)
                rows = self.records(side, set)
                self.origins |= {id: dict(rows[id]) for id in there}
                self.born |= {id: (mapping, side, sign_of(side, mapping, rows[id])) for id in there}
        self.network = Network(self.agenda, servers, Random(f"{seed} network"), self.tell, self.edit, self.log)
        self.folder, self.file = room().folder, room().file
        self.settings = Settings(
            path=self.folder / "config.toml",
            environment="test",
            nav=NavSettings(
                "http://127.0.0.1/BC/ODataV4",
                COMPANY,
                Secret("env:TOKEN", self.folder, {"TOKEN": _TOKEN}),
                marker_field=MARKER if setup.marker else None,
                settle_wait=BOUND,
                page_size=setup.page_size,
                batch=setup.nav_batch,
                concurrency=setup.concurrency,
            ),
            crm=CrmSettings(
                "http://127.0.0.1/api/data/v9.2",
                Secret("env:TOKEN", self.folder, {"TOKEN": _TOKEN}),
                settle_wait=BOUND,
                page_size=setup.page_size,
                batch=setup.crm_batch,
                concurrency=setup.concurrency,
            ),
            store=StoreSettings(room().url),
            run=RunSettings(),
            ui=UiSettings(),
        )
        self.also: Callable[[int], None] = lambda _: None
        """Have a second engine work beside the one that lives."""
        self._asking: sqlite3.Connection | None = None
        self.new_store()

    def close(self) -> None:
        """Leave nothing on disk."""
        self._forget_files("*")

    def tell(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.agenda.now:9.3f} {text}")

    # the state store

    def new_store(self) -> None:
        """An empty state store, as after the first start or the loss of the old one."""
        self._forget_files("store.db*")
        self.file.write_bytes(room().empty)

    def copy_store(self) -> Path:
        """A backup of the state store."""
        path = self.folder / f"backup{len(list(self.folder.glob('backup*')))}"
        with sqlite3.connect(self.file) as source, sqlite3.connect(path) as target:
            source.backup(target)
        source.close()
        target.close()
        return path

    def restore_store(self, backup: Path) -> None:
        """Put a backup in the place of the state store."""
        self._forget_files("store.db*")
        shutil.copyfile(backup, self.file)

    def _forget_files(self, names: str) -> None:
        if self._asking is not None:
            self._asking.close()
            self._asking = None
        room().engine.dispose()
        for path in self.folder.glob(names):
            path.unlink()

    def desk(self, work: Callable[[Store], _T]) -> _T:
        """What an operator does with a command; raises what the command raises."""
        return work(Store(room().engine))  # of the file that is there now

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What the state store says, asked without the engine."""
        if self._asking is None:
            self._asking = sqlite3.connect(self.file, isolation_level=None)
            self._asking.row_factory = sqlite3.Row
        return self._asking.execute(query, values).fetchall()

    # engines

    def live(self, run: int, doom: Doom) -> Life:
        """An engine works on a run until it ends or is killed."""
        loop = VirtualLoop(self.agenda, self._timing)
        self._lives += 1
        life = Life(loop, doom, self._lives)
        store = MortalStore(room().engine)
        store.life = life
        loop.set_exception_handler(
            lambda _, what: None if life.dead else self.wrong.append(f"engine: {what['message']}")
        )

        async def work(number: int) -> None:
            with engine_lock(store):
                await self._engine(store, life, number)

        engines = [loop.create_task(work(run))]
        self.also = lambda number: engines.append(loop.create_task(work(number)))
        try:
            for engine in engines:  # a second one may come while the first works
                self._see_through(loop, engine)
        except Killed:
            self.tell(f"killed at step {loop.kill_at}")
            self.faults["killed"] += 1
            life.dead = True
            self.network.abandon()
        except Stuck:
            self.wrong.append("the engine waits for something that never comes")
        finally:
            self.also = lambda _: None
            life.dead = True
            _bury(loop)
            loop.close()
            if loop.kill_at is not None:
                room().engine.dispose()
        return life

    def _see_through(self, loop: VirtualLoop, engine: asyncio.Task[None]) -> None:
        try:
            loop.run_until_complete(engine)
        except CouplerError as error:
            self.wrong.append(f"the engine failed: {error.code} {error.message}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self.wrong.append(f"the engine raised {error!r}")

    async def _engine(self, store: Store, life: Life, run: int) -> None:
        own = self.settings
        loop = asyncio.get_running_loop()

        def gate(name: str) -> Gate:
            return Gate(name, self.setup.concurrency, clock=loop.time, chance=self._timing.random)

        nav = NavPages(
            own.nav.url,
            own.nav.secret.reveal,
            own.nav.company,
            marker=own.nav.marker_field,
            batch=own.nav.batch,
            gate=gate("NAV"),
            limits=_LIMITS,
            transport=lambda: Transport("nav", self.network, life),
        )
        crm = Dataverse(
            own.crm.url,
            own.crm.secret.reveal,
            batch=own.crm.batch,
            gate=gate("CRM"),
            limits=_LIMITS,
            transport=lambda: Transport("crm", self.network, life),
        )
        try:
            await FullSynchronization(store, own, run, nav, crm, clock=self.agenda.moment).work()
        finally:
            await nav.close()
            await crm.close()

    # people

    def edit_something(self) -> None:
        """Somebody edits a record of the jobs that are run, on either side."""
        pairs = [pair for pair in PAIRS if pair.mapping in self.company.jobs]
        if pairs:
            pair = self._chance.choice(pairs)
            side = {"to": "nav", "from": "crm"}.get(pair.way) or self._chance.choice(("nav", "crm"))
            set, ids = self._of(side, pair.mapping)
            if ids:
                self.edit(side, set, self._chance.choice(ids))

    def delete_something(self) -> str:
        """Somebody deletes a record of the jobs that are run; its sign, blank when there is none."""
        mapping, side = self._chance.choice(self.company.jobs), self._chance.choice(("nav", "crm"))
        set, ids = self._of(side, mapping)
        if not ids:
            return ""
        id = self._chance.choice(ids)
        sign = sign_of(side, mapping, self.records(side, set)[id])
        if sign:
            self.delete(side, set, id, sign)
        return sign

    def delete(self, side: str, set: str, id: str, sign: str) -> bool:
        """Somebody deletes a record; false when the server refuses it."""
        return self.person(side, f"deletes {sign}", lambda: self._delete(side, set, id))

    def there(self) -> dict[tuple[str, str], frozenset[str]]:
        """The ids of all records that there are now, by mapping and side."""
        return {(mapping, side): frozenset(self._of(side, mapping)[1]) for mapping in SETS for side in ("nav", "crm")}

    def _of(self, side: str, mapping: str) -> tuple[str, list[str]]:
        """The set of a mapping on a side, and the ids of its records."""
        page, _, table, _ = SETS[mapping]
        set = page if side == "nav" else table
        return set, sorted(id for id, row in self.records(side, set).items() if mapping_of(side, set, row) == mapping)

    def edit(self, side: str, set: str, id: str) -> None:
        """Somebody edits a field of a record, if there is one that may be edited on that side."""
        row = self.records(side, set).get(id)
        mapping = mapping_of(side, set, row) if row is not None else None
        fields = [
            pair.nav if side == "nav" else pair.crm
            for pair in PAIRS
            if pair.mapping == mapping and pair.way in ("both", "to" if side == "nav" else "from")
        ]
        if row is None or mapping is None or not fields or not (sign := sign_of(side, mapping, row)):
            return
        field = self._chance.choice(fields)
        self._edits += 1
        older = self._older(id, field, row) if self._mind.random() < _PUT_BACK else None
        self._write(side, set, id, sign, field, f"{sign} e{self._edits}" if older is None else older)

    def put_back_something(self) -> None:
        """Sometimes somebody puts back a value that a field had before it was changed."""
        if self._mind.random() >= _PUT_BACK:
            return
        changed = [
            (line, pair)
            for line in self.log.lines
            for pair in PAIRS
            if pair.mapping == line.mapping and line.op == "update" and pair.of(line.side) in line.values
        ]
        if not changed:
            return
        line, pair = self._mind.choice(changed[-4:])
        row = self.records(line.side, line.set).get(line.key)
        if row is None or pair.way not in ("both", "to" if line.side == "nav" else "from"):
            return
        field = pair.of(line.side)
        older = self._older(line.key, field, row)
        sign = sign_of(line.side, pair.mapping, row)
        if older is not None and sign:
            self._write(line.side, line.set, line.key, sign, field, older)

    def held(self, id: str, field: str) -> list[str]:
        """All values that a field of a record has had, in order."""
        first = [self.origins[id]] if id in self.origins else []
        since = [
            line.values for line in self.log.lines if line.key == id and (field in line.values or line.op == "create")
        ]
        return [str(values.get(field) or "") for values in (*first, *since)]

    def _older(self, id: str, field: str, row: Row) -> str | None:
        """A value that a field had before; None where it has had one only."""
        others = sorted({value for value in self.held(id, field) if value != str(row.get(field) or "")})
        return self._mind.choice(others) if others else None

    def _write(self, side: str, set: str, id: str, sign: str, field: str, value: str) -> None:
        what = f"edits {sign}: {field} = {value}"
        self.person(side, what, lambda: self._change(side, set, id, {field: value or BLANK[side]}))

    def person(self, side: str, what: str, act: Callable[[], None]) -> bool:
        """Somebody does something; false when the server refuses it."""
        self.log.by = "person"
        try:
            act()
        except ODataError as error:
            self.tell(f"  somebody in {side.upper()} {what}: refused, {error.message[:60]}")
            return False
        else:
            self.tell(f"  somebody in {side.upper()} {what}")
            self.faults["edited by people"] += 1
            return True
        finally:
            self.log.by = "engine"

    def _change(self, side: str, set: str, id: str, values: Row) -> None:
        if side == "crm":
            crm_writes.update(self.crm, ENTITIES[set], id, values)
        else:
            page = PAGES[set]
            nav_writes.update(self.nav, page, self.records("nav", set)[id][page.key], "*", values)

    def _delete(self, side: str, set: str, id: str) -> None:
        if side == "crm":
            crm_writes.delete(self.crm, ENTITIES[set], id)
        else:
            page = PAGES[set]
            nav_writes.delete(self.nav, page, self.records("nav", set)[id][page.key], None)

    def records(self, side: str, set: str) -> dict[str, Row]:
        """The records of a set by id."""
        if side == "crm":
            return self.crm.tables[set].rows
        return {row["SystemId"]: row for row in self.nav.tables[set].rows.values()}


def _refuse_counties(nav: NavState) -> None:
    """NAV refuses records in a county that it does not know."""
    holds = nav.relation_holds

    def known(column: Column, value: str) -> bool:
        if value == NOWHERE:
            raise ODataError(400, "Application_FieldValidationException", f"There is no County {value}.")
        return holds(column, value)

    nav.relation_holds = known  # type: ignore[method-assign]  # a company with a check of its own


def _bury(loop: VirtualLoop) -> None:
    """End what is left of a dead engine; it cannot do anything to the world any more."""
    loop.doomed = False
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        gathered = asyncio.gather(*tasks, return_exceptions=True)
        loop.run_until_complete(gathered)
