"""A small world for one test: a NAV company and a CRM organization over HTTP, a state store, and engines."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import sqlalchemy as sa

from engine.config import Settings
from engine.config.secrets import Secret
from engine.config.settings import CrmSettings, NavSettings, RunSettings, StoreSettings, UiSettings
from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.model.mapping import Direction, TableMapping
from engine.model.snapshot import Counters, CouplingRow, JobSnapshot, RecordOutcome, RunSnapshot, RunState
from engine.runs import control, snapshots
from engine.runs.full import FullSynchronization
from engine.runs.sides import nav_side
from engine.store.database import Store
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.passes import run_pass
from sandbox.audit import Audit
from sandbox.load import Seeds, crm_state, nav_state
from sandbox.serve import Sandbox, start_in_thread
from tests.sync.faults import Life, Plan, Seen, Transport, no_faults

COMPANY = "CRONUS International Ltd."
MARKER = "CRM_Id"
Row = dict[str, Any]
_T = TypeVar("_T")
_LIMITS = Limits(connect=2, read=5, total=8, patience=4, throttle_patience=20)


class Time:
    """The engine's clock: real time, and ahead of it by all that the engine has waited, and by how it is set."""

    def __init__(self) -> None:
        self.waited = 0.0
        self.ahead = 0.0
        self.real = False

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.waited + self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.waited

    async def sleep(self, seconds: float) -> None:
        if self.real:
            await asyncio.sleep(seconds)
            return
        self.waited += seconds
        await asyncio.sleep(0)


class MortalStore(Store):
    """A store of an engine that may die: before a commit, or just after it."""

    life: Life = Life()

    async def write(self, work: Callable[[sa.Connection], _T]) -> _T:
        self.life.step("before commit")
        done = await super().write(work)
        self.life.step("after commit")
        return done

    async def read(self, work: Callable[[sa.Connection], _T]) -> _T:
        if self.life.dead:
            self.life.step("read")
        return await super().read(work)


class Engine(FullSynchronization):
    """The engine, on a clock that does not wait. `adjust` may change mappings and other things that jobs share."""

    time: Time
    adjust: Callable[[Context], Context]

    async def _context(self, *, plan: bool) -> Context:
        return self.adjust(replace(await super()._context(plan=plan), sleep=self.time.sleep))


