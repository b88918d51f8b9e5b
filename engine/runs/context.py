"""What all jobs of a run or a check share, made from the settings."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.mapping.identity import created_id
from engine.store import runs
from engine.store.couplings import Couplings
from engine.store.database import Store
from engine.sync.context import Clock, Context, system_clock
from engine.sync.dry import DrySide
from engine.sync.organization import Organization, read_organization

_PRODUCT_NAMES = {"bc": "Business Central"}


def context_of(
    store: Store,
    settings: Settings,
    nav: Side,
    crm: Side,
    organization: Organization,
    *,
    plan: bool,
    planned_by: int | None,
    checkpoint: Callable[[], Awaitable[None]],
    wait_for: Callable[[str], None],
    clock: Clock,
    broken_off: bool = False,
    beats: Mapping[int, runs.Beat] = MappingProxyType({}),
) -> Context:
    """The context of one run or check; with `planned_by` a plan finds what it would have coupled already."""
    return Context(
        store=store,
        nav=nav,
        crm=crm,
        mappings={one.name: one for one in settings.mappings},
        environment=settings.environment,
        company=settings.nav.company,
        product_name=_PRODUCT_NAMES.get(settings.nav.version, "Dynamics NAV"),
        settle_wait=settings.nav.settle_wait,
        crm_settle_wait=settings.crm.settle_wait,
        page_size=min(settings.nav.page_size, settings.crm.page_size),
        organization=organization,
        couplings=Couplings(planned_by, settings.mappings),
        plan=plan,
        checkpoint=checkpoint,
        sleep=asyncio.sleep,
        wait_for=wait_for,
        clock=clock,
        broken_off=broken_off,
        beats=beats,
    )


async def looking(
    store: Store,
    settings: Settings,
    nav: DrySide,
    crm: DrySide,
    *,
    planned_by: int | None = None,
    clock: Clock = system_clock,
) -> Context:
    """The context of who only looks, and is no run: as a plan's, with sides that note what would be written."""
    _, broken_off = await store.read(runs.left_behind)
    return context_of(
        store,
        settings,
        nav,
        crm,
        await read_organization(nav, crm, local_currency_id(settings)),
        plan=True,
        planned_by=planned_by,
        checkpoint=partial(asyncio.sleep, 0),  # nobody stops a look but Ctrl+C
        wait_for=lambda _: None,
        clock=clock,
        broken_off=broken_off,
    )


def local_currency_id(settings: Settings) -> str:
    """The id under which CRM gets NAV's local currency when it lacks it."""
    return created_id(settings.environment, settings.nav.company, "currency", "local")
