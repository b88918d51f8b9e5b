"""Microsoft Entra's token endpoint, for one directory and one application (reference/apis.md sections 1 and 3)."""

import hmac
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

import msgspec

TENANT = "sandbox.onmicrosoft.com"
CLIENT_ID = "5a9db0c5-0000-4000-8000-000000000001"
LIFETIME = 3599
_DEFAULT = "/.default"


class _RefusedError(Exception):
    """A request that gets no token: HTTP status, OAuth error, and what comes after AADSTS."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.number = number
        self.text = text


@dataclass(frozen=True, slots=True)
class _Token:
    resource: str
    until: float


class Entra:
    """Gives tokens to the application that knows `secret`, and knows those that it gave.

    `resources` are the services a token can be for, by their addresses. `clock` counts seconds.
    """

    def __init__(self, secret: str, *, lifetime: int = LIFETIME, clock: Callable[[], float] = time.monotonic) -> None:
        self.resources: set[str] = set()
        self.given = 0
        self._secret = secret
        self._lifetime = lifetime
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    def answer(self, tenant: str, form: str) -> tuple[int, bytes]:
        """Status and body for a request to `/{tenant}/oauth2/v2.0/token`."""
        try:
            resource = self._asked(tenant, {name: values[0] for name, values in parse_qs(form).items()})
        except _RefusedError as refused:
            return refused.status, _problem(refused)
        token = secrets.token_urlsafe(96)
        self._tokens[token] = _Token(resource, self._clock() + self._lifetime)
        self.given += 1
        seconds = {"expires_in": self._lifetime, "ext_expires_in": self._lifetime}
        return 200, msgspec.json.encode({"token_type": "Bearer", **seconds, "access_token": token})

    def accepts(self, token: str, resource: str) -> bool:
        """Whether a token was given for this service and still holds."""
        found = self._tokens.get(token)
        return found is not None and found.resource == resource and self._clock() < found.until

    def forget(self) -> None:
        """Take back all tokens, as when the secret was changed."""
        self._tokens.clear()

    def _asked(self, tenant: str, form: dict[str, str]) -> str:
        for name in ("grant_type", "client_id", "client_secret", "scope"):
            if name not in form:
                missing = 7000218 if name == "client_secret" else 900144
                text = f"The request body must contain the following parameter: '{name}'."
                raise _RefusedError(401 if name == "client_secret" else 400, "invalid_request", missing, text)
        if tenant != TENANT:
            raise _RefusedError(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{form['grant_type']}'."
            raise _RefusedError(400, "unsupported_grant_type", 70003, text)
        if form["client_id"] != CLIENT_ID:
            text = f"Application with identifier '{form['client_id']}' was not found in the directory '{tenant}'."
            raise _RefusedError(400, "unauthorized_client", 700016, text)
        if not hmac.compare_digest(form["client_secret"].encode(), self._secret.encode()):
            raise _RefusedError(
                401, "invalid_client", 7000215, f"Invalid client secret provided for app '{CLIENT_ID}'."
            )
        if not form["scope"].endswith(_DEFAULT):
            text = f"The provided value for scope {form['scope']} is not valid: it must end with /.default."
            raise _RefusedError(400, "invalid_scope", 1002012, text)
        resource = form["scope"].removesuffix(_DEFAULT).rstrip("/")
        resource = resource.replace("://localhost:", "://127.0.0.1:")  # both are names of this machine
        if resource not in self.resources:
            text = f"The resource principal named {resource} was not found in the tenant named {tenant}."
            raise _RefusedError(400, "invalid_resource", 500011, text)
        return resource


def _problem(refused: _RefusedError) -> bytes:
    trace, correlation, now = uuid.uuid4(), uuid.uuid4(), f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
    return msgspec.json.encode(
        {
            "error": refused.error,
            "error_description": f"AADSTS{refused.number}: {refused.text}\r\nTrace ID: {trace}\r\n"
            f"Correlation ID: {correlation}\r\nTimestamp: {now}",
            "error_codes": [refused.number],
            "timestamp": now,
            "trace_id": str(trace),
            "correlation_id": str(correlation),
        }
    )
