"""Answers that are small to send and huge to take in: each is refused, and the process that asked stays small.

`python -m tests.reliability.bombs QUESTION URL` asks one question in a process of its own, and says how that ended and
how much memory it took.
"""

import asyncio
import json
import os
import sys
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from engine.connectors.auth import EntraApp
from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.connectors.protocol import Query, Status, Write, WriteKind
from engine.model.errors import CouplerError
from tests.connectors.scripted import Seen, json_reply, serving
from tests.reliability.line import Line, Measured
from tests.runs.company import peak_memory

MOST = 300 * 1000 * 1000
"""Bytes that a process may take (reference/reliability.md section 7)."""
WHOLE = 1 << 30
"""Bytes of what never ends, as far as anybody reads."""
_BLOCK = 1 << 20
_BELOW = 63 << 20
_BELOW_XML = 31 << 20
"""Bodies just below the limits, which are received whole."""
ID = "0a1b2c3d-4e5f-6071-8293-000000000001"
_JSON = "application/json"
_MULTIPART = "multipart/mixed; boundary=b"
_PART = f"--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 204 X\r\nOData-EntityId: x({ID})\r\n\r\n".encode()
_EDMX = b'<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices><Schema Namespace="m">'


@dataclass(frozen=True)
class Bomb:
    """`pieces` are the bytes of a body, or with `raw` of all that is said, for so many bytes in all."""

    name: str
    question: str
    pieces: Callable[[int], Iterator[bytes]]
    content_type: str = _JSON
    status: int = 200
    zipped: bool = False
    raw: bool = False
    bearable: bool = False
    """It may be taken in."""


@dataclass
class Tally:
    """`refused` of `tried` were refused in words; `peak` is the most memory that a process took."""

    tried: int = 0
    refused: int = 0
    peak: int = 0
    faults: list[str] = field(default_factory=list)