class World:
    """Both servers, with people who use them, and the store of the engines."""

    def __init__(self, folder: Path, sandbox: Sandbox, settings: Settings) -> None:
        self.sandbox = sandbox
        self.settings = settings
        self.store = MortalStore.open(settings.store.url)
        self.time = Time()
        self.log: list[Seen] = []
        self.adjust: Callable[[Context], Context] = lambda context: context
        self._audit = folder / "audit.jsonl"
        self._people = httpx.Client(headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False)

    def close(self) -> None:
        self._people.close()
        self.store.close()

    # runs

    def start(self, *only: str, kind: str = "run", keep: bool | None = None) -> int:
        """Commits a run."""
        return control.start(self.store, self.settings, kind=kind, only=only, keep_cleared=keep, by="test")

    async def run(self, *only: str, keep: bool | None = False, plan: Plan = no_faults) -> RunSnapshot:
        """A whole run, from the start to its end."""
        return await self.work(self.start(*only, keep=keep), plan=plan)

    async def plan(self, *only: str) -> RunSnapshot:
        """A plan."""
        return await self.work(self.start(*only, kind="plan"))

    async def resume(self, number: int, plan: Plan = no_faults) -> RunSnapshot:
        """A new engine goes on with a run."""
        control.resume(self.store, self.settings, number)
        return await self.work(number, plan=plan)

    async def gone_on(self, number: int) -> RunSnapshot:
        """A run to its end, whose engine died before or after it had come there."""
        run = snapshots.run(self.store, number)
        return run if run.state in (RunState.ASKING, RunState.FINISHED) else await self.resume(number)

    async def resume_with(self, number: int, life: Life) -> RunSnapshot:
        """An engine that may die goes on with a run."""
        control.resume(self.store, self.settings, number)
        return await self.work(number, life=life)

    async def work_again(self, run: RunSnapshot) -> RunSnapshot:
        """Answers the question of a run with No, and has another one."""
        control.answer(self.store, run.id, yes=False, by="test")
        return await self.run()

    async def work(self, number: int, *, plan: Plan = no_faults, life: Life | None = None) -> RunSnapshot:
        """An engine works on a run until it ends."""

        async def work(engine: Engine) -> None:
            await engine.work()

        await self.with_engine(number, work, plan=plan, life=life)
        return snapshots.run(self.store, number)

    async def one_pass(
        self, mapping: str, direction: Direction, *, only_coupled: bool, plan: Plan = no_faults
    ) -> RunSnapshot:
        """One pass of a mapping, with the flag effective or not, in a run that goes no further."""
        number = self.start(mapping)
        seq = snapshots.run(self.store, number).jobs[0].seq

        async def work(engine: Engine) -> None:
            context = await engine._context(plan=False)
            await run_pass(context, Scope(number, seq, mapping, direction, plan=False), only_coupled=only_coupled)

        await self.with_engine(number, work, plan=plan)
        found = snapshots.run(self.store, number)
        control.cancel(self.store, number, "test")
        return found

    async def with_engine(
        self,
        number: int,
        work: Callable[[Engine], Awaitable[None]],
        *,
        plan: Plan = no_faults,
        life: Life | None = None,
    ) -> None:
        """Lets an engine do something, over a network with faults."""
        life = life or Life()
        self.store.life = life
        own = self.settings
        nav = nav_side(
            own.nav,
            gate=self._gate("NAV", own.nav.concurrency),
            limits=_LIMITS,
            transport=lambda: Transport("nav", plan, life, self.log),
        )
        crm = Dataverse(
            own.crm.url,
            own.crm.secret.reveal,
            batch=own.crm.batch,
            gate=self._gate("CRM", own.crm.concurrency),
            limits=_LIMITS,
            transport=lambda: Transport("crm", plan, life, self.log),
        )
        engine = Engine(self.store, own, number, nav, crm, clock=self.time.now)
        engine.time, engine.adjust = self.time, self.adjust
        try:
            await work(engine)
        finally:
            self.store.life = Life()
            await nav.close()
            await crm.close()

    def _gate(self, name: str, concurrency: int | None) -> Gate:
        return Gate(name, concurrency, clock=self.time.monotonic, sleep=self.time.sleep, chance=lambda: 0.0)

    def set(self, **nav: Any) -> None:
        """Changes settings of the NAV side."""
        self.settings = replace(self.settings, nav=replace(self.settings.nav, **nav), mappings=())

    def mapping(self, name: str, **changes: Any) -> None:
        """From now on, engines have a mapping changed."""

        def adjust(context: Context) -> Context:
            changed: TableMapping = replace(context.mappings[name], **changes)
            return replace(context, mappings={**context.mappings, name: changed})

        self.adjust = adjust

    # what there is

    def nav(self, page: str, **where: Any) -> list[Row]:
        """Records of a page service, in the order of their keys."""
        table = self.sandbox.nav.tables[page]
        return [dict(row) for _, row in sorted(table.rows.items()) if _has(row, where)]

    def crm(self, table: str, **where: Any) -> list[Row]:
        """Rows of a CRM table."""
        rows = self.sandbox.crm.tables[table].rows
        return [dict(row) for _, row in sorted(rows.items()) if _has(row, where)]

    def audit(self, since: int = 0, **where: Any) -> list[Row]:
        """The accepted writes, by anybody."""
        lines = [json.loads(line) for line in self._audit.read_bytes().splitlines()]
        return [line for line in lines[since:] if _has(line, where)]

    def couplings(self, mapping: str) -> list[CouplingRow]:
        return list(snapshots.couplings(self.store, mapping))

    def outcomes(self, run: RunSnapshot, mapping: str | None = None) -> list[RecordOutcome]:
        return snapshots.outcomes(self.store, run.id, mapping=mapping, limit=10_000)

    def codes(self, run: RunSnapshot, mapping: str | None = None) -> dict[str, str]:
        """What is wrong with records, by number or, where NAV does not know them, by name."""
        return {one.nav_no or one.name: one.code for one in self.outcomes(run, mapping)}

    # what people do

    def edit_nav(self, page: str, key: str, **values: Any) -> None:
        """Somebody changes a NAV record."""
        self._ask("PATCH", self._nav_address(page, key), values, {"If-Match": "*"})

    def delete_nav(self, page: str, key: str) -> None:
        self._ask("DELETE", self._nav_address(page, key), None, {})

    def add_nav(self, page: str, **values: Any) -> Row:
        """Somebody makes a NAV record."""
        address = self._nav_address(page, None)
        return dict(self._ask("POST", address, values, {}).json())

    def add_crm(self, table: str, **values: Any) -> None:
        """Somebody makes a CRM row."""
        self._ask("POST", f"{self.sandbox.crm_url}/{table}", values, {})

    def edit_crm(self, table: str, id: str, **values: Any) -> None:
        """Somebody changes a CRM row."""
        self._ask("PATCH", f"{self.sandbox.crm_url}/{table}({id})", values, {"If-Match": "*"})

    def delete_crm(self, table: str, id: str) -> None:
        self._ask("DELETE", f"{self.sandbox.crm_url}/{table}({id})", None, {})

    def _nav_address(self, page: str, key: str | None) -> str:
        company = f"{self.sandbox.nav_url}/Company('{quote(COMPANY)}')/{page}"
        if key is None:
            return company
        return f"{company}('{quote(key)}')"

    def _ask(self, method: str, address: str, values: Any, headers: Mapping[str, str]) -> httpx.Response:
        answer = self._people.request(method, address, json=values, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer


Make = Callable[..., World]


@contextmanager
def world(
    folder: Path,
    nav: Mapping[str, Sequence[Row]],
    crm: Mapping[str, Sequence[Row]],
    *,
    base: str = "EUR",
    version: str = "bc",
    kind: str = "odata",
    crm_settle_wait: float = 5,
    store: str | None = None,
    **options: Any,
) -> Iterator[World]:
    """A world with some records; the local currency is EUR, and so is CRM's base currency unless `base` says else.

    `version` and `kind` are of NAV and of the way to it; pages have a marker field. `store` is the address of the
    store, a file where there is none.
    """
    setup = {"General_Ledger_Setup": [{"LCY_Code": "EUR"}]}
    seeds = Seeds({**setup, **nav}, {"organization": [{"name": "Org", "basecurrencycode": base}], **crm})
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (
        Audit(folder / "audit.jsonl") as audit,
        start_in_thread(nav_state(seeds, version=version, audit=audit), crm_state(seeds, audit=audit)) as sandbox,
    ):
        secret = Secret("env:TOKEN", folder, {"TOKEN": sandbox.token})
        settings = Settings(
            path=folder / "config.toml",
            environment="test",
            nav=NavSettings(
                sandbox.nav_url if kind == "odata" else sandbox.nav_url.replace("/ODataV4", "/api/v2.0"),
                COMPANY,
                secret,
                kind=kind,
                version=version,
                marker_field=MARKER if kind == "odata" else None,
                settle_wait=5,
            ),
            crm=CrmSettings(sandbox.crm_url, secret, settle_wait=crm_settle_wait),
            store=StoreSettings(store or f"sqlite:///{folder}/store.db"),
            run=RunSettings(),
            ui=UiSettings(),
        )
        made = World(folder, sandbox, settings)
        made.set(**options)
        try:
            yield made
        finally:
            made.close()


def job(run: RunSnapshot, name: str) -> JobSnapshot:
    """One of the jobs of a run."""
    return next(one for one in run.jobs if one.mapping == name)


def counters(run: RunSnapshot, name: str, direction: Direction | None = None) -> Row:
    """The counters of a job, or of one of its passes, that are not zero; without the number of records read."""
    one = job(run, name)
    found: Counters = one.counters
    if direction is not None:
        found = next(each.counters for each in one.passes if each.direction is direction)
    names = [each for each in Counters.__slots__ if each != "read"]
    return {each: value for each in names if (value := getattr(found, each))}


def _has(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(row.get(name) == value for name, value in where.items())
