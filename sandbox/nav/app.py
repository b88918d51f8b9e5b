"""The NAV server: who may ask, and from HTTP to requests and back."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection
from hmac import compare_digest
from urllib.parse import quote, unquote

from starlette import requests, responses
from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.nav import api_service
from sandbox.nav.batch import Service, run_batch
from sandbox.nav.exchange import Answer, Request
from sandbox.nav.service import respond
from sandbox.nav.state import NavState
from sandbox.odata.errors import ODataError, nav_body
from sandbox.signin import USER

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_LOOPBACK = re.compile(r"(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?")


def create_app(state: NavState, token: str, hosts: Collection[str] = ()) -> Starlette:
    """An application that serves one company to callers who know the token, under loopback's names and those of
    `hosts`.
    """

    async def endpoint(request: requests.Request) -> responses.Response:
        try:
            _authenticate(request, token, hosts)
            answer = _answer(state, request, await request.body())
        except ODataError as error:
            answer = Answer(error.status, nav_body(error))
        return responses.Response(
            answer.body, answer.status, {"OData-Version": "4.0", **answer.headers}, answer.content_type
        )

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)])


def _authenticate(request: requests.Request, token: str, hosts: Collection[str]) -> None:
    host = request.headers.get("host", "")
    if not _LOOPBACK.fullmatch(host) and host not in hosts:
        raise ODataError(400, "BadRequest", "The Host header does not name this machine.")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    given = b""
    if scheme.lower() == "bearer":
        given = value.strip().encode("latin-1")
    elif scheme.lower() == "basic":
        given = _password(value)
    if not compare_digest(given, token.encode()):
        raise ODataError(401, "Authentication_InvalidCredentials", "The server has rejected the client credentials.")


def _password(value: str) -> bytes:
    try:
        user, _, password = b64decode(value, validate=True).partition(b":")
    except (Base64Error, ValueError):
        return b""
    return password if user == USER.encode() else b""


def _answer(state: NavState, request: requests.Request, body: bytes) -> Answer:
    path = unquote(request.scope["raw_path"].decode("latin-1").partition("?")[0])
    for pattern, service in _SERVICES:
        found = re.fullmatch(pattern.format(instance=re.escape(state.instance)), path, re.DOTALL)
        if found is not None and (service is _PAGES or state.version == "bc"):
            break
    else:
        raise ODataError(404, "BadRequest_NotFound", "No resource was found that matches the request address.")
    root = f"{request.url.scheme}://{request.headers['host']}{quote(found[1])}"
    rest = found[2] or ""
    headers = dict(request.headers)
    inner = Request(request.method, root, rest, request.scope["query_string"].decode("latin-1"), headers, body)
    head, _, last = rest.rpartition("/")
    if last == "$batch" and state.version == "bc":
        return run_batch(service, state, inner, head)
    return service.respond(state, inner)


_PAGES = Service(respond, "ODataV4", "Company(")
_SERVICES = (
    (r"(/{instance}/ODataV4)(?:/(.*))?", _PAGES),
    (r"(/{instance}/api/v2\.0)(?:/(.*))?", api_service.SERVICE),
    # as Microsoft's own servers have it, below the tenant and the environment
    (r"(/v2\.0(?:/[^/]+){{1,2}}/ODataV4)(?:/(.*))?", _PAGES),
    (r"(/v2\.0(?:/[^/]+){{1,2}}/api/v2\.0)(?:/(.*))?", api_service.SERVICE),
)
