"""In front of a server: ways to sign in that the real services have. Behind it, everyone bears the sandbox's token."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from typing import Protocol, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import asgi, ntlm
from sandbox.asgi import Header
from sandbox.entra import TENANT, Entra

WAYS = ("token", "basic", "ntlm", "entra")
CRM_WAYS = ("token", "ntlm", "entra")
DOMAIN = "SANDBOX"
USER = "sandbox"
"""The user of Basic and NTLM; the token is the password."""

_TOKEN_PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
_CONNECTIONS = 1000

_Value = TypeVar("_Value")


class Way(Protocol):
    """A way to sign in."""

    def admits(self, scope: Scope, authorization: str) -> bool:
        """Whether a request comes from who may ask."""
        ...

    def asks(self, scope: Scope, authorization: str) -> list[Header]:
        """The headers of a 401."""
        ...


class TokenFor:
    """A bearer token of Entra for one service."""

    def __init__(self, entra: Entra, resource: str) -> None:
        self._entra = entra
        self._resource = resource

    def admits(self, scope: Scope, authorization: str) -> bool:
        """A token that was given for this service and holds."""
        del scope
        kind, _, token = authorization.partition(" ")
        return kind.lower() == "bearer" and self._entra.accepts(token.strip(), self._resource)

    def asks(self, scope: Scope, authorization: str) -> list[Header]:
        """Where to get a token."""
        del authorization
        host = asgi.header(scope, b"host")
        place = f"Bearer authorization_uri={scope['scheme']}://{host}/{TENANT}/oauth2/authorize, "
        return [(b"www-authenticate", f"{place}resource_id={self._resource}/".encode("latin-1"))]


class Password:
    """Basic: a user and a password or web service access key."""

    def __init__(self, password: str) -> None:
        self._value = b64encode(f"{USER}:{password}".encode()).decode()

    def admits(self, scope: Scope, authorization: str) -> bool:
        """The user with the password."""
        del scope
        kind, _, value = authorization.partition(" ")
        return kind.lower() == "basic" and value.strip() == self._value

    def asks(self, scope: Scope, authorization: str) -> list[Header]:
        """For a user."""
        del scope, authorization
        return [(b"www-authenticate", b'Basic realm="Sandbox"')]


class Windows:
    """NTLM. A connection stays signed in unless `each` request has to be, as HttpListener does it."""

    def __init__(self, password: str, *, each: bool = False) -> None:
        self._account = ntlm.Account(DOMAIN, USER, password)
        self._each = each
        self._challenges: OrderedDict[object, bytes] = OrderedDict()
        self._known: OrderedDict[object, bool] = OrderedDict()
        self.handshakes = 0

    def admits(self, scope: Scope, authorization: str) -> bool:
        """A connection that is signed in, or signs in with this request."""
        connection = scope["client"]
        message = _message(authorization)
        if message is None:
            return connection in self._known and not self._each
        challenge = self._challenges.pop(connection, None)
        if challenge is None or not ntlm.is_right(message, challenge, self._account):
            self._known.pop(connection, None)
            return False
        self.handshakes += 1
        _keep(self._known, connection, value=True)
        return True

    def asks(self, scope: Scope, authorization: str) -> list[Header]:
        """For a handshake, or the challenge of one that was begun."""
        message = _message(authorization)
        if message is None or not ntlm.is_negotiate(message):
            return [(b"www-authenticate", b"NTLM")]
        challenge = ntlm.new_challenge()
        _keep(self._challenges, scope["client"], challenge)
        return [(b"www-authenticate", b"NTLM " + b64encode(ntlm.challenge_message(challenge, DOMAIN)))]


class SignIn:
    """Lets those in who sign in by `way`, as bearers of `token`; without one, the server looks who bears it.

    Answers for Entra's token endpoint too.
    """

    def __init__(self, app: ASGIApp, token: str, way: Way | None, entra: Entra) -> None:
        self._app = app
        self._token = token
        self.way = way
        self._entra = entra

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        tenant = _TOKEN_PATH.fullmatch(scope["path"])
        if tenant is not None:
            status, body = self._entra.answer(tenant[1], (await asgi.read_body(receive)).decode("latin-1"))
            await asgi.answer(send, status, body, [(b"cache-control", b"no-store")])
            return
        if self.way is None:
            await self._app(scope, receive, send)
            return
        authorization = asgi.header(scope, b"authorization")
        if self.way.admits(scope, authorization):
            kept = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
            bearer = (b"authorization", f"Bearer {self._token}".encode())
            await self._app({**scope, "headers": [*kept, bearer]}, receive, send)
            return
        asked = self.way.asks(scope, authorization)
        kept = [(name, value) for name, value in scope["headers"] if name != b"authorization"]

        async def ask(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                message = {**message, "headers": [*message["headers"], *asked]}
            await send(message)

        # the server refuses in its own words who bears no token
        await self._app({**scope, "headers": kept}, receive, ask)


def _message(authorization: str) -> bytes | None:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "ntlm":
        return None
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        return b""


def _keep(held: OrderedDict[object, _Value], key: object, value: _Value) -> None:
    held[key] = value
    while len(held) > _CONNECTIONS:
        held.popitem(last=False)
