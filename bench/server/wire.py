"""HTTP/1.1 with keep-alive on an asyncio transport; only what the contenders of the benchmark send."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

_JSON = b"application/json; odata.metadata=minimal"
_OWN = b"/bench/"
"""What the benchmark asks itself, which is not counted."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `target` is as it was sent, percent-encoded."""

    method: bytes
    target: bytes
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The value of a header, blank when it is not there; `name` is lower-case."""
        start = self.head.lower().find(b"\r\n" + name + b":")
        return self.head[start + len(name) + 3 :].split(b"\r\n", 1)[0].strip() if start >= 0 else b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; `headers` are whole lines, each with its end."""

    body: bytes = b""
    status: int = 200
    content_type: bytes = _JSON
    headers: bytes = b""


@dataclass(slots=True)
class Traffic:
    """What went over the wire: requests, and bytes of heads and bodies."""

    requests: int = 0
    received: int = 0
    sent: int = 0


class Wire(asyncio.Protocol):
    """One connection. `answer` is asked for each request; what it says is sent `delay` seconds later."""

    def __init__(self, answer: Callable[[Request], Answer], traffic: Traffic, delay: float) -> None:
        self._answer = answer
        self._traffic = traffic
        self._delay = delay
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a piece; large bodies come in many, which are joined once."""
        self._pieces.append(data)
        self._have += len(data)
        while self._have and self._have >= self._need:
            whole = b"".join(self._pieces)
            end = whole.find(b"\r\n\r\n")
            if end < 0:
                self._pieces = [whole]
                return
            head = whole[:end]
            self._need = end + 4 + _length(head)
            if self._have < self._need:
                self._pieces = [whole]
                if b"100-continue" in head.lower():
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            rest = whole[self._need :]
            self._serve(head, whole[end + 4 : self._need])
            self._pieces, self._have, self._need = [rest], len(rest), 0

    def _serve(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        answer = self._answer(Request(method, target, head, body))
        lines = b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nDate: %s\r\nOData-Version: 4.0\r\n%s\r\n"
        phrase = HTTPStatus(answer.status).phrase.encode()
        start = lines % (answer.status, phrase, answer.content_type, len(answer.body), _date(), answer.headers)
        if not target.startswith(_OWN):
            self._traffic.requests += 1
            self._traffic.received += len(head) + 4 + len(body)
            self._traffic.sent += len(start) + len(answer.body)
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._send, start, answer.body)
        else:
            self._send(start, answer.body)

    def _send(self, start: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.writelines((start, body))


def _length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    return int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0


_now = (0, b"")


def _date() -> bytes:
    global _now  # noqa: PLW0603 - formatted once a second
    second = int(time.time())
    if _now[0] != second:
        _now = (second, formatdate(second, usegmt=True).encode())
    return _now[1]
