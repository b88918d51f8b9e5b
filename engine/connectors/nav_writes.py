"""How records are written to NAV: JSON $batch, each operation for itself (reference/apis.md section 3).

Older versions of NAV do not know JSON batches; there each record is a request.
"""

from collections.abc import Sequence
from typing import Any

from engine.connectors import body, jsonbatch
from engine.connectors.batches import Sent, TooBig
from engine.connectors.client import Answer, ODataClient, Unanswered
from engine.connectors.filters import checked_name, guid, is_guid
from engine.connectors.protocol import Halted, Result, Status, Write, WriteKind
from engine.connectors.together import each_to_its_end
from engine.connectors.verdicts import Verdict, fault, refused, retry_after, unknown
from engine.model.errors import AccessDenied, ConnectionLost

KEY = "SystemId"
"""The id that NAV gives a record, and by which a page service addresses it."""
_BATCH = {"Content-Type": "application/json", "Prefer": "odata.continue-on-error"}
_JSON = "application/json"
_NO_BATCHES = frozenset({404, 405, 415})


class NavWriter:
    """Sends writes of one company; `singly`: without batches from the start."""

    def __init__(self, client: ODataClient, company: str, *, singly: bool) -> None:
        self._client = client
        self._company = company
        self._singly = singly

    async def send(self, writes: Sequence[Write]) -> Sent:
        """Send one batch. Raises Unanswered, TooBig and ConnectionLost."""
        path = f"{self._company}/{checked_name(writes[0].entity)}"
        operations = [_operation(path, one) for one in writes]
        if not self._singly:
            answer = await self._client.write("$batch", jsonbatch.write(operations), _BATCH)
            if answer.status not in _NO_BATCHES:
                return self._read(writes, answer)
            self._singly = True
        sent = Sent()
        calls = [self._one(write, operation) for write, operation in zip(writes, operations, strict=True)]
        for one, result in zip(writes, await each_to_its_end(calls), strict=True):
            if result is None:
                sent.halted.append(one)
            else:
                sent.results[one.key] = result
        return sent

    async def _one(self, one: Write, operation: jsonbatch.Operation) -> Result | None:
        """The result of one request; None when a stop held it back."""
        method, url, headers, values = operation
        try:
            sent = b"" if one.kind is WriteKind.DELETE else body.encode(values)
            answer = await self._client.write(url, sent, headers, method)
            content = body.decode(answer.body) if answer.verdict is Verdict.OK and answer.body else None
        except Halted:
            return None
        except Unanswered as error:
            return unknown(one, str(error))
        except body.Malformed as error:
            return unknown(one, f"the answer is damaged: {error}")
        return _done(one, content) if answer.verdict is Verdict.OK else refused(one, answer.verdict, answer.fault)

    def _read(self, writes: Sequence[Write], answer: Answer) -> Sent:
        if answer.status == 413:
            raise TooBig("The record is larger than the service takes.")
        if answer.verdict is not Verdict.OK:
            raise self._client.refusal("POST", "$batch", answer)
        try:
            parts = jsonbatch.parse(answer.body, len(writes))
        except body.Malformed as error:
            raise Unanswered(f"the answer to a batch is damaged: {error}") from error
        sent = Sent()
        for one, part in zip(writes, parts, strict=True):
            _note(sent, one, part)
        return sent


def _operation(path: str, one: Write) -> jsonbatch.Operation:
    if one.kind is WriteKind.CREATE:
        return jsonbatch.Operation("POST", path, {"Content-Type": _JSON}, one.values)
    address, match = f"{path}({guid(one.id or '')})", one.etag or "*"
    if one.kind is WriteKind.DELETE:
        return jsonbatch.Operation("DELETE", address, {"If-Match": match}, None)
    return jsonbatch.Operation("PATCH", address, {"Content-Type": _JSON, "If-Match": match}, one.values)


def _note(sent: Sent, one: Write, part: jsonbatch.Part | None) -> None:
    if part is None:
        sent.results[one.key] = unknown(one, "the answer to the batch has no part for this record")
    elif 200 <= part.status < 300:
        sent.results[one.key] = _done(one, part.body)
    elif not sent.refuse(one, part.status, problem := fault(part.body), _retry_after(part)):
        error = AccessDenied if part.status == 401 else ConnectionLost
        raise error(
            f"NAV refuses a record of a batch with {part.status} {problem.code} {problem.message}",
            "Check the user of this connection and the company.",
        )


def _done(one: Write, content: Any) -> Result:
    row = content if isinstance(content, dict) else None
    id = row.get(KEY) if row is not None else None
    if one.kind is WriteKind.CREATE and not is_guid(id):
        return unknown(one, "the answer does not name the new record")
    return Result(one.key, Status.DONE, str(id).lower() if is_guid(id) else one.id, row)


def _retry_after(part: jsonbatch.Part) -> float | None:
    return retry_after({name.lower(): str(value) for name, value in (part.headers or {}).items()})
