"""The two services of a configuration, connected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.config import CrmSettings, NavSettings, Settings
from engine.connectors.auth import EntraApp, Secret, WindowsUser
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[tuple[NavPages, Dataverse]]:
    """NAV and CRM as the settings name them, until the block ends."""
    nav = NavPages(
        settings.nav.url,
        _secret(settings.nav),
        settings.nav.company,
        marker=settings.nav.marker_field,
        user=(settings.nav.user or "") if settings.nav.auth == "basic" else "",
        batch=settings.nav.batch,
        concurrency=settings.nav.concurrency,
        ca_file=settings.nav.ca_file,
    )
    crm = Dataverse(
        settings.crm.url,
        _secret(settings.crm),
        batch=settings.crm.batch,
        concurrency=settings.crm.concurrency,
        ca_file=settings.crm.ca_file,
    )
    try:
        yield nav, crm
    finally:
        await nav.close()
        await crm.close()


def _secret(part: NavSettings | CrmSettings) -> Secret:
    match part.auth:
        case "entra":
            return EntraApp(part.token_url or "", part.client_id or "", part.scope or "", part.secret.reveal)
        case "ntlm":
            return WindowsUser(part.user or "", part.secret.reveal)
        case _:
            return part.secret.reveal