def _endless(head: bytes, piece: bytes) -> Callable[[int], Iterator[bytes]]:
    """A body that goes on and on."""

    def pieces(size: int) -> Iterator[bytes]:
        block = piece * (_BLOCK // len(piece))
        yield head
        for _ in range(size // len(block)):
            yield block

    return pieces


def _full(head: bytes, piece: bytes, tail: bytes, most: int = _BELOW) -> Callable[[int], Iterator[bytes]]:
    """A body that ends properly just below the limit."""

    def pieces(size: int) -> Iterator[bytes]:
        times = min(size, most) // len(piece)
        block = piece * 1000
        yield head
        for _ in range(times // 1000):
            yield block
        yield tail

    return pieces


def _whole(body: bytes) -> Callable[[int], Iterator[bytes]]:
    return lambda size: iter((body,))


def _numbered(head: bytes, piece: str, tail: bytes) -> Callable[[int], Iterator[bytes]]:
    """As `_full`, with names that are all different."""

    def pieces(size: int) -> Iterator[bytes]:
        yield head
        sent = 0
        number = 0
        while sent < min(size, _BELOW_XML):
            block = "".join(piece.format(one) for one in range(number, number + 10_000)).encode()
            number += 10_000
            sent += len(block)
            yield block
        yield tail

    return pieces


def _laughs(levels: int) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, levels))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l{levels - 1};</x>'.encode()


_XML = "application/xml"
_ROWS, _END = b'{"value":[', b'"x"]}'
_DEEP = 100_000
_VALUES: tuple[tuple[str, Callable[[bytes, bytes], Callable[[int], Iterator[bytes]]]], ...] = (
    ("nested lists", lambda head, tail: _whole(head + b"[" * _DEEP + b"]" * _DEEP + tail)),
    ("nested objects", lambda head, tail: _whole(head + b'{"a":' * _DEEP + b"1" + b"}" * _DEEP + tail)),
    ("nested lists without end", lambda head, tail: _whole(head + b"[" * _DEEP)),
    ("a number of 5,000 digits", lambda head, tail: _whole(head + b'[{"a":' + b"9" * 5000 + b"}]" + tail)),
    ("a number of 60 million digits", lambda head, tail: _full(head + b'[{"a":', b"9", b"}]" + tail)),
    ("1e999999999", lambda head, tail: _whole(head + b'[{"a":1e999999999}]' + tail)),
    ("-1e-999999999", lambda head, tail: _whole(head + b'[{"a":-1e-999999999}]' + tail)),
    ("empty lists", lambda head, tail: _full(head + b"[", b"[],", b"[]]" + tail)),
    ("empty objects", lambda head, tail: _full(head + b"[", b"{},", b"{}]" + tail)),
    ("small objects", lambda head, tail: _full(head + b"[", b'{"":0},', b"{}]" + tail)),
    ("small texts", lambda head, tail: _full(head + b"[", '"éa",'.encode(), b'""]' + tail)),
    ("small numbers", lambda head, tail: _full(head + b"[", b"1.5,", b"1]" + tail)),
)  # fmt: skip
BOMBS = (
    *(
        Bomb(f"gzip of {question}", question, _endless(head, b" "), kind, zipped=True)
        for question, head, kind in (
            ("page", _ROWS, _JSON), ("nav", _ROWS, _JSON), ("batch", _PART, _MULTIPART), ("json batch", b'{"responses":[', _JSON),
            ("metadata", _EDMX, _XML), ("token", b"{", _JSON), ("bulk", b'{"Ids":[', _JSON),
        )
    ),
    *(
        Bomb(f"endless {question}", question, _endless(head, piece), kind)
        for question, head, piece, kind in (
            ("page", _ROWS, b'{"accountid":"%s","name":"x"},' % ID.encode(), _JSON),
            ("nav", _ROWS, b'{"SystemId":"%s","Name":"x"},' % ID.encode(), _JSON),
            ("batch", b"", _PART + b"\r\n", _MULTIPART),
            ("json batch", b'{"responses":[', b'{"id":"1","status":204},', _JSON),
            ("metadata", _EDMX, b'<EntityType Name="account"/>', _XML),
            ("token", b'{"access_token":"', b"x", _JSON),
        )
    ),
    Bomb("endless error", "page", _endless(b'{"error":{"message":"', b"x"), status=400),
    Bomb("gzip of an error", "page", _endless(b'{"error":{"message":"', b"x"), status=400, zipped=True),
    Bomb("endless head", "page", _endless(b"HTTP/1.1 200 OK\r\nX: ", b"x"), raw=True),
    Bomb("endless heads", "page", _endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), raw=True),
    Bomb("endless chunk size", "page", _endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"), raw=True),
    Bomb("endless first line", "page", _endless(b"HTTP/1.1 200 ", b"x"), raw=True),
    *(
        Bomb(f"{name} in {question}", question, make(head, tail))
        for question, head, tail in (("page", b'{"value":', b"}"), ("json batch", b'{"responses":', b"}"))
        for name, make in _VALUES
    ),
    Bomb("as many texts as are taken in a page", "page", _full(b'{"value":[', b'"abcdefgh",', b'"x"]}', 14 << 20)),
    Bomb("as many objects as are taken in a page", "page", _full(b'{"value":[', b'{"":0},', b"{}]}", 3_400_000)),
    Bomb("as much text as is taken in a page", "page", _full(b'{"value":[{"accountid":"', b"x", b'"}]}')),
    Bomb("as much wide text as is taken in a page", "page", _full(b'{"value":[{"accountid":"', "😀".encode(), b'"}]}')),
    Bomb("an object of many names", "page", _numbered(b'{"value":[{', '"a{}":1,', b'"b":1}]}')),
    Bomb("boundaries", "batch", _full(b"--b", b"\r\n--b", b"--\r\n"), _MULTIPART),
    Bomb("heads of a part", "batch", _full(b"--b\r\nContent-Type: application/http\r\n", b"X: y\r\n", b"\r\n--b--\r\n"), _MULTIPART),
    Bomb("a billion laughs", "metadata", _whole(_laughs(10)), _XML),
    Bomb("a billion laughs in UTF-16", "metadata", _whole(_laughs(10).decode().encode("utf-16")), _XML),
    Bomb("one large entity many times", "metadata", _whole(b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]><x>' + b"&a;" * 100_000 + b"</x>"), _XML),
    Bomb("parameter entities", "metadata", _whole(b'<!DOCTYPE x [<!ENTITY % a "b"><!ENTITY % c "%a;%a;">%c;]><x/>'), _XML),
    Bomb("an external entity of a file", "metadata", _whole(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'), _XML),
    Bomb("an external entity of an address", "metadata", _whole(b'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}/evil">]><x>&e;</x>'), _XML),
    Bomb("an external document type", "metadata", _whole(b'<!DOCTYPE x SYSTEM "{url}/evil"><x/>'), _XML),
    Bomb("nested elements", "metadata", _whole(_EDMX + b"<a>" * _DEEP + b"</a>" * _DEEP), _XML),
    Bomb("an endless attribute", "metadata", _full(_EDMX + b'<EntityType Name="', b"x", b'"/></Schema></edmx:DataServices></edmx:Edmx>'), _XML),
    Bomb("many sets of a type with many columns", "metadata", _whole(_EDMX + b'<EntityType Name="t">' + b"".join(b'<Property Name="a%d"/>' % n for n in range(20_000)) + b"</EntityType>" + b"".join(b'<EntitySet Name="s%d" EntityType="m.t"/>' % n for n in range(20_000)) + b"</Schema></edmx:DataServices></edmx:Edmx>"), _XML),
    Bomb("many columns of a type with many options", "metadata", _whole(_EDMX + b'<EnumType Name="e">' + b"".join(b'<Member Name="a%d"/>' % n for n in range(20_000)) + b'</EnumType><EntityType Name="t">' + b"".join(b'<Property Name="a%d" Type="m.e"/>' % n for n in range(20_000)) + b"</EntityType>" + b'<EntitySet Name="s" EntityType="m.t"/></Schema></edmx:DataServices></edmx:Edmx>'), _XML, bearable=True),
    *(
        Bomb(f"many {name}", "metadata", _numbered(_EDMX + head, piece, tail + b'<EntityContainer Name="c"><EntitySet Name="s" EntityType="m.t"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'), _XML)
        for name, head, piece, tail in (
            ("types", b"", '<EntityType Name="a{}"/>', b""),
            ("columns", b'<EntityType Name="t">', '<Property Name="a{}"/>', b"</EntityType>"),
            ("ways to others", b'<EntityType Name="t">', '<NavigationProperty Name="a{}"/>', b"</EntityType>"),
            ("options", b'<EnumType Name="t">', '<Member Name="a{}"/>', b"</EnumType>"),
            ("kinds of options", b"", '<EnumType Name="a{}"/>', b""),
            ("sets", b"", '<EntitySet Name="a{}"/>', b""),
            ("namespaces", b"", '<Schema Namespace="a{0}" Alias="b{0}"/>', b""),
        )
    ),
)  # fmt: skip


@cache
def _packed(size: int) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(b" " * _BLOCK) for _ in range(size // _BLOCK)) + packer.flush()


def explode(bombs: tuple[Bomb, ...] = BOMBS, size: int = WHOLE) -> Tally:
    """Ask for each in a process of its own."""
    return asyncio.run(_explode(bombs, size))


async def _explode(bombs: tuple[Bomb, ...], size: int) -> Tally:
    tally = Tally()
    async with serving() as server:
        for bomb in bombs:
            server.seen.clear()
            server.answer = _answers(bomb, server.url, size)
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "tests.reliability.bombs", bomb.question, server.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )  # fmt: skip
            try:
                said, wrong = await asyncio.wait_for(child.communicate(), 120)
            except TimeoutError:
                child.kill()
                said, wrong = b"", b"it hangs"
                await child.wait()
            _note(tally, bomb, said, wrong)
            if any("evil" in one.target for one in server.seen):
                tally.faults.append(f"{bomb.name}: it went where the document said")
    await asyncio.sleep(0.1)
    return tally


def _note(tally: Tally, bomb: Bomb, said: bytes, wrong: bytes) -> None:
    tally.tried += 1
    if not said.strip():
        tally.faults.append(f"{bomb.name}: no word: {wrong.decode(errors='replace')[-600:]}")
        return
    outcome = json.loads(said)
    tally.peak = max(tally.peak, outcome["peak"])
    if outcome["refused"] or bomb.bearable:
        tally.refused += 1
    else:
        tally.faults.append(f"{bomb.name}: {outcome['how']}")
    if outcome["peak"] > MOST:
        tally.faults.append(f"{bomb.name}: {outcome['peak'] / 1e6:.0f} MB, {outcome['how']}")


def _answers(bomb: Bomb, url: str, size: int) -> Callable[[Seen], Any]:
    def answer(seen: Seen) -> Any:
        if "EntityDefinitions" in seen.target:
            return json_reply({"value": [{"LogicalName": "account", "PrimaryIdAttribute": "accountid"}]})
        if "sdkmessagefilters" in seen.target:
            return json_reply({"value": [{"sdkmessagefilterid": ID}] if bomb.question == "bulk" else []})
        return lambda writer: _say(writer, bomb, url, size)

    return answer


async def _say(writer: asyncio.StreamWriter, bomb: Bomb, url: str, size: int) -> None:
    if bomb.zipped:
        pieces: Iterator[bytes] = iter((_packed(size),))
    else:
        pieces = bomb.pieces(size)
    if not bomb.raw:
        packing = "Content-Encoding: gzip\r\n" if bomb.zipped else ""
        head = f"HTTP/1.1 {bomb.status} X\r\nContent-Type: {bomb.content_type}\r\n{packing}Connection: close\r\n\r\n"
        writer.write(head.encode())
    for piece in pieces:
        writer.write(piece.replace(b"{url}", url.encode()) if len(piece) < 1000 else piece)
        await writer.drain()
    writer.close()


async def _ask(question: str, url: str) -> tuple[bool, str]:
    """Whether the answer was refused in words, and in which."""
    limits = Limits(patience=0.0, throttle_patience=0.0, total=100.0)
    secret: Any = EntraApp(f"{url}/token", "app", "s/.default", "x" * 20) if question == "token" else "token"
    crm, nav = Dataverse(url, secret, limits=limits), NavPages(url, "token", "C", limits=limits)
    kind = WriteKind.UPDATE if question == "batch" else WriteKind.CREATE
    write = [Write("k", kind, "accounts", ID, {"name": "x"}, 'W/"1"')]
    questions: dict[str, Callable[[], Awaitable[Any]]] = {
        "page": lambda: _pages(crm),
        "nav": lambda: nav.find("Customer", "Name", ["x"], ("Name",)),
        "batch": lambda: crm.write(write),
        "bulk": lambda: crm.write(write),
        "json batch": lambda: nav.write([Write("k", WriteKind.CREATE, "Customer", None, {"Name": "x"}, None)]),
        "metadata": crm.metadata,
        "token": lambda: crm.find("accounts", "name", ["x"], ("name",)),
    }
    try:
        found = await questions[question]()
    except CouplerError as error:
        return True, f"{type(error).__name__}: {error.message}"
    finally:
        await crm.close()
        await nav.close()
    if (
        isinstance(found, dict)
        and found
        and all(getattr(one, "status", None) is Status.UNKNOWN for one in found.values())
    ):
        return True, "unknown"
    return False, f"accepted: a {type(found).__name__} of {len(found)}"


async def _pages(crm: Dataverse) -> list[Any]:
    return [row async for page in crm.pages(Query("accounts", "accountid", ("name",))) for row in page]


def main() -> None:
    """Ask, and say how it ended."""
    refused, how = asyncio.run(_ask(sys.argv[1], sys.argv[2]))
    peak = peak_memory(os.getpid())  # what getrusage tells begins with that of the process that started this one
    print(json.dumps({"refused": refused, "how": how[:300], "peak": peak}))  # noqa: T201  # that is what it is for


def _measure() -> Measured:
    tally = explode()
    met = tally.refused == tally.tried == len(BOMBS) and tally.peak <= MOST and not tally.faults
    return Measured(f"{tally.refused}/{tally.tried}, {tally.peak / 1e6:.0f} MB", met, tuple(tally.faults))


LINES: tuple[Line, ...] = (
    Line(
        "bombs of 1 GB, of depth and of entities: refused, peak memory", f"{len(BOMBS)}/{len(BOMBS)}, 300 MB", _measure
    ),
)

if __name__ == "__main__":
    main()
