"""singer-sdk: a tap that reads, piped into a target that writes in batches; messages are encoded by msgspec."""

# package: singer-sdk[msgspec]

import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import requests
from singer_sdk import RESTStream, Tap, Target
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecReader, MsgSpecWriter
from singer_sdk.pagination import BaseHATEOASPaginator
from singer_sdk.sinks import BatchSink

from bench.company import FIELDS
from bench.peers.account import CUSTOMERS, Couplings, mapper


class _Links(BaseHATEOASPaginator):
    def get_next_url(self, response: requests.Response) -> str | None:
        link: str | None = response.json().get("@odata.nextLink")
        return link


class Customers(RESTStream[Any]):
    """The pages of customers."""

    name = "customers"
    primary_keys = ("SystemId",)
    records_jsonpath = "$.value[*]"
    path = CUSTOMERS
    schema = th.PropertiesList(*(
        th.Property(name, th.NumberType if name == "Credit_Limit_LCY" else th.StringType) for name in FIELDS
    )).to_dict()  # fmt: skip

    @property
    def url_base(self) -> str:
        """Where the services are."""
        return f"http://127.0.0.1:{self.config['port']}"

    def get_new_paginator(self) -> _Links:
        """One that follows links."""
        return _Links()

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any] | str:
        """What the link says."""
        del context
        return next_page_token.query if next_page_token else ""


class NavTap(Tap):
    """Reads."""

    name = "tap-nav"
    config_jsonschema = th.PropertiesList(th.Property("port", th.StringType)).to_dict()
    message_writer_class = MsgSpecWriter

    def discover_streams(self) -> list[Any]:
        """The only one."""
        return [Customers(self)]


class Accounts(BatchSink):
    """Writes."""

    validate_schema = False

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._root = f"http://127.0.0.1:{self.config['port']}"
        self._account, self._couplings = mapper(self._root), Couplings(self.config["store"])
        self._session = requests.Session()

    @property
    def max_size(self) -> int:
        """Records a request."""
        return int(self.config["batch"])

    def process_batch(self, context: dict[str, Any]) -> None:
        """Create the accounts of a batch."""
        rows: Iterable[dict[str, Any]] = context["records"]
        address = f"{self._root}/api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple"
        answer = self._session.post(address, json={"Targets": [self._account(row) for row in rows]})
        answer.raise_for_status()
        self._couplings.add(rows, answer.json()["Ids"])


class CrmTarget(Target):
    """Takes what the tap says."""

    name = "target-crm"
    config_jsonschema = th.PropertiesList(
        th.Property("port", th.StringType), th.Property("store", th.StringType), th.Property("batch", th.StringType)
    ).to_dict()
    default_sink_class = Accounts
    message_reader_class = MsgSpecReader


def main(port: str, store: str, batch: str, part: str = "") -> None:
    """Start both halves, or be one of them."""
    config = {"port": port, "store": store, "batch": batch}
    if part == "tap":
        NavTap(config={"port": port}).sync_all()
    elif part == "target":
        CrmTarget(config=config).listen()
    else:
        command = [sys.executable, "-P", __file__, port, store, batch]
        with subprocess.Popen([*command, "tap"], stdout=subprocess.PIPE) as tap:
            subprocess.run([*command, "target"], stdin=tap.stdout, check=True)
        if tap.returncode:
            raise SystemExit(tap.returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
