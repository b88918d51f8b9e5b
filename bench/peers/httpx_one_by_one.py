"""What one writes first: read a page, then send each record on its own."""

# package: httpx

import sys

import httpx

from bench.peers.account import CUSTOMERS, Couplings, mapper


def main(port: str, store: str, _batch: str) -> None:
    """Create an account for each customer."""
    root = f"http://127.0.0.1:{port}"
    account, couplings = mapper(root), Couplings(store)
    with httpx.Client() as client:
        link = root + CUSTOMERS
        while link:
            page = client.get(link).raise_for_status().json()
            ids = []
            for row in page["value"]:
                answer = client.post(f"{root}/api/data/v9.2/accounts", json=account(row)).raise_for_status()
                ids.append(answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")"))
            couplings.add(page["value"], ids)
            link = page.get("@odata.nextLink")


if __name__ == "__main__":
    main(*sys.argv[1:])
