"""The network between an engine and both servers: what a request meets on its way, and what may happen to it.

A request is an event of the world. The server gets to it, or not, whatever has become of the engine that sent it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import httpx
from starlette.applications import Starlette

from sandbox.faults.bodies import halved, part_missing, shuffled
from tests.sim.agenda import Agenda, Event
from tests.sim.faults import CALM, UNHEARD, Answer, Request, before
from tests.sim.life import Life
from tests.sim.log import Log, Sent

BOUND = 20.0
"""Seconds after which no server gets to a request any more; the engine is told so (`settle_wait`)."""
_NEAR = 0.03
_FAR = 2.5


class Server:
    """One of the sandbox's servers, driven without a socket: a request is handled at once and as a whole."""

    def __init__(self, app: Starlette, clock: Callable[[], datetime], log: Log) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    def handle(self, request: Request, *, heard: bool = True) -> Answer:
        """Do what is asked, and answer; `heard` tells whether the answer will arrive."""
        path, _, query = request.target.partition(b"?")
        scope = {
            "type": "http", "http_version": "1.1", "method": request.method, "scheme": "http", "root_path": "",
            "path": path.decode("latin-1"), "raw_path": path, "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers],
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        said: list[dict[str, Any]] = []
        self._log.life, self._log.heard = request.life, heard

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        _to_its_end(self._app(scope, receive, send))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in said[0]["headers"]}
        headers["date"] = format_datetime(self._clock().replace(microsecond=0), usegmt=True)
        return Answer(said[0]["status"], headers, b"".join(one.get("body", b"") for one in said[1:]))


def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    try:
        work.send(None)
    except StopIteration:
        return
    raise RuntimeError("the server waits for something")


class Network:
    """Carries the requests of engines, one life after the other."""

    def __init__(
        self,
        agenda: Agenda,
        servers: Mapping[str, Server],
        random: Random,
        tell: Callable[[str], None],
        edit: Callable[[str, str, str], None],
        log: Log,
    ) -> None:
        self.weather = CALM
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self.at_contacts: list[Callable[[], None]] = []
        """What people do when contacts of CRM are read, after the accounts."""
        self._agenda = agenda
        self._servers = servers
        self._random = random
        self._tell = tell
        self._edit = edit
        self._log = log
        self._under_way: dict[Event, Request] = {}

    def abandon(self) -> None:
        """The engine is gone: some of what it sent gets lost, some arrives, some arrives late."""
        for event, request in list(self._under_way.items()):
            fate = self._random.random()
            if fate < 0.6:
                event.call_off()
                del self._under_way[event]
            if fate >= 0.3 and request.writes:
                late = fate < 0.6
                self._tell(f"  {_named(request)} of the dead engine {'is going to arrive late' if late else 'arrives'}")
                if late:
                    self._later(request, self._random.random() * BOUND)

    async def carry(self, life: Life, request: Request) -> Answer:
        """Bring a request to its server and back; raises what httpx raises for a fault."""
        life.check()
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Answer] = loop.create_future()
        self.requests += 1
        if self.at_contacts and (request.side, request.path, request.method) == ("crm", "contacts", "GET"):
            self.at_contacts.pop()()
        kind = self.weather.pick(self._random, request)
        self._log.sent += [Sent(len(self._log.lines), id, life.number, kind) for _, id in request.rows()]
        if kind:
            self.faults[kind] += 1
        if kind or request.writes:
            self._tell(f"  {_named(request)}{f': {kind}' if kind else ''}")
        if kind == "meanwhile edited":
            self._edit(request.side, *self._random.choice(request.rows()))

        def come(found: Answer | Exception) -> None:
            if life.dead or coming.done():
                return
            if isinstance(found, Exception):
                coming.set_exception(found)
            else:
                coming.set_result(found)

        life.mark(write=request.writes)
        there, back = self._distance(kind), self._distance(kind)
        if (early := before(kind, self._random)) is not None:
            self._agenda.after(
                there + back, lambda: come(early if isinstance(early, Exception) else self._dated(early, request))
            )
        elif kind == "late":
            self._later(request, self._random.random() * BOUND)
            self._agenda.after(there + back, lambda: come(httpx.ReadTimeout("no answer")))
        else:

            def arrive() -> None:
                answer = self._handled(request, kind)
                life.mark(write=request.writes)
                if kind == "delivered twice":
                    self._later(request, self._random.random())
                self._agenda.after(back, lambda: come(self._afterwards(kind, answer)))

            self._on_its_way(request, there, arrive)
        try:
            return await coming
        finally:
            life.check()

    def _distance(self, kind: str) -> float:
        return self._random.random() * (_FAR if kind in ("slow", "late") else _NEAR)

    def _on_its_way(self, request: Request, seconds: float, arrive: Callable[[], None]) -> None:
        def happen() -> None:
            self._under_way.pop(event, None)
            arrive()

        event = self._agenda.after(seconds, happen)
        self._under_way[event] = request

    def _later(self, request: Request, seconds: float) -> None:
        def arrive() -> None:
            answer = self._servers[request.side].handle(request, heard=False)
            self._tell(f"  {_named(request)} arrives now: {answer.status}")

        self._agenda.after(seconds, arrive)

    def _handled(self, request: Request, kind: str) -> Answer:
        server = self._servers[request.side]
        if kind != "half a batch":
            return server.handle(request, heard=kind not in UNHEARD)
        half = replace(request, body=halved(request.content_type, request.body, self._random))
        answer = server.handle(half, heard=False)
        return Answer(503, {**answer.headers, "content-type": "text/html"}, b"<html>busy</html>")

    def _afterwards(self, kind: str, answer: Answer) -> Answer | Exception:
        match kind:
            case "answer lost":
                return httpx.ReadError("reset")
            case "done but 500":
                return Answer(500, {**answer.headers, "content-type": "text/html"}, b"<html>oh</html>")
            case "cut":
                return httpx.RemoteProtocolError("incomplete body")
            case "shortened":
                return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
            case "part missing" if answer.status == 200:
                return replace(answer, body=part_missing(answer.headers["content-type"], answer.body, self._random))
            case "parts out of order" if answer.status == 200:
                return replace(answer, body=shuffled(answer.body, self._random))
            case _:
                return answer

    def _dated(self, answer: Answer, request: Request) -> Answer:
        now = self._servers[request.side]._clock()
        headers = {"date": format_datetime(now.replace(microsecond=0), usegmt=True), **answer.headers}
        if headers.get("retry-after") == "date":
            headers["retry-after"] = format_datetime((now + timedelta(seconds=2)).replace(microsecond=0), usegmt=True)
        return Answer(answer.status, headers, answer.body)


class Transport(httpx.AsyncBaseTransport):
    """The network, as the engine's own HTTP client sees it."""

    def __init__(self, side: str, network: Network, life: Life) -> None:
        self._side = side
        self._network = network
        self._life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request."""
        body, number = await request.aread(), self._life.number
        sent = Request(self._side, request.method, request.url.raw_path, request.headers.raw, body, number)
        answer = await self._network.carry(self._life, sent)
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return httpx.Response(answer.status, headers=headers, stream=_Body(answer.body))


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def _named(request: Request) -> str:
    return f"{request.side} {request.method} {request.path}"
