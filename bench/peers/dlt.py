"""dlt: its REST source to a destination of one's own, which it calls with so many records at a time."""

import os
import sys
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
import requests
from dlt.sources.rest_api import rest_api_source

from bench.peers.account import CUSTOMERS, Couplings, mapper


def main(port: str, store: str, batch: str) -> None:
    """Create an account for each customer."""
    root = f"http://127.0.0.1:{port}"
    account, couplings = mapper(root), Couplings(store)
    session = requests.Session()

    @dlt.destination(
        batch_size=int(batch),
        name="crm",
        naming_convention="direct",
        loader_file_format="typed-jsonl",
        skip_dlt_columns_and_tables=True,
    )
    def crm(items: list[dict[str, Any]], table: Any) -> None:
        del table
        targets = {"Targets": [account(row) for row in items]}
        answer = session.post(f"{root}/api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple", json=targets)
        answer.raise_for_status()
        couplings.add(items, answer.json()["Ids"])

    source = rest_api_source({
        "client": {
            "base_url": root,
            "paginator": {"type": "json_link", "next_url_path": '"@odata.nextLink"'},
        },
        "resources": [{"name": "customers", "endpoint": {"path": CUSTOMERS, "data_selector": "value"}}],
    })  # fmt: skip
    source.schema.remove_type_detection("iso_timestamp")  # takes a third of its time, and nothing here wants it
    folder = Path(store).parent / "pipelines"
    pipeline = dlt.pipeline("bench", destination=crm, pipelines_dir=str(folder))
    pipeline.run(source).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
