"""Answers that no proper server gives: bodies cut, flipped, doubled and spliced at random, fed to both sides.

Whatever arrives, a side returns all that the answer holds, as other parsers read it (`readings.py`), or raises one of the
program's own errors where it is no valid one. Of a write it says what its own part of the answer says, in whatever order the
parts come, and that nothing is known where that is missing or damaged.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
import msgspec

from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.connectors.protocol import Query, Side, Write, WriteKind
from engine.model.errors import CouplerError
from tests.reliability.judging import ERRORS, IDS, wrong_answer, wrong_refusal
from tests.reliability.line import Line, Measured
from tests.reliability.readings import (
    Damaged,
    Reader,
    by_key,
    in_order,
    listed,
    multipart,
    named,
    number,
    responses,
    steps,
    tables,
)

FOREIGN = "ffffffff-4e5f-6071-8293-000000000001"
_NOW = "Wed, 25 Nov 2026 10:00:00 GMT"
_NASTY = (
    b"\x00", b"\xff\xfe", b"\x1b[2J", b"null", b"NaN", b"1e999999999", b"-0", b'"', b"\\", b"\\ud800", b"{", b"[", b"}",
    b"]", b"[[[[[[[[", b"true", b"99999999999999999999999999", b"\r\n", b"\r\n\r\n", b"--b", b"--b--", b"<!DOCTYPE x>",
    b"&x;", b"]]>", b"HTTP/1.1 200 OK", b"Content-ID: 1\r\n", b"Content-ID: 99\r\n", FOREIGN.encode(), b'"value":{}',
    b'"@odata.nextLink":"https://evil.example/x"', b'"@odata.nextLink":7', b'"@odata.etag":5', b'"status":"200"', b'"id":null',
)  # fmt: skip

_HEADERS = (
    ("Content-Encoding", "gzip"),
    ("Content-Encoding", "br"),
    ("Date", "yesterday"),
    ("Date", "Wed, 99 Nov 99999 10:00:00 GMT"),
    ("Retry-After", "-1"),
    ("Retry-After", "1e400"),
    ("Retry-After", "Wed, 25 Nov 9999 10:00:00 GMT"),
    ("Location", "https://evil.example/"),
    ("Set-Cookie", "a=b; Domain=.test"),
)
_ODD_HEADERS = 0.05
_NUMBER = 200_000
_PAGE = 10
_SHUFFLED = 0.3
"""How many of the answers to batches have their parts in any order."""


@dataclass(frozen=True)
class Kind:
    """One question to a side, and the answer that a proper server gives."""

    name: str
    side: str
    ask: Callable[[Side], Awaitable[Any]]
    content_type: str
    body: bytes
    read: Reader
    """What an answer holds."""
    status: int = 200


@dataclass
class Tally:
    """What became of the bodies; `faults` is what must not be."""

    answered: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)


async def _all(side: Side, entity: str, key: str) -> list[Any]:
    return [row async for page in side.pages(Query(entity, key, ("name",), page_size=_PAGE)) for row in page]


def _writes(kind: WriteKind, entity: str, *, named: bool) -> list[Write]:
    etag = None if kind is WriteKind.CREATE else 'W/"1"'
    return [Write(id, kind, entity, id if named else None, {"name": "x"}, etag) for id in IDS[:3]]


def _parts(statuses: Sequence[int]) -> bytes:
    out = []
    for at, status in enumerate(statuses, 1):
        entity = f"OData-EntityId: https://crm.test/api/accounts({IDS[at - 1]})\r\n" if status < 300 else ""
        fault = '{"error":{"code":"0x80040237","message":"m"}}' if status >= 400 else ""
        out.append(
            f"--b\r\nContent-Type: application/http\r\nContent-ID: {at}\r\n\r\nHTTP/1.1 {status} X\r\n{entity}\r\n{fault}\r\n"
        )
    return ("".join(out) + "--b--\r\n").encode()


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def _rows(key: str) -> bytes:
    rows = [
        {key: id, "@odata.etag": f'W/"{id}"', "name": "Ä", "modifiedon": "2026-11-25T10:00:00Z", "n": 1.5} for id in IDS
    ]
    return _encode({"@odata.context": "x", "value": rows})


_METADATA = b"""<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="m" Alias="a" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EnumType Name="E"><Member Name="_x0020_" Value="0"/></EnumType>
<EntityType Name="base"><Property Name="id" Type="Edm.Guid"/></EntityType>
<EntityType Name="account" BaseType="a.base"><Property Name="name" Type="Edm.String" MaxLength="160"/>
<Property Name="e" Type="m.E"/><NavigationProperty Name="owner" Type="m.base"/></EntityType>
<EntityContainer Name="c"><EntitySet Name="accounts" EntityType="m.account"/></EntityContainer></Schema>
</edmx:DataServices></edmx:Edmx>"""
_JSON = "application/json"
_MULTIPART = "multipart/mixed; boundary=b"
_NAV_DONE = _encode({"responses": [{"id": str(n), "status": 201, "body": {"SystemId": IDS[n - 1]}} for n in (1, 2, 3)]})

KINDS = (
    Kind("a page of CRM", "crm", lambda side: _all(side, "accounts", "accountid"), _JSON, _rows("accountid"), in_order("accountid", _PAGE)),
    Kind("a page of NAV", "nav", lambda side: _all(side, "Customer", "SystemId"), _JSON, _rows("SystemId"), in_order("SystemId", _PAGE)),
    Kind("rows by id", "crm", lambda side: side.fetch("accounts", "accountid", IDS, ("name",)), _JSON, _rows("accountid"), by_key("accountid")),
    Kind("records by value", "nav", lambda side: side.find("Customer", "Name", ["Ä"], ("Name",)), _JSON, _rows("SystemId"), listed),
    Kind("a count", "crm", lambda side: side.count("accounts", ()), _JSON, _encode({"@odata.count": 5, "value": []}), number),
    Kind("who we are", "crm", lambda side: side.probe(), _JSON, _encode({"UserId": IDS[0], "OrganizationId": IDS[1], "Version": "9"}), steps),
    Kind("a batch of CRM", "crm", lambda side: side.write(_writes(WriteKind.UPDATE, "accounts", named=True)), _MULTIPART, _parts([204, 412, 204]), multipart(IDS[:3])),
    Kind("CreateMultiple", "bulk", lambda side: side.write(_writes(WriteKind.CREATE, "accounts", named=True)), _JSON, _encode({"Ids": IDS[:3]}), named(IDS[:3])),
    Kind("a batch of NAV", "nav", lambda side: side.write(_writes(WriteKind.CREATE, "Customer", named=False)), _JSON, _NAV_DONE, responses(3)),
    Kind("an error of CRM", "crm", lambda side: side.fetch("accounts", "accountid", IDS, ("name",)), _JSON, _encode({"error": {"code": "0x80040217", "message": "no"}}), by_key("accountid"), 404),
    Kind("the tables", "crm", lambda side: side.metadata(), "application/xml", _METADATA, tables),  # type: ignore[attr-defined]  # both connectors have it
)  # fmt: skip


def mutate(chance: random.Random, body: bytes, others: Sequence[bytes]) -> bytes:
    """The body after one to four accidents."""
    data = bytearray(body)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 2, 8, 64)))
        match chance.randrange(8):
            case 0:
                del data[at:]
            case 1:
                del data[at:to]
            case 2:
                data[at:at] = data[at:to]
            case 3:
                data[at:to] = chance.choice(_NASTY)
            case 4:
                data[at:at] = chance.choice(_NASTY)
            case 5:
                data[at:to] = chance.randbytes(to - at)
            case 6 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case _:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                data[at:to] = other[start : start + chance.choice((4, 32, 256))]
    return bytes(data)


class _Organization(httpx.AsyncBaseTransport):
    """Answers with what it holds; a table has CreateMultiple or not, and that is always told properly."""

    def __init__(self, *, bulk: bool) -> None:
        self._bulk = bulk
        self._reply: tuple[int, list[tuple[str, str]], bytes] = (200, [], b"")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/EntityDefinitions"):
            return self._json({"value": [{"LogicalName": "account", "PrimaryIdAttribute": "accountid"}]})
        if path.endswith("/sdkmessagefilters"):
            return self._json({"value": [{"sdkmessagefilterid": IDS[0]}] if self._bulk else []})
        status, headers, body = self._reply
        return httpx.Response(status, headers=headers, stream=_Body(body))

    def say(self, kind: Kind, body: bytes, more: tuple[str, str] | None) -> None:
        own = [("Content-Type", kind.content_type), ("Date", _NOW)]
        self._reply = (kind.status, own if more is None else [*own, more], body)

    def _json(self, value: object) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": _JSON}, stream=_Body(_encode(value)))


class _Body(httpx.AsyncByteStream):
    """A body as it comes from a socket."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def _same(transport: _Organization) -> httpx.AsyncBaseTransport:
    return transport


