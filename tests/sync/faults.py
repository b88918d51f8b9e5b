"""Things that go wrong between the engine and a server, put into the engine's own HTTP client.

A fault decides what becomes of one request: it may send it, or not, and it may give back what the server said, or not.
So the server has really done, or not done, what the engine cannot know.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Answer:
    """What the server said, read whole."""

    status: int
    headers: httpx.Headers
    body: bytes


Send = Callable[[], Awaitable[Answer]]
Fault = Callable[[Send], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Seen:
    """A request on its way."""

    side: str
    method: str
    path: str
    body: bytes

    @property
    def write(self) -> bool:
        return self.method != "GET"

    @property
    def creates(self) -> bool:
        """Whether it makes records, whatever else it does."""
        return self.path.endswith("CreateMultiple") or b"If-None-Match: *" in self.body or b'"POST"' in self.body


Plan = Callable[[Seen], Fault | None]


class Died(BaseException):
    """The engine is gone: it does nothing more, not even what its `except Exception` would do."""


class Life:
    """Counts what an engine does to the outside, and ends it at the step `die_at`. After that nothing works."""

    def __init__(self, die_at: int | None = None) -> None:
        self.steps: list[str] = []
        self._die_at = die_at

    @property
    def dead(self) -> bool:
        return self._die_at is not None and len(self.steps) >= self._die_at

    def step(self, name: str) -> None:
        """One thing that is about to be done, or has just been done."""
        if not self.dead:
            self.steps.append(name)
        if self.dead:
            raise Died(f"step {len(self.steps)}: {self.steps[-1]}")


async def died(work: Awaitable[object], step: int, steps: int) -> bool:
    """Whether an engine died at a step of as many as there were before.

    Its signs of life are steps too, and a busy machine has more of them: the last steps need not come again.
    """
    try:
        await work
    except Died:
        return True
    assert step > steps * 0.6, f"there is no step {step} of {steps} any more"
    return False


class Transport(httpx.AsyncBaseTransport):
    """The network of one side of one engine."""

    def __init__(self, side: str, plan: Plan, life: Life, log: list[Seen]) -> None:
        self._side = side
        self._plan = plan
        self._life = life
        self._log = log
        self._closed = False
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None, max_keepalive_connections=32))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        seen = Seen(self._side, request.method, request.url.path, await request.aread())
        self._log.append(seen)
        name = f"{self._side} {request.method} {request.url.path.rpartition('/')[2]}"
        self._life.step(f"before {name}")

        async def send() -> Answer:
            if not self._closed:
                return await _asked(self._inner, request)
            async with httpx.AsyncHTTPTransport() as later:  # what was sent outlives its engine
                return await _asked(later, request)

        fault = self._plan(seen)
        response = await (through if fault is None else fault)(send)
        self._life.step(f"after {name}")
        return response

    async def aclose(self) -> None:
        await asyncio.gather(*_zombies)  # what is on its way arrives, whoever waits for it
        await self._inner.aclose()
        self._closed = True


async def _asked(inner: httpx.AsyncBaseTransport, request: httpx.Request) -> Answer:
    response = await inner.handle_async_request(request)
    try:
        return Answer(response.status_code, response.headers, await response.aread())
    finally:
        await response.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes, error: Exception | None) -> None:
        self._content = content
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        if self._error is not None:
            raise self._error


def _response(status: int, headers: httpx.Headers, content: bytes, error: Exception | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=_Body(content, error))


# what may happen to a request


async def through(send: Send) -> httpx.Response:
    """Nothing."""
    answer = await send()
    return _response(answer.status, answer.headers, answer.body)


async def lost_before(_send: Send) -> httpx.Response:
    """The connection breaks before the server has read the request."""
    raise httpx.ReadError("reset")


async def lost_after(send: Send) -> httpx.Response:
    """The connection breaks when the server has done what was asked: the same exception as before."""
    await send()
    raise httpx.ReadError("reset")


async def refused(_send: Send) -> httpx.Response:
    """Nobody listens."""
    raise httpx.ConnectError("refused")


async def cut(send: Send) -> httpx.Response:
    """Half of the answer arrives, then the connection breaks."""
    answer = await send()
    half = answer.body[: len(answer.body) // 2]
    return _response(answer.status, answer.headers, half, httpx.RemoteProtocolError("incomplete body"))


async def shortened(send: Send) -> httpx.Response:
    """Half of the answer arrives as if it were all of it."""
    answer = await send()
    half = answer.body[: len(answer.body) // 2]
    headers = httpx.Headers({"Content-Type": answer.headers.get("content-type", ""), "Content-Length": str(len(half))})
    return _response(answer.status, headers, half)


async def twice(send: Send) -> httpx.Response:
    """Something between delivers the request a second time; the first answer comes back."""
    answer = await send()
    await send()
    return _response(answer.status, answer.headers, answer.body)


def answered(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Something between answers instead of the server."""

    async def fault(_send: Send) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return _response(status, httpx.Headers({"Content-Length": str(len(body)), **given}), body)

    return fault


def done_but(status: int, body: bytes = b"<html>") -> Fault:
    """The server does what was asked, and something between answers with an error."""

    async def fault(send: Send) -> httpx.Response:
        await send()
        return _response(status, httpx.Headers({"Content-Type": "text/html"}), body)

    return fault


def late(seconds: float) -> Fault:
    """The answer is lost, and the server does what was asked only some time later."""

    async def fault(send: Send) -> httpx.Response:
        async def deliver() -> None:
            await asyncio.sleep(seconds)
            await send()

        _zombies.add(task := asyncio.create_task(deliver()))
        task.add_done_callback(_zombies.discard)
        raise httpx.ReadError("reset")

    return fault


_zombies: set[asyncio.Task[None]] = set()


def meanwhile(action: Callable[[], object]) -> Fault:
    """Somebody else does something just before the server gets the request."""

    async def fault(send: Send) -> httpx.Response:
        await asyncio.to_thread(action)
        return await through(send)

    return fault


# which requests it happens to


def no_faults(_seen: Seen) -> Fault | None:
    """None."""
    return None


def at(side: str, matches: Callable[[Seen], bool], *faults: Fault | None) -> Plan:
    """The faults, in order, for the first requests of a side that match."""
    left = list(faults)

    def plan(seen: Seen) -> Fault | None:
        return left.pop(0) if left and seen.side == side and matches(seen) else None

    return plan


def always(side: str, matches: Callable[[Seen], bool], fault: Fault) -> Plan:
    """The fault for every request of a side that matches."""
    return lambda seen: fault if seen.side == side and matches(seen) else None


def creating(seen: Seen) -> bool:
    """Requests that make records."""
    return seen.creates


def posting(seen: Seen) -> bool:
    """Requests that make records in NAV, one by one or in a batch."""
    return seen.method == "POST"


def writing(seen: Seen) -> bool:
    """Requests that write."""
    return seen.write


def bulk(seen: Seen) -> bool:
    """CreateMultiple."""
    return seen.path.endswith("CreateMultiple")


def batch(seen: Seen) -> bool:
    """$batch."""
    return seen.path.endswith("$batch")


def reading(name: str) -> Callable[[Seen], bool]:
    """Reads of an entity."""
    return lambda seen: not seen.write and seen.path.endswith(f"/{name}")
