"""JSON $batch (reference/apis.md section 3, $batch).

Without `Prefer: odata.continue-on-error` a batch ends with the first operation that fails. With `Isolation: snapshot`
everything is one transaction; a rolled back operation is still reported as it went.
"""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from sandbox.nav.exchange import JSON, Answer, Request, decode, encode
from sandbox.nav.state import NavState
from sandbox.odata.errors import ODataError, nav_body

LIMIT = 100


class Service(NamedTuple):
    """What a batch is for: who answers one request, what addresses have before the part that is answered, and how a
    path that names its company begins.
    """

    respond: Callable[[NavState, Request], Answer]
    root: str
    company: str


class _Operation(msgspec.Struct, frozen=True):
    method: str
    url: str
    id: str | int | None = None
    headers: dict[str, str] = {}
    body: Any = None


class _PoisonedError(Exception):
    """A transaction that has a failed operation."""


def run_batch(service: Service, state: NavState, request: Request, base: str) -> Answer:
    """Run the operations in order. `base` is the path, below the service, to which relative addresses belong."""
    if request.method != "POST":
        raise ODataError(405, "BadRequest_MethodNotAllowed", f"'{request.method}' requests are not allowed here.")
    operations = _operations(request.body)
    go_on = request.prefers("odata.continue-on-error") not in (None, "false")
    parts: list[dict[str, Any]] = []
    if request.headers.get("isolation", "").lower() == "snapshot":
        try:
            with state.journal.transaction():
                if not _run(service, state, request, base, operations, parts, go_on=go_on):
                    raise _PoisonedError
        except _PoisonedError:
            return Answer(200, encode({"responses": parts}))
    else:
        _run(service, state, request, base, operations, parts, go_on=go_on)
    return Answer(200, encode({"responses": parts}))


def _run(
    service: Service,
    state: NavState,
    outer: Request,
    base: str,
    operations: list[_Operation],
    parts: list[dict[str, Any]],
    *,
    go_on: bool,
) -> bool:
    succeeded = True
    for operation in operations:
        answer = _answer(service, state, outer, base, operation)
        parts.append(_part(operation, answer))
        if answer.status >= 400:
            succeeded = False
            if not go_on:
                break
    return succeeded


def _operations(body: bytes) -> list[_Operation]:
    try:
        content = decode(body)
        found = msgspec.convert(content["requests"], list[_Operation])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError) as error:
        raise ODataError(400, "BadRequest", f"The batch is not valid: {error}") from error
    if len(found) > LIMIT:
        raise ODataError(
            500,
            "Unknown",
            f"The current change set contains too many operations; a maximum number of '{LIMIT}' query operations and "
            "change sets are allowed in a batch.",
        )
    return found


def _request(service: Service, outer: Request, base: str, operation: _Operation) -> Request:
    try:
        url = urlsplit(operation.url)
    except ValueError as error:
        raise ODataError(400, "BadRequest", f"The address '{operation.url}' is not valid.") from error
    path = unquote(url.path)
    _, marker, below = path.partition(f"/{service.root}/")
    if marker:
        path = below
    elif base and not path.lstrip("/").startswith(service.company):
        path = f"{base}/{path.lstrip('/')}"
    headers = {name.lower(): value for name, value in operation.headers.items()}
    body = b"" if operation.body is None else encode(operation.body)
    return Request(operation.method.upper(), outer.root, path, url.query, headers, body)


def _answer(service: Service, state: NavState, outer: Request, base: str, operation: _Operation) -> Answer:
    try:
        return service.respond(state, _request(service, outer, base, operation))
    except ODataError as error:
        return Answer(error.status, nav_body(error))


def _part(operation: _Operation, answer: Answer) -> dict[str, Any]:
    headers = {"odata-version": "4.0"} | {name.lower(): value for name, value in answer.headers.items()}
    part: dict[str, Any] = {"id": operation.id, "status": answer.status, "headers": headers}
    if answer.content_type is not None:
        headers["content-type"] = answer.content_type
        part["body"] = msgspec.Raw(answer.body) if answer.content_type == JSON else answer.body.decode()
    return part
