"""Deletes on both sides: what was there goes, under its version; what is gone, or in use, is said."""

import uuid
from typing import Any

import pytest

from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.connectors.protocol import ETAG, Status, Write, WriteKind
from sandbox.serve import Sandbox
from tests.connectors.conftest import COMPANY


def delete(entity: str, id: str, etag: str | None = None) -> Write:
    return Write(id, WriteKind.DELETE, entity, id, {}, etag)


async def test_crm_deletes_are_done_stale_missing_or_refused(crm: Dataverse, sandbox: Sandbox) -> None:
    table = sandbox.crm.tables["accounts"].rows
    first, second, *_ = sorted(table)
    rows = await crm.fetch("accounts", "accountid", [first], ("name",))
    gone = str(uuid.uuid4())
    results = await crm.write(
        [delete("accounts", first, rows[first][ETAG]), delete("accounts", second, 'W/"1"'), delete("accounts", gone)]
    )
    statuses = [results[id].status for id in (first, second, gone)]
    assert statuses == [Status.DONE, Status.STALE, Status.MISSING]
    assert first not in table
    assert second in table
    base = sandbox.crm.base_currency_id
    refused = (await crm.write([delete("transactioncurrencies", base)]))[base]
    assert refused.status is Status.REJECTED
    assert "base currency" in refused.message


@pytest.mark.parametrize("batch", [100, 1])
async def test_nav_deletes_are_done_stale_or_missing(sandbox: Sandbox, batch: int) -> None:
    nav = NavPages(sandbox.nav_url, sandbox.token, COMPANY, batch=batch)
    rows: dict[str, Any] = sandbox.nav.tables["Item"].rows
    (number, first), (_, second), *_ = sorted(rows.items())
    ids = [first["SystemId"], second["SystemId"], str(uuid.uuid4())]
    found = await nav.fetch("Item", "SystemId", ids[:1], ("No",))
    writes = [delete("Item", ids[0], found[ids[0]][ETAG]), delete("Item", ids[1], 'W/"x"'), delete("Item", ids[2])]
    results = await nav.write(writes)
    assert [results[id].status for id in ids] == [Status.DONE, Status.STALE, Status.MISSING]
    assert number not in rows
    await nav.close()


async def test_crm_knows_us_and_nav_does_not_tell(crm: Dataverse, nav: NavPages, sandbox: Sandbox) -> None:
    assert await crm.user() == sandbox.crm.user_id
    assert await nav.user() is None
