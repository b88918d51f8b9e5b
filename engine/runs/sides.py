"""The two services of a configuration, connected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from engine.config import Settings
from engine.config.settings import NavSettings
from engine.connectors.businesscentral import BusinessCentral
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.connectors.nav_without_ids import NavWithoutIds
from engine.mapping.wording import business_central


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[tuple[NavPages, Dataverse]]:
    """NAV and CRM as the settings name them, until the block ends."""
    nav = nav_side(settings.nav)
    crm = Dataverse(
        settings.crm.url, settings.crm.secret.reveal, batch=settings.crm.batch, concurrency=settings.crm.concurrency
    )
    try:
        yield nav, crm
    finally:
        await nav.close()
        await crm.close()


def nav_side(own: NavSettings, **more: Any) -> NavPages:
    """The NAV side of its kind and version; `more` are further options of `NavPages`."""
    options = {"user": own.user or "", "batch": own.batch, "concurrency": own.concurrency, **more}
    address = (own.url, own.secret.reveal, own.company)
    if own.kind == "api":
        return BusinessCentral(*address, wording=business_central(), **options)
    pages = NavPages if own.version == "bc" else NavWithoutIds
    return pages(*address, marker=own.marker_field, **options)
