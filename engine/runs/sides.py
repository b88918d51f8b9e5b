"""The two services of a configuration, connected."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from engine.config import CrmSettings, NavSettings, Settings
from engine.config.secrets import end_commands
from engine.connectors.auth import EntraApp, Secret, WindowsUser
from engine.connectors.businesscentral import BusinessCentral
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.connectors.nav_without_ids import NavWithoutIds
from engine.mapping.wording import business_central
from engine.model.errors import ConnectionLost

T = TypeVar("T")
PATIENCE = 30
"""Seconds that somebody at a screen waits for both services."""


def read_now(settings: Settings, read: Callable[[NavPages, Dataverse], Awaitable[T]]) -> T:
    """What `read` finds on both sides, for somebody who waits for it; ConnectionLost when that takes too long."""

    async def reading() -> T:
        async with connected(settings) as (nav, crm), asyncio.timeout(PATIENCE):
            return await read(nav, crm)

    try:
        return asyncio.run(reading())
    except TimeoutError as error:
        raise ConnectionLost(
            f"The servers have not answered within {PATIENCE} seconds.", "`coupler connection test` says what is slow."
        ) from error


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[tuple[NavPages, Dataverse]]:
    """NAV and CRM as the settings name them, until the block ends, and with it secret commands that it waited for."""
    nav = nav_side(settings.nav)
    crm = crm_side(settings.crm)
    try:
        yield nav, crm
    finally:
        end_commands()
        await nav.close()
        await crm.close()


def nav_side(own: NavSettings, **more: Any) -> NavPages:
    """The NAV side of its kind and version; `more` are further options of `NavPages`."""
    options = {
        "user": (own.user or "") if own.auth == "basic" else "",
        "batch": own.batch,
        "concurrency": own.concurrency,
        "ca_file": own.ca_file,
        **more,
    }
    address = (own.url, _secret(own), own.company)
    if own.kind == "api":
        return BusinessCentral(*address, wording=business_central(), **options)
    pages = NavPages if own.version == "bc" else NavWithoutIds
    return pages(*address, marker=own.marker_field, **options)


def crm_side(own: CrmSettings) -> Dataverse:
    """The CRM side."""
    return Dataverse(own.url, _secret(own), batch=own.batch, concurrency=own.concurrency, ca_file=own.ca_file)


def _secret(part: NavSettings | CrmSettings) -> Secret:
    match part.auth:
        case "entra":
            return EntraApp(part.token_url or "", part.client_id or "", part.scope or "", part.secret.reveal)
        case "ntlm":
            return WindowsUser(part.user or "", part.secret.reveal)
        case _:
            return part.secret.reveal
