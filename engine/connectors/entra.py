"""Tokens from Microsoft Entra by client credentials (reference/apis.md sections 1 and 3, Auth)."""

import asyncio
import re
from typing import Any

import httpx

from engine.connectors import body, urls
from engine.connectors.auth import EntraApp, Fetch, Pass, SignInUnavailable, bearer, reveal
from engine.connectors.tls import certificate_hint, certificate_problem, trusting
from engine.model.errors import AccessDenied, ConnectionLost
from engine.model.masking import conceal, mask

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LIMIT = 256 * 1024
_CODE = re.compile(r"AADSTS\d{2,9}")
_LONGEST = 200
_HINTS = {
    "AADSTS700016": "Check client_id and tenant: no application with this id is registered there.",
    "AADSTS7000215": "Use the value of the client secret, not its id.",
    "AADSTS7000222": "The client secret has expired: make a new one in Entra and store it where the secret is kept.",
    "AADSTS90002": "Check tenant: Entra knows no directory of this name.",
    "AADSTS900023": "Check tenant: it is no name and no id of a directory.",
    "AADSTS500011": "Check scope: it begins with the address of the service, and the directory knows that service.",
    "AADSTS1002012": "Check scope: it must end with /.default.",
    "AADSTS7000112": "The application is disabled in Entra; have it enabled.",
    "AADSTS53003": "Conditional access in Entra does not let this application in from here.",
}
_HINT = "Check tenant, client_id, scope and the client secret."
_PASSES = frozenset({"temporarily_unavailable", "server_error"})


def by_client_credentials(app: EntraApp, ca_file: str | None = None, *, longest: float = 60.0) -> Fetch:
    """A token for the application; raises ConfigError when the address of the token endpoint must not be used.

    `ca_file` is trusted besides the authorities that the system trusts, `longest` how many seconds an answer may take
    however it trickles in. What is fetched raises AccessDenied when Entra
    refuses, ConnectionLost when its certificate cannot be trusted, and SignInUnavailable when it cannot be asked.
    """
    url = urls.service_root(app.token_url)
    tls = trusting(url, ca_file, also=True)

    async def fetch() -> Pass:
        form = {
            "grant_type": "client_credentials",
            "client_id": app.client_id,
            "client_secret": await reveal(app.secret),
            "scope": app.scope,
        }
        try:
            async with (
                asyncio.timeout(longest),
                httpx.AsyncClient(
                    verify=tls,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=_TIMEOUT,
                    headers={"User-Agent": "Coupler"},
                ) as http,
            ):
                request = http.build_request("POST", url, data=form, headers={"Accept": "application/json"})
                response = await http.send(request, stream=True)
                try:
                    content = body.decode(await body.read(response, _LIMIT))
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise SignInUnavailable(
                f"no token: {urls.shown(url)} gives no whole answer within {longest:g} s"
            ) from error
        except httpx.TransportError as error:
            if (problem := certificate_problem(error)) is not None:
                raise ConnectionLost(
                    f"No token: {urls.shown(url)} has no certificate that can be trusted: {problem}.",
                    certificate_hint(error),
                ) from error
            reason = mask(str(error)) or type(error).__name__
            raise SignInUnavailable(f"no token: {urls.shown(url)} cannot be reached ({reason})") from error
        except (body.Malformed, body.TooLarge, httpx.InvalidURL) as error:
            raise SignInUnavailable(f"no token: {urls.shown(url)} does not answer as a token endpoint") from error
        return _token(url, app, response.status_code, content if isinstance(content, dict) else {})

    return fetch


def _token(url: httpx.URL, app: EntraApp, status: int, content: dict[str, Any]) -> Pass:
    if status == 200:
        token, seconds = content.get("access_token"), content.get("expires_in")
        if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 10:
            seconds = int(seconds)  # what older token endpoints say
        if isinstance(token, str) and isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0:
            conceal(token)
            return Pass(bearer(token), float(seconds))
        raise SignInUnavailable(f"no token: {urls.shown(url)} answers without one")
    error = content.get("error")
    if status == 429 or status >= 500 or (isinstance(error, str) and error in _PASSES):
        raise SignInUnavailable(f"no token: {urls.shown(url)} answers {status}")
    if not isinstance(error, str):
        # whoever gives tokens says in one word why not (RFC 6749 section 5.2)
        raise AccessDenied(f"{urls.shown(url)} is no token endpoint: it answers {status}.", "Check token_url.")
    said = content.get("error_description")
    lines = said.splitlines() if isinstance(said, str) and said.strip() else [error]
    text = mask(lines[0])[:_LONGEST]
    code = _CODE.search(text)
    raise AccessDenied(
        f"{urls.shown(url)} gives no token for the application {app.client_id}: {status} {text}".rstrip(),
        _HINTS.get(code[0], _HINT) if code is not None else _HINT,
    )
