"""The CRM organization over HTTP."""

import secrets
import uuid
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from sandbox.crm.batch import run_batch
from sandbox.crm.dispatch import handle
from sandbox.crm.messages import ROOT, Request, Response, error_response
from sandbox.crm.refusals import bad_url, unauthorized, unknown_segment
from sandbox.crm.state import CrmState
from sandbox.odata.errors import ODataError

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_URL_LIMIT = 32 * 1024


def create_app(state: CrmState, token: str) -> Starlette:
    """The server of one organization; every request must carry `token` as its bearer token."""

    async def endpoint(http: HttpRequest) -> HttpResponse:
        response = _answer(state, token, http, await http.body())
        ids = {name: str(uuid.uuid4()) for name in ("REQ_ID", "x-ms-service-request-id")}
        headers = {"OData-Version": "4.0", **ids, **response.headers}
        return HttpResponse(response.body, response.status, headers)

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)])


def _answer(state: CrmState, token: str, http: HttpRequest, body: bytes) -> Response:
    try:
        _admit(token, http)
        path = http.scope["raw_path"].partition(b"?")[0].decode("latin-1")
        query = http.scope["query_string"].decode("latin-1")
        if len(path) + len(query) > _URL_LIMIT:
            raise bad_url("The request URL is too long.", 414)
        if not path.startswith(ROOT) and path != ROOT.rstrip("/"):
            raise unknown_segment(path.strip("/"))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in http.scope["headers"]}
        root = f"{http.scope['scheme']}://{headers['host']}{ROOT}"
        request = Request(http.method, path[len(ROOT) :], query, headers, body, root)
        if request.path == "$batch" and request.method == "POST":
            return run_batch(state, request, handle)
    except ODataError as error:
        return error_response(error)
    return handle(state, request)


def _admit(token: str, http: HttpRequest) -> None:
    """Loopback callers who know the token; a foreign Host header is a page in a browser that was led here."""
    if _hostname(http.headers.get("host", "")) not in _LOOPBACK:
        raise bad_url("The Host header must name the loopback interface.", 400)
    given = http.headers.get("authorization", "")
    if not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise unauthorized()


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
