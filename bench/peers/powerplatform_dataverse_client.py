"""Microsoft's own client for Dataverse. It only knows Dataverse, so NAV is read with what it reads with itself."""

import sys
import time
from typing import Any

import requests
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

from bench.peers.account import CUSTOMERS, Couplings, mapper


class _Credential:
    """Hands out a token; the canned services take any."""

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken("canned", int(time.time()) + 3600)


def main(port: str, store: str, batch: str) -> None:
    """Create an account for each customer."""
    root = f"http://127.0.0.1:{port}"
    size = int(batch)
    account, couplings = mapper(root), Couplings(store)
    client = DataverseClient("https://canned.example", _Credential())
    client._base_url = root  # it takes no address without TLS
    with requests.Session() as session:
        link = root + CUSTOMERS
        while link:
            answer = session.get(link)
            answer.raise_for_status()
            page = answer.json()
            for start in range(0, len(page["value"]), size):
                rows = page["value"][start : start + size]
                couplings.add(rows, client.records.create("account", [account(row) for row in rows]))
            link = page.get("@odata.nextLink")


if __name__ == "__main__":
    main(*sys.argv[1:])
