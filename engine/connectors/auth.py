"""The secret, added to requests of its own service and to no others."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable

import httpx

from engine.connectors.urls import origin
from engine.model.errors import ConfigError

Secret = str | Callable[[], str]
"""A token or password, or what gives one that is fresh."""


class OriginAuth(httpx.Auth):
    """Authorization for one origin. Basic with a user, Bearer without (reference/apis.md sections 1 and 3).

    A secret that has to be fetched is fetched once, off the event loop, and again when the service does not take it.
    """

    def __init__(self, root: httpx.URL, secret: Secret, user: str = "") -> None:
        self._origin = origin(root)
        self._secret = secret
        self._user = user
        self._header = ""

    def __repr__(self) -> str:
        """Never the secret."""
        return f"OriginAuth({self._origin!r})"

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header where it belongs; raises ConfigError when the secret is no possible header value."""
        if origin(request.url) != self._origin:
            yield request
            return
        used = self._header or await self._fetch()
        request.headers["Authorization"] = used
        response = yield request
        if response.status_code == 401 and callable(self._secret):
            # one of the requests under way fetches the new one; a 401 was not processed, so a repeat is safe
            fresh = self._header if self._header != used else await self._fetch()
            if fresh != used:
                request.headers["Authorization"] = fresh
                yield request

    async def _fetch(self) -> str:
        secret = await asyncio.to_thread(self._secret) if callable(self._secret) else self._secret
        self._header = self._value(secret.strip())
        return self._header

    def _value(self, secret: str) -> str:
        if self._user:
            return "Basic " + b64encode(f"{self._user}:{secret}".encode()).decode()
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigError(
                "The token is empty or has characters that no token has.", "Check where the secret is kept."
            )
        return f"Bearer {secret}"
