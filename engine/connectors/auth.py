"""The secret, added to requests of its own service and to no others."""

from base64 import b64encode
from collections.abc import Callable, Generator

import httpx

from engine.connectors.urls import origin
from engine.model.errors import ConfigError

Secret = str | Callable[[], str]
"""A token or password, or what gives one that is fresh."""


class OriginAuth(httpx.Auth):
    """Authorization for one origin. Basic with a user, Bearer without (reference/apis.md sections 1 and 3)."""

    def __init__(self, root: httpx.URL, secret: Secret, user: str = "") -> None:
        self._origin = origin(root)
        self._secret = secret
        self._user = user

    def __repr__(self) -> str:
        """Never the secret."""
        return f"OriginAuth({self._origin!r})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header where it belongs; raises ConfigError when the secret is no possible header value."""
        if origin(request.url) == self._origin:
            request.headers["Authorization"] = self._value()
        yield request

    def _value(self) -> str:
        secret = (self._secret if isinstance(self._secret, str) else self._secret()).strip()
        if self._user:
            return "Basic " + b64encode(f"{self._user}:{secret}".encode()).decode()
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigError(
                "The token is empty or has characters that no token has.", "Check where the secret is kept."
            )
        return f"Bearer {secret}"
