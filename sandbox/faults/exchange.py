"""One request and its answer, and the connection that both travel on."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox import asgi
from sandbox.asgi import Header

_WIRE = "sandbox.wire"
_CLOSE_AT_ONCE = struct.pack("ii", 1, 0)
_STEP = 0.05
"""Seconds between two pieces of an answer that drips."""


class Wired(H11Protocol):
    """The HTTP server of a connection whose application finds the connection itself in the scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        """Take a connection."""
        super().connection_made(transport)
        self.app = partial(_with_wire, self.app, transport)


async def _with_wire(app: ASGIApp, wire: asyncio.Transport, scope: Scope, receive: Receive, send: Send) -> None:
    await app({**scope, _WIRE: wire}, receive, send)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Sequence[Header]
    body: bytes

    @property
    def content_type(self) -> str:
        """Its kind of body; blank when it has none."""
        return next((value.decode("latin-1") for name, value in self.headers if name == b"content-type"), "")

    def with_body(self, body: bytes) -> "Answer":
        """The same with another body."""
        return Answer(self.status, [one for one in self.headers if one[0] != b"content-length"], body)


class Exchange:
    """A request that has been read whole, on its way to `app`; `spared` when a fault found nothing to do."""

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, body: bytes, random: Random, later: "Later"
    ) -> None:
        self.body = body
        self.random = random
        self.later = later
        self.spared = False
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send

    @property
    def method(self) -> str:
        """The method."""
        return str(self._scope["method"])

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, whatever becomes of it."""
        return self.method == "GET"

    @property
    def is_batch(self) -> bool:
        """Whether it carries operations."""
        return str(self._scope["path"]).lower().endswith("/$batch")

    @property
    def content_type(self) -> str:
        """The kind of its body."""
        return asgi.header(self._scope, b"content-type")

    @property
    def address(self) -> str:
        """Its address as a link names it."""
        query = self._scope["query_string"].decode("latin-1")
        host = asgi.header(self._scope, b"host")
        path = self._scope["raw_path"].decode("latin-1")
        return f"{self._scope['scheme']}://{host}{path}{'?' if query else ''}{query}"

    async def serve(self, body: bytes | None = None) -> Answer:
        """Have the server do what is asked, or what is left of it with another body; its answer goes nowhere yet."""
        content = self.body if body is None else body
        length = str(len(content)).encode()
        headers = [(name, length if name == b"content-length" else value) for name, value in self._scope["headers"]]
        said: list[Message] = []

        async def read() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def keep(message: Message) -> None:
            said.append(message)

        await self._app({**self._scope, "headers": headers}, read, keep)
        answer = b"".join(message.get("body", b"") for message in said[1:])
        return Answer(said[0]["status"], list(said[0].get("headers", ())), answer)

    async def give(self, answer: Answer) -> None:
        """Send an answer whole."""
        await self._begin(answer, len(answer.body))
        await self._send({"type": "http.response.body", "body": answer.body})

    async def cut(self, answer: Answer) -> None:
        """Send the beginning of an answer, and close the connection."""
        await self._begin(answer, len(answer.body))
        part = answer.body[: self.random.randrange(max(1, len(answer.body)))]
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
        self._wire.close()
        await self._gone()

    async def drip(self, answer: Answer, pieces: int) -> None:
        """Send an answer piece by piece."""
        await self._begin(answer, len(answer.body))
        size = max(1, -(-len(answer.body) // pieces))
        for start in range(0, len(answer.body), size):
            piece = answer.body[start : start + size]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(_STEP)
        await self._send({"type": "http.response.body", "body": b""})

    async def pour(self, answer: Answer, times: int) -> None:
        """Send the body of an answer again and again, for as long as the client takes it."""
        await self._begin(answer, len(answer.body) * times)
        for _ in range(times):
            if self._wire.is_closing():
                break
            await self._send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def hang(self, seconds: float) -> None:
        """Say nothing until the time is over or the client goes."""
        try:
            async with asyncio.timeout(seconds):
                await self._gone()
        except TimeoutError:
            await self.reset()

    async def reset(self) -> None:
        """Break the connection off as a machine does that knows nothing of it."""
        self._wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
        self._wire.abort()
        await self._gone()

    async def _begin(self, answer: Answer, length: int) -> None:
        others = [one for one in answer.headers if one[0] != b"content-length"]
        headers = [*others, (b"content-length", str(length).encode())]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue

    @property
    def _wire(self) -> asyncio.Transport:
        wire: asyncio.Transport = self._scope[_WIRE]
        return wire


Later = Callable[[float, Callable[[], Awaitable[object]]], None]
"""Has something done after so many seconds, whatever becomes of the connection."""
