"""$batch: operations in order, change sets all or nothing (reference/apis.md section 1, $batch)."""

import uuid
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from sandbox.crm.messages import ROOT, Request, Response, error_response
from sandbox.crm.multipart import (
    Answer,
    Part,
    answer_part,
    boundary_of,
    change_set_part,
    join,
    split_parts,
    split_request,
)
from sandbox.crm.refusals import bad_url
from sandbox.crm.store import Store
from sandbox.odata.errors import ODataError

LIMIT = 1000
URL_LIMIT = 64 * 1024
Handle = Callable[[Store, Request], Response]


class _FailedError(Exception):
    """An operation of a change set was refused, so that all of it is rolled back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.response.status)
        self.answer = answer


def run_batch(store: Store, request: Request, handle: Handle) -> Response:
    """Carry out a batch with `handle`; raises ODataError when the batch itself cannot be read.

    The first error ends it with that error's status, unless the client prefers odata.continue-on-error.
    """
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is None:
        raise bad_url("The content type of a batch request must be multipart/mixed with a boundary.", 415)
    parts = split_parts(request.body, boundary)
    sets = {index: split_parts(part.content, part.boundary) for index, part in enumerate(parts) if part.boundary}
    if sum(len(sets.get(index, (part,))) for index, part in enumerate(parts)) > LIMIT:
        raise bad_url(f"The number of requests in the batch exceeds the maximum of {LIMIT}.")
    go_on = "odata.continue-on-error" in request.preferences()
    references: dict[str, str] = {}
    written: list[bytes] = []
    status = 200
    for index, part in enumerate(parts):
        if index in sets:
            text, failed = _change_set(store, request, sets[index], references, handle)
        else:
            answer = _single(store, request, part, references, handle)
            text, failed = answer_part(answer), answer.response.status
        written.append(text)
        if failed >= 400 and not go_on:
            status = failed
            break
    mark = f"batchresponse_{uuid.uuid4()}"
    return Response(status, {"Content-Type": f"multipart/mixed; boundary={mark}"}, join(mark, written))


def _change_set(
    store: Store, batch: Request, parts: list[Part], references: dict[str, str], handle: Handle
) -> tuple[bytes, int]:
    answers: list[Answer] = []
    local = dict(references)
    try:
        with store.journal.transaction():
            for part in parts:
                answer = _single(store, batch, part, local, handle, in_change_set=True)
                if answer.response.status >= 400:
                    raise _FailedError(answer)
                answers.append(answer)
    except _FailedError as failure:
        return answer_part(failure.answer), failure.answer.response.status
    references.update(local)
    return change_set_part(f"changesetresponse_{uuid.uuid4()}", answers), 200


def _single(
    store: Store, batch: Request, part: Part, references: dict[str, str], handle: Handle, *, in_change_set: bool = False
) -> Answer:
    content_id = part.headers.get("content-id")
    try:
        operation = _operation(batch, part, references)
        if content_id is None:
            content_id = operation.headers.get("content-id")
        if in_change_set and content_id is None:
            raise bad_url("A Content-ID header is required for every operation of a change set.")
        if in_change_set and operation.method == "GET":
            raise bad_url("A change set may not hold a GET request.")
        response = handle(store, operation)
    except ODataError as error:
        response = error_response(error)
    if content_id is not None and response.entity is not None:
        references[content_id] = response.entity
    return Answer(response, content_id)


def _operation(batch: Request, part: Part, references: Mapping[str, str]) -> Request:
    if not part.headers.get("content-type", "").lower().startswith("application/http"):
        raise bad_url("The content type of a part of a batch request must be application/http.")
    method, url, headers, body = split_request(part.content)
    if len(url) > URL_LIMIT:
        raise bad_url("The URL of a request in the batch is too long.", 414)
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise bad_url(f"The URL '{url}' of a request in the batch is not valid.") from error
    path = split.path
    if path.startswith("/") and not path.startswith(("/$", ROOT)):
        raise bad_url(f"Resource not found for the segment '{path}'.", 404)
    relative = path.removeprefix(ROOT).lstrip("/")
    if relative == "$batch":
        raise bad_url("A batch request may not hold another one.")
    return Request(method, relative, split.query, headers, body, batch.root, references)