async def _instantly(seconds: float) -> None:
    del seconds
    await asyncio.sleep(0)


def _sides() -> Iterator[tuple[str, Any, _Organization]]:
    limits = Limits(patience=0.0, throttle_patience=0.0, body=1 << 20)
    for name in ("crm", "bulk", "nav"):
        transport = _Organization(bulk=name == "bulk")
        gate = Gate(name, 8, clock=lambda: 0.0, sleep=_instantly, chance=lambda: 0.5)
        options: Any = {"gate": gate, "limits": limits, "transport": partial(_same, transport)}
        crm = name != "nav"
        yield (
            name,
            Dataverse("http://127.0.0.1:1/api", "t", **options)
            if crm
            else NavPages("http://127.0.0.1:1/ODataV4", "t", "C", **options),
            transport,
        )


Try = tuple[Kind, bytes, tuple[str, str] | None]


def accidents(number: int, seed: int) -> Iterator[Try]:
    """Questions in turn, each with an answer that met accidents, and now and then an odd header."""
    chance = random.Random(seed)
    others = [kind.body for kind in KINDS]
    for count in range(number):
        kind = KINDS[count % len(KINDS)]
        if " batch " in kind.name and chance.random() < _SHUFFLED:
            kind = shuffled(chance, kind)
            body = kind.body if chance.random() < 0.5 else mutate(chance, kind.body, others)
        else:
            body = mutate(chance, kind.body, others)
        odd = body != kind.body and chance.random() < _ODD_HEADERS
        yield kind, body, chance.choice(_HEADERS) if odd else None


