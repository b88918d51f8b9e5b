"""What may happen to a request, and how likely it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import httpx

_ROW = re.compile(rb"(\w+)\(([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\)")


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent; `life` is the number of the engine that sent it."""

    side: str
    method: str
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    life: int = 0

    @property
    def path(self) -> str:
        """The last part of the path: an entity, `$batch`, CreateMultiple."""
        return self.target.partition(b"?")[0].rpartition(b"/")[2].decode("latin-1")

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def batch(self) -> bool:
        return self.path == "$batch"

    @property
    def creates(self) -> bool:
        """Whether it may make records."""
        return b'"POST"' in self.body or (self.method == "POST" and not self.batch)

    @property
    def content_type(self) -> str:
        return next(value.decode() for name, value in self.headers if name.lower() == b"content-type")

    def rows(self) -> list[tuple[str, str]]:
        """The records that it changes, as set and id."""
        if not self.writes or (b"PATCH" not in self.body and self.method != "PATCH"):
            return []
        return [(name.decode(), id.decode()) for name, id in _ROW.findall(self.target + b"\n" + self.body)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Weather:
    """Which faults there are, and how likely a write, and a read, meets one."""

    kinds: Sequence[str] = ()
    writes: float = 0.0
    reads: float = 0.0

    def pick(self, random: Random, request: Request) -> str:
        """What happens to a request; blank when nothing does."""
        if random.random() >= (self.writes if request.writes else self.reads):
            return ""
        kinds = [kind for kind in self.kinds if _possible(kind, request)]
        return random.choice(kinds) if kinds else ""


CALM = Weather()
FAULTS = (
    "refused", "lost", "answer lost", "late", "throttled", "put off", "unavailable", "done but 500", "cut", "shortened",
    "half a batch", "part missing", "parts out of order", "delivered twice", "slow", "denied", "meanwhile edited",
)  # fmt: skip

UNHEARD = {"answer lost", "done but 500", "cut", "shortened", "part missing"}
"""What a server does, and an engine is not told of, or not of all."""

UNTOLD = UNHEARD | {"late", "lost", "half a batch", "unavailable"}
"""After what an engine cannot know whether something was done."""


def _possible(kind: str, request: Request) -> bool:
    match kind:
        case "half a batch" | "part missing":
            return request.batch
        case "parts out of order":
            return request.batch and request.side == "nav"
        case "late":
            return request.writes
        case "delivered twice":
            return request.side == "crm" or not request.creates  # NAV makes two records of it, and nobody can help that
        case "meanwhile edited":
            return bool(request.rows())
        case _:
            return True


def before(kind: str, random: Random) -> Answer | Exception | None:
    """What comes of a request that no server gets to."""
    match kind:
        case "refused":
            return httpx.ConnectError("refused")
        case "lost":
            return httpx.ReadError("reset")
        case "throttled":
            wait = random.choice(
                ({}, {"retry-after": "1"}, {"retry-after": "date"}, {"retry-after": "-5"}, {"retry-after": "soon"})
            )
            return Answer(
                429, {"content-type": "application/json", **wait}, b'{"error":{"code":"0x80072322","message":"slow"}}'
            )
        case "put off":
            return Answer(503, {"content-type": "text/html", "retry-after": "2"}, b"<html>later</html>")
        case "unavailable":
            return Answer(random.choice((502, 503, 504, 408)), {"content-type": "text/html"}, b"<html>none</html>")
        case "denied":
            return Answer(401, {"content-type": "application/json"}, b"{}")
        case _:
            return None
