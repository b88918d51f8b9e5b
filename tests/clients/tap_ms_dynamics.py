"""The Singer tap of Stitch for Dataverse: it discovers tables and reads them whole, then what was modified since."""

import io
import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import requests
from tap_dynamics.discover import discover
from tap_dynamics.sync import sync

from tests.clients.links import note_links
from tests.clients.login import stub_login
from tests.clients.report import feature, report

_ORIGIN = os.environ["CRM_URL"].removesuffix("/api/data/v9.2")
_CONFIG = {
    "start_date": "2020-01-01T00:00:00Z", "organization_uri": _ORIGIN, "user_agent": "coupler", "client_id": "x",
    "client_secret": "x", "redirect_uri": "https://localhost", "refresh_token": "x", "max_pagesize": 10,
}  # fmt: skip
FOLLOWED = note_links()


def write(method: str, path: str, **body: Any) -> None:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    requests.request(method, f"{os.environ['CRM_URL']}/{path}", json=body, headers=headers).raise_for_status()


def run(state: Mapping[str, Any], table: str = "account") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The records of one run of the tap and the state that it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(_CONFIG), encoding="utf-8")
        catalog = discover(dict(_CONFIG), str(path))
        for stream in catalog.streams:
            for one in stream.metadata:
                if one["breadcrumb"] == () and stream.stream == table:
                    one["metadata"]["selected"] = True
                if one["breadcrumb"] and stream.stream == table:
                    one["metadata"]["selected"] = True
        output = io.StringIO()
        with redirect_stdout(output):
            sync(dict(_CONFIG), str(path), dict(state), catalog)
    messages = [json.loads(line) for line in output.getvalue().splitlines() if line.startswith("{")]
    records = [one["record"] for one in messages if one["type"] == "RECORD"]
    return records, [one["value"] for one in messages if one["type"] == "STATE"][-1]


@feature("metadata")
def metadata() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(_CONFIG), encoding="utf-8")
        streams = {one.stream: one for one in discover(dict(_CONFIG), str(path)).streams}
    assert streams["account"].key_properties == ["accountid"]
    assert streams["account"].replication_key == "modifiedon"
    assert "revenue" in streams["account"].schema.to_dict()["properties"]
    return f"{len(streams)} streams"


@feature("read")
def read() -> None:
    for number in range(25):
        write("POST", "accounts", name=f"Tap {number:02}", revenue=number + 0.5)
    records, _ = run({})
    found = {one["name"]: one["revenue"] for one in records}
    assert found["Tap 24"] == 24.5
    assert len({one["accountid"] for one in records}) == len(records) >= 25


@feature("paging")
def paging() -> None:
    before = len(FOLLOWED)
    records, _ = run({})
    assert len({one["accountid"] for one in records}) == len(records) >= 25
    assert len(FOLLOWED) - before == (len(records) - 1) // 10, "the tap reads ten a page"


@feature("reading by modifiedon")
def incremental() -> None:
    time.sleep(1.1)  # modifiedon has whole seconds: from now on it is later than that of the others
    write("POST", "accounts", name="Newest")
    all_of_them, state = run({})
    newest = max(one["modifiedon"] for one in all_of_them)
    write("POST", "accounts", name="Later")
    records, _ = run(state)
    assert "Later" in {one["name"] for one in records}
    assert min(one["modifiedon"] for one in records) >= newest
    assert len(records) < len(all_of_them)


if __name__ == "__main__":
    stub_login()
    report("tap-ms-dynamics", "CRM")