def shuffled(chance: random.Random, kind: Kind) -> Kind:
    """A batch whose answer has the same parts in another order, or by chance the same."""
    if kind.content_type == _JSON:
        parts = json.loads(kind.body)["responses"]
        chance.shuffle(parts)
        return replace(kind, body=_encode({"responses": parts}))
    *parts, end = kind.body.split(b"--b")[1:]
    chance.shuffle(parts)
    return replace(kind, body=b"".join(b"--b" + one for one in (*parts, end)))


async def ask(tries: Iterable[Try]) -> Tally:
    """Ask both sides, and note what they make of the answers."""
    sides = {name: (side, transport) for name, side, transport in _sides()}
    tally = Tally()
    for kind, body, header in tries:
        side, transport = sides[kind.side]
        transport.say(kind, body, header)
        held = _held(kind, body, header)
        wrong: str | None
        try:
            async with asyncio.timeout(10):
                found = await kind.ask(side)
            tally.answered += 1
            wrong = wrong_answer(found, held)
        except CouplerError as error:
            tally.refused += 1
            wrong = wrong_refusal(error, held)
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            wrong = f"{type(error).__name__}: {error}"
        if wrong is not None:
            tally.faults.append(f"{kind.name}: {wrong}: {body!r} {header or ''}")
    for side, _ in sides.values():
        await side.close()
    return tally


def _held(kind: Kind, body: bytes, header: tuple[str, str] | None) -> Any:
    """What an answer holds; nothing of it can be read where it is said to be packed, as none is."""
    packed = header is not None and header[0] == "Content-Encoding"
    try:
        return Damaged("an error") if kind.status >= ERRORS else kind.read(b"" if packed else body)
    except Damaged as error:
        return error


def _measure() -> Measured:
    tally = asyncio.run(ask(accidents(_NUMBER, 1)))
    return Measured(f"{_NUMBER:,} / {len(tally.faults)}", not tally.faults, tuple(tally.faults))


LINES = (Line("damaged answers tried / faults", f"{_NUMBER:,} / 0", _measure),)
