"""In front of a server: how long requests take, and how many one user may make."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import asgi
from sandbox.asgi import Header
from sandbox.limits import Meter, Refusal, Rules
from sandbox.odata.errors import ODataError

Body = Callable[[ODataError], bytes]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that a request takes, and each record in it or in its answer."""

    request: float = 0.0
    record: float = 0.0


class _Lists(msgspec.Struct):
    """The records in a body: of a bulk message, of a JSON batch, of a page."""

    Targets: list[msgspec.Raw] = []
    requests: list[msgspec.Raw] = []
    value: list[msgspec.Raw] = []


class Throttle:
    """Lets an application take its time, and puts off users who exceed `rules`.

    A user is who the Authorization header names. `error` writes an error body as the server of the application does.
    """

    def __init__(
        self,
        app: ASGIApp,
        error: Body,
        *,
        rules: Rules | None = None,
        latency: Latency = Latency(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._error = error
        self._rules = rules
        self._latency = latency
        self._clock = clock
        self._turns: dict[str, asyncio.Semaphore] = {}
        self.meters: dict[str, Meter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._rules is None:
            await self._served(scope, receive, send, None)
            return
        user = asgi.header(scope, b"authorization")
        meter = self.meters.setdefault(user, Meter(self._rules, self._clock))
        refusal = meter.arrive()
        if refusal is not None:
            await self._refuse(receive, send, meter, refusal)
            return
        turn = self._turns.setdefault(user, asyncio.Semaphore(self._rules.concurrent))
        seconds = 0.0
        try:
            async with asyncio.timeout(self._rules.patience or None) as waiting, turn:
                waiting.reschedule(None)
                seconds = await self._served(scope, receive, send, meter)
        except TimeoutError:
            problem = ODataError(503, "Unknown", "The request waited too long for its turn.")
            await asgi.answer(send, problem.status, self._error(problem))
        finally:
            meter.leave(seconds)

    async def _served(self, scope: Scope, receive: Receive, send: Send, meter: Meter | None) -> float:
        """Serve a request; how long it was executed."""
        started = self._clock()
        content = await asgi.read_body(receive)
        said: list[Message] = []

        async def again() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def keep(message: Message) -> None:
            said.append(message)

        await self._app(scope, again, keep)
        answer = b"".join(message.get("body", b"") for message in said)
        takes = self._latency.request + self._latency.record * max(_records(content), _records(answer))
        seconds = self._clock() - started + takes
        if takes:
            await asyncio.sleep(takes)
        for message in said:
            if message["type"] == "http.response.start" and meter is not None:
                # the request itself is noted when it has been answered, so that it has to be counted here
                message["headers"] = [*message["headers"], *_left(meter, seconds)]
            await send(message)
        return seconds

    async def _refuse(self, receive: Receive, send: Send, meter: Meter, refusal: Refusal) -> None:
        await asgi.read_body(receive)
        headers = _left(meter, 0.0)
        if meter.rules.tells:
            headers.append((b"retry-after", str(refusal.retry_after).encode()))
            problem = ODataError(429, refusal.code, refusal.message)
        else:
            problem = ODataError(429, "TooManyRequests", "Too many requests reached. Please try again later.")
        await asgi.answer(send, problem.status, self._error(problem), headers)


def _left(meter: Meter, seconds: float) -> list[Header]:
    if not meter.rules.tells:
        return []
    return [
        (b"x-ms-ratelimit-burst-remaining-xrm-requests", str(meter.requests_left).encode()),
        (b"x-ms-ratelimit-time-remaining-xrm-requests", f"{max(0.0, meter.seconds_left - seconds):,.2f}".encode()),
    ]


def _records(content: bytes) -> int:
    """How many records a body holds, whichever kind it is; a multipart batch has one an operation."""
    if content.startswith(b"--"):
        return content.count(b"Content-Type: application/http")
    try:
        lists = msgspec.json.decode(content, type=_Lists)
    except msgspec.MsgspecError:
        return 0
    return max(len(lists.Targets), len(lists.requests), len(lists.value))
