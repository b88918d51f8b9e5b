"""Links that lead away from a service, in every place where an answer can hold one: none may be followed.

What would leave for elsewhere is counted where it leaves: requests for another origin are taken to a second server on
loopback, which also listens where links of the list lead to by themselves.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from engine.connectors.auth import EntraApp
from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.connectors.protocol import Query, Write, WriteKind
from engine.model.errors import CouplerError
from tests.connectors.scripted import Seen, Server, json_reply, reply, serving
from tests.reliability.line import Line, Measured

TOKEN = "canary-token-of-links"
ID = "0a1b2c3d-4e5f-6071-8293-000000000001"
TARGET = 60

# {o}: the service's own origin; {h}: its host and port; {r}: the path of its root; {e}: host and port of the other one
LINKS = (
    "http://{e}{r}/accounts", "http://{e}/", "//{e}{r}/accounts", "///{e}{r}/accounts", "////{e}/x", "/\\{e}/x",
    "\\\\{e}\\x", "\\/{e}/x", "https://{e}{r}/accounts", "HTTP://{e}{r}/accounts", "hTTp:{e}/x", "http:\\\\{e}\\x", "http:/{e}/x",
    "http://{h}@{e}{r}/accounts", "http://{h}:x@{e}{r}/accounts", "http://x@{h}{r}/accounts", "http://x:y@{h}{r}/accounts",
    "http://{h}%40{e}{r}/accounts", "http://{h}\\@{e}{r}/accounts", "http://{e}\\@{h}{r}/accounts", "http://{h}#@{e}{r}/accounts/../../x",
    "http://{e}#@{h}{r}/accounts", "http://{e}?@{h}{r}/accounts", "http://{h}.evil.example{r}/accounts", "http://127.0.0.1.evil.example{r}/accounts",
    "http://evil.example{r}/accounts", "https://evil.example{r}/accounts", "//evil.example{r}/accounts", "http://evil.example.{r}/accounts",
    "http://127.0.0.1{r}/accounts", "http://127.0.0.1:1{r}/accounts", "http://127.0.0.1:443{r}/accounts", "http://127.0.0.1:65536{r}/accounts",
    "http://127.0.0.1:-1{r}/accounts", "http://127.1{r}/accounts", "http://2130706433{r}/accounts", "http://0x7f.0.0.1{r}/accounts",
    "http://0177.0.0.1{r}/accounts", "http://[::1]{r}/accounts", "http://[::ffff:127.0.0.1]{r}/accounts", "http://localhost{r}/accounts",
    "http://169.254.169.254/metadata/instance", "http://１２７.0.0.1{r}/accounts", "http://127。0。0。1{r}/accounts",
    "http://еvil.example{r}/accounts", "http://xn--vil-oed.example{r}/accounts", "http://evil.example\u3002{r}/accounts", "http://evıl.example{r}/accounts",
    "file:///etc/passwd", "file://{h}{r}/accounts", "ftp://{h}{r}/accounts", "gopher://{e}/x", "javascript:alert(1)",
    "data:application/json,{{}}", "unix:///tmp/x", "ws://{h}{r}/accounts", "http+unix://{h}{r}/accounts", "jar:http://{e}!/x",
    "{o}/", "{o}{r}", "{o}{r}evil/accounts", "{o}/api/data/v9.1/accounts", "{o}{r}/../v9.1/accounts", "{o}{r}/%2e%2e/v9.1/accounts",
    "{o}{r}/.%2e/v9.1/accounts", "{o}{r}/%2E./v9.1/accounts", "{o}{r}/..%2fv9.1/accounts", "{o}{r}/..%5cv9.1%5caccounts",
    "{o}{r}/..\\v9.1\\accounts", "{o}{r}/%2e%2e%5cv9.1/accounts", "{o}{r}/%252e%252e/v9.1/accounts", "{o}{r}/%25252e%25252e/v9.1/accounts",
    "{o}{r}/x/../../v9.1/accounts", "{o}{r}/./../v9.1/accounts", "../accounts", "..\\accounts", "/etc/passwd", "/..{r}/../x", "%2e%2e/accounts",
    "{o}{r}/%5c..%5caccounts", "{o}{r}/..;/v9.1/accounts", "{o}{r}/.%00./v9.1", "{o}{r}/a\r\nHost: {e}\r\n\r\n", "{o}{r}/a b\tc", "{o}{r}/\x00",
    "http://{h}\r\n@{e}/", "http://{h}\t.evil.example/", "http:// {e}/", " http://{e}/", "http://[::1/", "http://{e}:80:80/", "http://",
)  # fmt: skip
"""Each must be refused where it is a link to the next page, and never be followed anywhere."""

NO_LINKS: tuple[Any, ...] = (7, True, [], {"url": "http://{e}/"}, ["http://{e}/"])
"""What is no text at all, in the place of a link."""

OWN = (
    "{o}{r}/accounts?$skiptoken=%3Ccookie%20a=%252e%252e%252f%3E",
    "accounts?$skiptoken=2",
    "{o}{r}/Company('100%25%20A..B%20AG')/Customer?$skiptoken=2",
)
"""Links that a proper service sends: they must be followed, or nothing is measured."""


@dataclass
class Followed:
    """`tried` links in `places`, `followed` what was asked elsewhere because of them, with or without a token."""

    tried: int = 0
    places: int = 0
    followed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class _Watched(httpx.AsyncBaseTransport):
    """A network on which every name but the service's own leads to the other server."""

    def __init__(self, own: str, other: str) -> None:
        self._own, self._other = httpx.URL(own), httpx.URL(other)
        self._network = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if (request.url.scheme, request.url.host, request.url.port) != ("http", self._own.host, self._own.port):
            request.url = request.url.copy_with(scheme="http", host=self._other.host, port=self._other.port)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


