"""A server that says, byte for byte, what a test wants: also what no proper server would."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Server:
    """Replies in order; the last one is given again and again. `answer`, when set, makes replies of requests."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    answer: Callable[[Seen], Reply] | None = None
    seen: list[Seen] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    def say(self, *replies: Reply) -> None:
        self.replies = list(replies)


def reply(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, length: int | None = None
) -> bytes:
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    return reply(status, msgspec.json.encode(value), {"Content-Type": "application/json", **(headers or {})})


def error(status: int, code: str, message: str = "no", headers: Mapping[str, str] | None = None) -> bytes:
    return json_reply({"error": {"code": code, "message": message}}, status, headers)


def zipped(body: bytes, *, cut: int = 0) -> bytes:
    packed = gzip.compress(body)
    return reply(200, packed[: len(packed) - cut], {"Content-Encoding": "gzip"})


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def cut(writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, b'{"value": [', length=5000))
    await writer.drain()
    writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(10_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


@contextlib.asynccontextmanager
async def serving(ssl: Any = None) -> AsyncIterator[Server]:
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                seen = Seen(method, target, headers, body)
                server.seen.append(seen)
                server.open_now += 1
                server.most_open = max(server.most_open, server.open_now)
                try:
                    if server.answer is not None:
                        said = server.answer(seen)
                    else:
                        said = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
                    if isinstance(said, bytes):
                        await asyncio.sleep(0)
                        writer.write(said)
                        await writer.drain()
                    else:
                        await said(writer)
                        if writer.is_closing():
                            return
                finally:
                    server.open_now -= 1
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=ssl)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https' if ssl else 'http'}://{'localhost' if ssl else '127.0.0.1'}:{port}/api/data/v9.2"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
