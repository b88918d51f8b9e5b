"""The two services of a configuration, connected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.config import Settings
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[tuple[NavPages, Dataverse]]:
    """NAV and CRM as the settings name them, until the block ends."""
    nav = NavPages(
        settings.nav.url,
        settings.nav.secret.reveal,
        settings.nav.company,
        marker=settings.nav.marker_field,
        user=settings.nav.user or "",
        batch=settings.nav.batch,
        concurrency=settings.nav.concurrency,
        ca_file=settings.nav.ca_file,
    )
    crm = Dataverse(
        settings.crm.url,
        settings.crm.secret.reveal,
        batch=settings.crm.batch,
        concurrency=settings.crm.concurrency,
        ca_file=settings.crm.ca_file,
    )
    try:
        yield nav, crm
    finally:
        await nav.close()
        await crm.close()
