"""Trying both connections, step by step, without writing: what works, what does not, and what to do about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from engine.config import CrmSettings, NavSettings, Settings
from engine.config.secrets import end_commands
from engine.connectors import reach
from engine.connectors.client import ODataClient
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.connectors.protocol import Step
from engine.connectors.rights import MESSAGES, RIGHTS, Rights
from engine.mapping.transfer import FROM, TO
from engine.model.errors import AccessDenied, ConfigError, CouplerError, Refused
from engine.runs.names import SETUP
from engine.runs.sides import connected, crm_side, nav_side

_SECRETS = {"token": "token", "basic": "password", "ntlm": "password", "entra": "client secret"}


class State(StrEnum):
    """How a step ended."""

    OK = "ok"
    FAILED = "failed"
    NOT_TRIED = "not tried"


class Lacking(StrEnum):
    """What a failed step is about, for exit codes: from what has to be mended first."""

    CONFIG = "config"
    CONNECTION = "connection"
    RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class Tried:
    """One step of one side: what was found, and, when it failed, what to do about it."""

    side: str
    step: str
    state: State
    detail: str = ""
    hint: str = ""
    lacking: Lacking | None = None


_BESIDE = {
    "uoms": {"uomschedules", "products"},
    "pricelevels": {"products"},
    "productpricelevels": {"products"},
}
"""Tables that no mapping names, and those of the mappings that need them: units, price lists and their lines."""

_Look = Callable[[], Awaitable[str]]


class _Missing(Exception):
    """A step that failed for a reason of its own."""

    def __init__(self, detail: str, hint: str, lacking: Lacking = Lacking.CONNECTION) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.lacking = lacking


async def try_connections(settings: Settings) -> AsyncIterator[Tried]:
    """All steps of both sides in their order. A step that needs one that failed is not tried.

    Raises ConfigError when what is configured cannot be tried at all.
    """
    async with connected(settings) as (nav, crm):
        async for one in _in_order("NAV", _nav_steps(settings, nav)):
            yield one
        async for one in _in_order("CRM", _crm_steps(settings, crm)):
            yield one


async def try_side(settings: Settings, side: Literal["nav", "crm"]) -> AsyncIterator[Tried]:
    """The steps of one side, of which alone the settings have to be right; raises as `try_connections`."""
    service: NavPages | Dataverse
    if side == "nav":
        service = nav = nav_side(settings.nav)
        name, steps = "NAV", _nav_steps(settings, nav)
    else:
        service = crm = crm_side(settings.crm)
        name, steps = "CRM", _crm_steps(settings, crm)
    try:
        async for one in _in_order(name, steps):
            yield one
    finally:
        end_commands()
        await service.close()


async def _in_order(side: str, steps: Iterable[tuple[str, _Look, bool]]) -> AsyncIterator[Tried]:
    stopped = False
    for name, look, needed in steps:
        if stopped:
            yield Tried(side, name, State.NOT_TRIED)
            continue
        found = await _one(side, name, look)
        stopped = needed and found.state is State.FAILED
        yield found


async def _one(side: str, name: str, look: _Look) -> Tried:
    try:
        return Tried(side, name, State.OK, await look())
    except _Missing as error:
        return Tried(side, name, State.FAILED, error.detail, error.hint, error.lacking)
    except ConfigError as error:
        return Tried(side, name, State.FAILED, error.message, error.hint, Lacking.CONFIG)
    except CouplerError as error:
        return Tried(side, name, State.FAILED, error.message, error.hint, Lacking.CONNECTION)


def _nav_steps(settings: Settings, nav: NavPages) -> list[tuple[str, _Look, bool]]:
    looks = dict.fromkeys(SETUP, False)
    for mapping in settings.mappings:
        looks[mapping.nav.entity] = looks.get(mapping.nav.entity, False) or mapping.direction.includes(FROM)
    probe = _Probe(nav.probe)
    return [
        *_to_the_door(settings.nav, nav.service),
        ("authentication", probe.first, True),
        (f"company {settings.nav.company}", probe.second, True),
        *((f"page {entity}", _nav_page(nav, entity, written=written), False) for entity, written in looks.items()),
    ]


def _crm_steps(settings: Settings, crm: Dataverse) -> list[tuple[str, _Look, bool]]:
    written: dict[str, bool] = {}
    for mapping in settings.mappings:
        written[mapping.crm.entity] = written.get(mapping.crm.entity, False) or mapping.direction.includes(TO)
    probe, table = _Probe(crm.probe), _Tables(crm, written)
    return [
        *_to_the_door(settings.crm, crm.service),
        ("authentication, WhoAmI", probe.first, True),
        ("version", probe.second, True),
        ("organization", lambda: _organization(crm), False),
        ("privileges", table.read, True),
        *((f"table {entity}", _crm_table(table, entity), False) for entity in written),
        *((f"table {entity}", _beside(crm, entity), False) for entity in _BESIDE if written.keys() & _BESIDE[entity]),
    ]


def _to_the_door(part: NavSettings | CrmSettings, service: ODataClient) -> list[tuple[str, _Look, bool]]:
    async def secret() -> str:
        await asyncio.to_thread(part.secret.reveal)
        return f"found ({part.secret.kind})"

    async def tls() -> str:
        if service.root.scheme == "http":
            return "not used, as the server is this machine"
        return await reach.shake_hands(service.root, service.tls)

    async def token() -> str:
        await service.sign_in()
        return f"given for {part.scope}"

    steps: list[tuple[str, _Look, bool]] = [
        (_SECRETS[part.auth], secret, True),
        ("address", lambda: reach.connect(service.root), True),
        ("TLS", tls, True),
    ]
    return [*steps, ("token of Entra", token, True)] if part.auth == "entra" else steps


class _Probe:
    """The two steps of a side's own probe, asked for once."""

    def __init__(self, ask: Callable[[], Awaitable[list[Step]]]) -> None:
        self._ask = ask
        self._found: list[Step] = []

    async def first(self) -> str:
        """Whether we are let in."""
        self._found = await self._ask()
        return self._judge(0)

    async def second(self) -> str:
        """Whether it is the service that it should be."""
        return self._judge(1)

    def _judge(self, number: int) -> str:
        step = self._found[number]
        if not step.ok:
            hint = "" if step.denied else "Check the url and, for NAV, the company in config.toml."
            raise _Missing(step.detail, hint)
        return step.detail


