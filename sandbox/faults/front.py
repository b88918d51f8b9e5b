"""In front of a server: now and then, something goes wrong."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from random import Random

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import asgi
from sandbox.faults.exchange import Exchange
from sandbox.faults.kinds import KINDS

USUAL = 0.02
"""How likely a request that a fault can befall meets it."""
OF_ALL = 0.005
"""How likely it meets each, where all of them may befall it."""


def read_faults(text: str) -> dict[str, float]:
    """How likely each fault is, from `late,reset-after:0.1`, or `all`; raises ValueError with what is wrong."""
    chances: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, colon, chance = part.partition(":")
        if name not in (*KINDS, "all"):
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(KINDS)}, and all of them")
        usual = OF_ALL if name == "all" else USUAL
        likely = _chance(chance) if colon else usual
        chances |= dict.fromkeys(KINDS if name == "all" else (name,), likely)
    return chances


def _chance(text: str) -> float:
    try:
        chance = float(text)
    except ValueError:
        chance = -1.0
    if not 0 <= chance <= 1:
        raise ValueError(f"{text!r} is not a probability between 0 and 1")
    return chance


class Faults:
    """Lets faults befall requests to an application; `happened` counts them."""

    def __init__(self, app: ASGIApp, chances: Mapping[str, float], seed: int) -> None:
        self.happened: Counter[str] = Counter()
        self._app = app
        self._chances = chances
        self._random = Random(seed)  # noqa: S311 - nothing secret
        self._coming: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        body = await asgi.read_body(receive)
        one = Exchange(self._app, scope, receive, send, body, self._random, self._later)
        name = self._picked(one)
        if not name:
            await one.give(await one.serve())
            return
        self.happened[name] += 1  # before the client sees it
        await KINDS[name].happen(one)
        self.happened[name] -= one.spared

    def calm(self) -> None:
        """From now on, nothing goes wrong any more."""
        self._chances = {}

    def _picked(self, one: Exchange) -> str:
        """The fault that befalls a request; blank when none does."""
        draw = self._random.random()
        for name, chance in self._chances.items():
            if KINDS[name].fits(one):
                if draw < chance:
                    return name
                draw -= chance
        return ""

    def _later(self, seconds: float, call: Callable[[], Awaitable[object]]) -> None:
        async def come() -> None:
            await asyncio.sleep(seconds)
            await call()

        task = asyncio.create_task(come())
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)
