"""Who we are, added to requests of the service that is to know it and to no others."""

import asyncio
import math
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import httpx

from engine.connectors.urls import origin
from engine.model.errors import ConfigError
from engine.model.masking import conceal

Text = str | Callable[[], str]
"""A token or password, or what looks it up."""

_MARGIN = 300.0
"""Seconds before its end at which a token is replaced; of one that lives shorter than twice as long, half its life."""
_AGAIN = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class EntraApp:
    """An application that gets its tokens from Microsoft Entra with a client secret (reference/apis.md section 1)."""

    token_url: str
    client_id: str
    scope: str
    secret: Text


@dataclass(frozen=True, slots=True, repr=False)
class WindowsUser:
    r"""A user of Windows, as DOMAIN\name, for NTLM."""

    name: str
    password: Text


Secret = Text | EntraApp | WindowsUser
"""A token or password, what looks it up, or another way to sign in."""


class SignInUnavailable(Exception):
    """Nobody could say who we are for now; what was to be sent was not."""


@dataclass(frozen=True, slots=True, repr=False)
class Pass:
    """The value of an Authorization header, and for how many seconds it is good."""

    header: str
    seconds: float = math.inf


Fetch = Callable[[], Awaitable[Pass]]


class OriginAuth(httpx.Auth):
    """Authorization for one origin.

    A pass is fetched once for all requests, again before it ends, and with `renewed` when the service does not take it.
    While it is still good, that no new one can be fetched hurts nobody.
    """

    def __init__(self, root: httpx.URL, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._origin = origin(root)
        self._fetch = fetch
        self._clock = clock
        self._header = ""
        self._due = self._end = -math.inf
        self._fetching = asyncio.Lock()

    def __repr__(self) -> str:
        """Never the secret."""
        return f"OriginAuth({self._origin!r})"

    async def ready(self) -> str:
        """The header; raises SignInUnavailable, AccessDenied when we are refused, ConnectionLost and ConfigError."""
        if self._clock() >= self._due:
            async with self._fetching:
                if self._clock() >= self._due:
                    await self._renew()
        return self._header

    async def renewed(self, request: httpx.Request) -> bool:
        """Whether there is another header than the one with which a request was refused; raises what `ready` raises."""
        used: str | None = request.headers.get("Authorization")
        if used is None:
            return False
        async with self._fetching:
            if self._header == used:  # else another request under way has fetched the new one
                await self._take()
        return self._header != used

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header where it belongs; raises what `ready` raises."""
        if origin(request.url) != self._origin:
            yield request
            return
        request.headers["Authorization"] = await self.ready()
        yield request

    async def _renew(self) -> None:
        try:
            await self._take()
        except SignInUnavailable:
            if self._clock() >= self._end:
                raise
            self._due = self._clock() + _AGAIN

    async def _take(self) -> None:
        found = await self._fetch()
        now = self._clock()
        self._header = found.header
        self._end = now + found.seconds
        self._due = now + max(found.seconds - _MARGIN, found.seconds / 2)


def by_token(secret: Text) -> Fetch:
    """A bearer token that is kept somewhere; raises ConfigError when it is no possible header value."""

    async def fetch() -> Pass:
        return Pass(bearer(await reveal(secret)))

    return fetch


def by_password(user: str, secret: Text) -> Fetch:
    """Basic authentication: a password, or the web service access key (reference/apis.md section 3)."""

    async def fetch() -> Pass:
        pair = b64encode(f"{user}:{await reveal(secret)}".encode()).decode()
        conceal(pair)
        return Pass(f"Basic {pair}")

    return fetch


async def reveal(secret: Text) -> str:
    """The secret, hidden in texts from now on; looking it up may take long, so it is done off the event loop."""
    found = (await asyncio.to_thread(secret) if callable(secret) else secret).strip()
    conceal(found)
    return found


def bearer(token: str) -> str:
    """The header for a token."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("The token is empty or has characters that no token has.", "Check where the secret is kept.")
    return f"Bearer {token}"