Ask = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Place:
    """Where an answer holds a link. `refuses`: what asks must raise, because it needs the link to go on."""

    name: str
    side: str
    ask: Ask
    answer: Callable[[Seen, Any], bytes]
    refuses: bool = False


async def _all(side: Any) -> list[Any]:
    return [row async for page in side.pages(Query("accounts", "accountid", ("name",), page_size=2)) for row in page]


def _writes(kind: WriteKind, entity: str, id: str | None) -> list[Write]:
    return [Write("one", kind, entity, id, {"name": "x"}, None if kind is WriteKind.CREATE else 'W/"1"')]


def _header(name: str, status: int) -> Callable[[Seen, Any], bytes]:
    def answer(seen: Seen, link: Any) -> bytes:
        del seen
        return _raw(status, {name: str(link)})

    return answer


def _raw(status: int, headers: Mapping[str, str], body: bytes = b"{}") -> bytes:
    """An answer whose headers are written as a server would that does not look at them, but for its line ends."""
    lines = {name: value.replace("\r", "").replace("\n", "").replace("\x00", "") for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


def _next(rows: list[Any]) -> Callable[[Seen, Any], bytes]:
    return lambda seen, link: json_reply({"value": rows, "@odata.nextLink": link})


def _row(seen: Seen, link: Any) -> bytes:
    del seen
    names = ("@odata.id", "@odata.editLink", "@odata.readLink", "@odata.context", "x@odata.navigationLink", "url")
    links = dict.fromkeys(names, link)
    return json_reply({"value": [{"accountid": ID, **links}], "@odata.context": link, "@odata.deltaLink": link})


def _part(head: str) -> Callable[[Seen, Any], bytes]:
    def answer(seen: Seen, link: Any) -> bytes:
        if "EntityDefinitions" in seen.target:
            return json_reply({"value": [{"LogicalName": "account", "PrimaryIdAttribute": "accountid"}]})
        if "sdkmessagefilters" in seen.target:
            return json_reply({"value": []})
        status, _, name = head.partition(" ")
        part = (
            f"--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 {status} X\r\n{name}: {link}\r\n"
            f"Location: {link}\r\n\r\n"
        )
        return reply(200, f"{part}\r\n--b--\r\n".encode(), {"Content-Type": "multipart/mixed; boundary=b"})

    return answer


def _json_part(status: int) -> Callable[[Seen, Any], bytes]:
    def answer(seen: Seen, link: Any) -> bytes:
        del seen
        part = {"id": "1", "status": status, "headers": {"Location": link, "OData-EntityId": link}}
        return json_reply({"responses": [{**part, "body": {"@odata.nextLink": link}}], "@odata.nextLink": link})

    return answer


def _list(side: Any) -> Awaitable[Any]:
    return side.find("accounts", "name", ["x"], ("name",))  # type: ignore[no-any-return]


def _write(kind: WriteKind, entity: str, id: str | None) -> Ask:
    return lambda side: side.write(_writes(kind, entity, id))


_EMPTY, _FULL = _next([]), _next([{"accountid": ID, "name": "x"}])
PLACES = (
    Place("a nextLink of CRM's pages", "crm", _all, _EMPTY, refuses=True),
    Place("a nextLink of CRM's lists", "crm", _list, _FULL, refuses=True),
    Place("a nextLink of NAV's lists", "nav", _list, _FULL, refuses=True),
    *(
        Place(f"Location of {status} of {side}", side, _list, _header("Location", status), refuses=True)
        for side in ("crm", "nav", "basic")
        for status in (301, 302, 303, 307, 308)
    ),
    Place("Location of 201", "crm", _list, _header("Location", 201), refuses=True),
    Place("Content-Location, Link, Refresh", "crm", _list, lambda seen, link: _raw(200, {"Content-Location": str(link), "Link": f"<{link}>; rel=next", "Refresh": f"0; url={link}"}, b'{"value":[]}')),
    Place("links of rows", "crm", _list, _row),
    Place("OData-EntityId of a batch of CRM", "crm", _write(WriteKind.CREATE, "accounts", None), _part("204 OData-EntityId")),
    Place("a redirect in a batch of CRM", "crm", _write(WriteKind.UPDATE, "accounts", ID), _part("302 Location")),
    Place("Location of a batch of CRM", "crm", _write(WriteKind.UPDATE, "accounts", ID), _header("Location", 307)),
    Place("links in a batch of NAV", "nav", _write(WriteKind.CREATE, "Customer", None), _json_part(201)),
    Place("a redirect in a batch of NAV", "nav", _write(WriteKind.UPDATE, "Customer", ID), _json_part(307)),
    Place("Location of a batch of NAV", "nav", _write(WriteKind.UPDATE, "Customer", ID), _header("Location", 308)),
    Place("Location of a write of NAV", "singly", _write(WriteKind.CREATE, "Customer", None), _header("Location", 201)),
    *(Place(f"Location of {status} of the token endpoint", "entra", _list, _header("Location", status), refuses=True) for status in (302, 307, 308)),
)  # fmt: skip


def follow(places: tuple[Place, ...] = PLACES, links: tuple[str, ...] = LINKS) -> Followed:
    """Send each link in each place to a side that holds a token."""
    return asyncio.run(_follow(places, links))


async def _follow(places: tuple[Place, ...], links: tuple[str, ...]) -> Followed:
    found = Followed(tried=len(links) + len(NO_LINKS), places=len(places))
    async with serving() as own, serving() as other:
        other.say(json_reply({"value": []}))
        names = {
            "o": own.url.removesuffix("/api/data/v9.2"),
            "h": httpx.URL(own.url).netloc.decode(),
            "r": "/api/data/v9.2",
            "e": httpx.URL(other.url).netloc.decode(),
        }
        sides = _sides(own, other)
        for place in places:
            for link in (*(link.format(**names) for link in links), *NO_LINKS):
                refused = await _try(place, sides[place.side], own, link)
                if place.refuses and not refused:
                    found.faults.append(f"{place.name}: {link!r} was not refused")
                _gather(found, other, f"{place.name}: {link!r}")
        for link in (one.format(**names) for one in OWN):
            if not await _is_followed(own, sides["crm"], link):
                found.faults.append(f"{link!r} was not followed, though it is a link of the service's own")
        _gather(found, other, "links of the service's own")
        for side in sides.values():
            await side.close()
    await asyncio.sleep(0.1)  # what the servers had open closes after them
    return found


async def _try(place: Place, side: Any, own: Server, link: Any) -> bool:
    """Whether what was asked was refused, and nothing else was asked for."""
    own.seen.clear()
    own.answer = lambda seen: place.answer(seen, link)
    try:
        await place.ask(side)
    except CouplerError:
        return len({one.target for one in own.seen}) == 1
    return False


async def _is_followed(own: Server, side: Any, link: str) -> bool:
    own.seen.clear()
    own.answer = None
    own.say(json_reply({"value": [], "@odata.nextLink": link}), json_reply({"value": [{"accountid": ID}]}))
    with suppress(CouplerError):
        await _list(side)
    path = httpx.URL(f"{own.url}/").join(link).raw_path.decode()
    return [one.target for one in own.seen[1:]] == [path]


def _gather(found: Followed, other: Server, what: str) -> None:
    for seen in other.seen:
        secret = (
            any(TOKEN in value or _BASIC in value for value in seen.headers.values()) or TOKEN in seen.body.decode()
        )
        found.followed.append(f"{what}: {seen.method} {seen.target}{' with the token' if secret else ''}")
    other.seen.clear()


_BASIC = base64.b64encode(f"me:{TOKEN}".encode()).decode()


def _sides(own: Server, other: Server) -> dict[str, Any]:
    def options(name: str) -> dict[str, Any]:
        return {
            "gate": Gate(name, 4),
            "limits": Limits(patience=0.0, throttle_patience=0.0, total=10.0),
            "transport": partial(_Watched, own.url, other.url),
        }

    app = EntraApp(f"{own.url}/token", "app", "scope/.default", TOKEN)
    return {
        "crm": Dataverse(own.url, TOKEN, **options("CRM")),
        "nav": NavPages(own.url, TOKEN, "C", **options("NAV")),
        "singly": NavPages(own.url, TOKEN, "C", batch=1, **options("NAV")),
        "basic": NavPages(own.url, TOKEN, "C", user="me", **options("NAV")),
        "entra": Dataverse(own.url, app, **options("CRM")),
    }


def _measure() -> Measured:
    found = follow()
    text = (
        f"0 of {found.tried} links in {found.places} places"
        if not found.followed
        else f"{len(found.followed)} followed"
    )
    met = not found.followed and not found.faults and found.tried >= TARGET
    return Measured(text, met, (*found.followed, *found.faults))


LINES: tuple[Line, ...] = (Line("hostile links followed, tokens sent elsewhere", f"0 of {TARGET}", _measure),)
