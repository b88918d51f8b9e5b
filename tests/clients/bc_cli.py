"""The SDK of bc-cli. It knows one address, Microsoft's: the usual HTTPS_PROXY leads from there to the sandbox, which
answers to that name, and the client checks its certificate as it would check Microsoft's.
"""

# sandbox: --nav-host api.businesscentral.dynamics.com --demo-size 20050

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bcli import AsyncBCClient
from bcli.auth._static import StaticTokenAuth
from bcli.errors import BCLIError, NotFoundError

from tests.clients.report import feature, report

_T = TypeVar("_T")
_NAV = urlsplit(os.environ["NAV_URL"])
_MOST = 20_000


class Proxy:
    """A proxy that leads every CONNECT to the sandbox, whatever host it names."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        server = socket.create_connection((str(_NAV.hostname), int(_NAV.port or 443)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pour, args=(client, server), daemon=True).start()
        _pour(server, client)


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def run(work: Callable[[AsyncBCClient], Awaitable[_T]], *, company: bool = True) -> _T:
    """What some work with a client gives."""

    async def whole() -> _T:
        auth = StaticTokenAuth(os.environ["TOKEN"])
        options: dict[str, Any] = {"tenant_id": "tenant", "environment": "Sandbox", "auth": auth}
        async with AsyncBCClient(**options) as client:
            if not company:
                return await work(client)
            (found,) = await client.list_companies()
        async with AsyncBCClient(**options, company_id=found["id"]) as client:
            return await work(client)

    return asyncio.run(whole())


@feature("companies")
def companies() -> None:
    found = run(lambda client: client.list_companies(), company=False)
    assert [one["displayName"] for one in found] == ["CRONUS International Ltd."]


@feature("create")
def create() -> None:
    made = run(lambda client: client.post("customers", {"displayName": "Anna & Söhne", "city": "Köln"}))
    assert (made["displayName"], made["city"]) == ("Anna & Söhne", "Köln")
    assert made["number"].startswith("C")


@feature("create under an id")
def create_under_an_id() -> None:
    id = "11111111-2222-4333-8444-555555555555"
    assert run(lambda client: client.post("customers", {"id": id, "displayName": "Chosen"}))["id"] == id


@feature("read")
def read() -> None:
    async def work(client: AsyncBCClient) -> Any:
        made = await client.post("items", {"number": "BC-1", "displayName": "Bell"})
        return (await client.get("items", made["id"])).raw

    assert run(work)["number"] == "BC-1"


@feature("$filter")
def filtered() -> None:
    rows = run(lambda client: client.query("customers").filter("number eq '10000' or number eq '10010'").get())
    assert {row["number"] for row in rows} == {"10000", "10010"}


@feature("$select, $top, $skip")
def window() -> None:
    async def work(client: AsyncBCClient) -> list[list[str]]:
        query = [client.query("customers").select("number").orderby("number desc") for _ in range(2)]
        return [[row["number"] for row in await one.get()] for one in (query[0].top(3), query[1].skip(1).top(2))]

    first, behind = run(work)
    assert first[1:] == behind


@feature("$count")
def count() -> None:
    answer = run(lambda client: client.query("customers").top(1).count().execute())
    assert answer.count > _MOST


@feature("paging")
def paging() -> str:
    async def work(client: AsyncBCClient) -> list[int]:
        pages = await client.query("customers").select("number").pages()
        return [len(page) async for page in pages]

    sizes = run(work)
    assert sizes[0] == _MOST
    assert len(sizes) == 2
    return f"{sum(sizes):,} records, {_MOST:,} a page"


@feature("update")
def update() -> None:
    async def work(client: AsyncBCClient) -> Any:
        made = await client.post("customers", {"displayName": "Before"})
        return await client.patch("customers", made["id"], {"displayName": "After"}, etag=made["@odata.etag"])

    assert run(work)["displayName"] == "After"


@feature("etag preconditions")
def preconditions() -> None:
    async def work(client: AsyncBCClient) -> str:
        made = await client.post("customers", {"displayName": "Old"})
        await client.patch("customers", made["id"], {"city": "Ulm"})
        try:
            await client.patch("customers", made["id"], {"city": "Bonn"}, etag=made["@odata.etag"])
        except BCLIError as error:
            return f"{error.status_code} {error.bc_message}"
        return "taken"

    assert run(work).startswith("409 Another user has already changed the record.")


@feature("delete")
def delete() -> None:
    async def work(client: AsyncBCClient) -> bool:
        made = await client.post("customers", {"displayName": "Gone"})
        await client.delete("customers", made["id"])
        try:
            await client.get("customers", made["id"])
        except NotFoundError:
            return True
        return False

    assert run(work)


@feature("error bodies and codes")
def errors() -> None:
    async def work(client: AsyncBCClient) -> str:
        try:
            await client.post("customers", {"city": "Ulm"})
        except BCLIError as error:
            return f"{error.status_code} {error.bc_message}"
        return "taken"

    assert run(work).startswith('400 A "displayName" must be provided.')


@feature("the six sets")
def sets() -> str:
    async def work(client: AsyncBCClient) -> dict[str, int]:
        names = ("customers", "currencies", "unitsOfMeasure", "items", "contacts", "salespeoplePurchasers")
        return {name: len(await client.query(name).top(5).get()) for name in names}

    sizes = run(work)
    assert all(sizes.values()), sizes
    return ", ".join(sizes)


if __name__ == "__main__":
    os.environ["HTTPS_PROXY"] = Proxy().url
    report("bc-cli", "NAV")
