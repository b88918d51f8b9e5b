"""Airbyte's source for Dataverse: it reads tables whole, or what changed and went since a delta token.

It sends prepared requests, which trust only the authorities that its own packages bring: no https here.
"""
# sandbox: --no-tls
# python: before 3.12

import logging
import os
from typing import Any

import requests
from airbyte_cdk.models import ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, DestinationSyncMode, SyncMode, Type
from source_microsoft_dataverse import SourceMicrosoftDataverse

from tests.clients.links import note_links
from tests.clients.login import stub_login
from tests.clients.report import feature, report

_CONFIG = {
    "url": os.environ["CRM_URL"].removesuffix("/api/data/v9.2"), "tenant_id": "x", "client_id": "x",
    "client_secret_value": "x", "odata_maxpagesize": 10,
}  # fmt: skip
_LOGGER = logging.getLogger("airbyte")
FOLLOWED = note_links()


def write(method: str, path: str, **body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Prefer": "return=representation"}
    answer = requests.request(method, f"{os.environ['CRM_URL']}/{path}", json=body, headers=headers)
    answer.raise_for_status()
    return answer


def run(mode: SyncMode, state: list[Any] | None = None) -> tuple[list[dict[str, Any]], list[Any]]:
    """The records of one run over accounts and the state that it leaves."""
    source = SourceMicrosoftDataverse()
    stream = next(one for one in source.discover(_LOGGER, _CONFIG).streams if one.name == "account")
    chosen = ConfiguredAirbyteStream(
        stream=stream, sync_mode=mode, destination_sync_mode=DestinationSyncMode.append,
        cursor_field=["modifiedon"], primary_key=stream.source_defined_primary_key,
    )  # fmt: skip
    messages = list(source.read(_LOGGER, _CONFIG, ConfiguredAirbyteCatalog(streams=[chosen]), state or []))
    records = [one.record.data for one in messages if one.type is Type.RECORD]
    return records, [one.state for one in messages if one.type is Type.STATE][-1:]


@feature("connection check")
def connection() -> None:
    assert SourceMicrosoftDataverse().check_connection(_LOGGER, _CONFIG) == (True, None)


@feature("metadata")
def metadata() -> str:
    streams = {one.name: one for one in SourceMicrosoftDataverse().discover(_LOGGER, _CONFIG).streams}
    fields = streams["account"].json_schema["properties"]
    assert fields["revenue"] == {"type": ["null", "number"]}
    assert fields["createdon"]["format"] == "date-time"
    assert "_primarycontactid_value" in fields
    assert SyncMode.incremental in streams["account"].supported_sync_modes
    assert SyncMode.incremental not in streams["uom"].supported_sync_modes
    return f"{len(streams)} streams"


@feature("read")
def read() -> None:
    for number in range(25):
        write("POST", "accounts", name=f"Airbyte {number:02}")
    records, _ = run(SyncMode.full_refresh)
    assert {f"Airbyte {number:02}" for number in range(25)} <= {one["name"] for one in records}


@feature("paging")
def paging() -> None:
    before = len(FOLLOWED)
    records, _ = run(SyncMode.full_refresh)
    assert len({one["accountid"] for one in records}) == len(records) >= 25
    assert len(FOLLOWED) - before == (len(records) - 1) // 10, "the source reads ten a page"


@feature("change tracking")
def change_tracking() -> None:
    first, state = run(SyncMode.incremental)
    assert len({one["accountid"] for one in first}) == len(first) >= 25
    for number in range(12):
        write("POST", "accounts", name=f"Later {number:02}")
    records, state = run(SyncMode.incremental, state)
    assert sorted(one["name"] for one in records) == [f"Later {number:02}" for number in range(12)]
    assert run(SyncMode.incremental, state)[0] == []


@feature("removals")
def removals() -> None:
    id = write("POST", "accounts", name="Gone soon").json()["accountid"]
    _, state = run(SyncMode.incremental)
    write("DELETE", f"accounts({id})")
    (record,) = run(SyncMode.incremental, state)[0]
    assert record["accountid"] == id
    assert record["_ab_cdc_deleted_at"]


if __name__ == "__main__":
    stub_login()
    report("airbyte-source-microsoft-dataverse", "CRM")