async def _organization(crm: Dataverse) -> str:
    found = await crm.service.read("organizations?$select=name")
    rows = found.get("value")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        raise _Missing("there is none to be seen", "Let the security role read the table organization.", Lacking.RIGHTS)
    return str(rows[0].get("name"))


def _nav_page(nav: NavPages, entity: str, *, written: bool) -> _Look:
    async def look() -> str:
        try:
            count = await nav.count(entity, ())
        except AccessDenied as error:
            raise _Missing(
                error.message, f"Give the user of NAV the permission to read {entity}.", Lacking.RIGHTS
            ) from error
        except Refused as error:
            raise _Missing(
                error.message, f"Publish the page {entity} as a web service of this name.", Lacking.RIGHTS
            ) from error
        rest = "; writing cannot be asked" if written else ""
        return f"may read, {count.number:,} record{'s' * (count.number != 1)}{rest}"

    return look


class _Tables:
    """What we may do with the tables of CRM, asked for once; `written` has the tables, and whether we write them."""

    def __init__(self, crm: Dataverse, written: dict[str, bool]) -> None:
        self._crm = crm
        self._written = written
        self._rights: dict[str, Rights] = {}

    async def read(self) -> str:
        """Ask for all of them."""
        try:
            self._rights = await self._crm.rights(self._written)
        except AccessDenied as error:
            raise _Missing(
                error.message, "Let the security role read table definitions and privileges.", Lacking.RIGHTS
            ) from error
        return f"of {len(self._rights)} tables"

    def judge(self, entity: str) -> str:
        """What was found for one."""
        rights = self._rights.get(entity)
        if rights is None:
            raise _Missing("there is no such table", "Check the mapping, and the solution in CRM.", Lacking.RIGHTS)
        bulk = [name for name in MESSAGES if name in rights.messages]
        told = f"may {_words(one for one in RIGHTS if one in rights.held)}; bulk: {' '.join(bulk) or 'none'}"
        needed = RIGHTS if self._written[entity] else RIGHTS[:1]
        lacking = [one for one in needed if one not in rights.held]
        if lacking:
            raise _Missing(
                f"{told}; may not {_words(lacking)}",
                f"Give the security role of this user {_words(lacking)} on the table, for the whole organization.",
                Lacking.RIGHTS,
            )
        return told


def _crm_table(tables: _Tables, entity: str) -> _Look:
    async def look() -> str:
        return tables.judge(entity)

    return look


def _beside(crm: Dataverse, entity: str) -> _Look:
    """Tried by a read, because tables that belong to others need not have privileges of their own."""

    async def look() -> str:
        try:
            await crm.service.read(f"{entity}?$top=1")
        except AccessDenied as error:
            raise _Missing(
                error.message,
                f"Give the security role of this user read, create and write on {entity}.",
                Lacking.RIGHTS,
            ) from error
        except Refused as error:
            raise _Missing(
                error.message, "Check the solution in CRM: a run needs this table.", Lacking.RIGHTS
            ) from error
        return "may read; writing cannot be asked"

    return look


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
