"""What all jobs of a run or a check share, made from the settings."""

import asyncio
from collections.abc import Awaitable, Callable

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.mapping.identity import created_id
from engine.store.couplings import Couplings
from engine.store.database import Store
from engine.sync.context import Clock, Context
from engine.sync.organization import Organization

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
        page_size=min(settings.nav.page_size, settings.crm.page_size),
        organization=organization,
        couplings=Couplings(planned_by, settings.mappings),
        plan=plan,
        checkpoint=checkpoint,
        sleep=asyncio.sleep,
        wait_for=wait_for,
        clock=clock,
        broken_off=broken_off,
    )


def local_currency_id(settings: Settings) -> str:
    """The id under which CRM gets NAV's local currency when it lacks it."""
    return created_id(settings.environment, settings.nav.company, "currency", "local")
