"""How records are written to NAV: JSON $batch, each operation for itself (reference/apis.md section 3).

Older versions of NAV do not know JSON batches; there each record is a request.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.connectors import body, jsonbatch
from engine.connectors.answers import Answer
from engine.connectors.batches import Sent, TooBig
from engine.connectors.client import ODataClient, Unanswered
from engine.connectors.filters import checked_name, guid
from engine.connectors.protocol import Halted, Result, Status, Write, WriteKind
from engine.connectors.together import each_to_its_end
from engine.connectors.urls import key_segment
from engine.connectors.verdicts import Verdict, fault, refused, retry_after, unknown
from engine.model.errors import AccessDenied, ConnectionLost
from engine.model.records import is_guid


class Key(NamedTuple):
    """How a service identifies the records of a table: by which field, and whether that is a text and no GUID."""

    field: str
    text: bool = False

    def segment(self, value: str) -> str:
        """A value in an address, with its parentheses."""
        return f"({key_segment(value) if self.text else guid(value)})"

    def of(self, row: Any) -> str | None:
        """The value of a row, GUIDs in lower case; None when the row does not tell."""
        value = row.get(self.field) if isinstance(row, dict) else None
        if self.text:
            return value if isinstance(value, str) and value else None
        return str(value).lower() if is_guid(value) else None


SYSTEM_ID = Key("SystemId")
"""The id that Business Central gives a record, and by which a page service addresses it."""
_BATCH = {"Content-Type": "application/json", "Prefer": "odata.continue-on-error"}
_JSON = "application/json"
_NO_BATCHES = frozenset({404, 405, 415})


class NavWriter:
    """Sends writes to one service; `singly`: without batches from the start.

    What nobody could find again is waited for although a stop is in force: new records whose ids the service chooses,
    unless they are `marked`.
    """

    def __init__(self, client: ODataClient, *, singly: bool, marked: bool) -> None:
        self._client = client
        self._singly = singly
        self._marked = marked

    async def send(self, writes: Sequence[Write], company: str, key: Key) -> Sent:
        """Send one batch for the company at a path. Raises what `batches.Send` says."""
        path = f"{company}/{checked_name(writes[0].entity)}"
        operations = [_operation(path, one, key) for one in writes]
        if not self._singly:
            lost = any(map(self._is_lost_unanswered, writes))
            answer = await self._client.write("$batch", jsonbatch.write(operations), _BATCH, to_its_end=lost)
            if answer.status not in _NO_BATCHES:
                return self._read(writes, answer, key)
            self._singly = True
        sent = Sent()
        calls = [self._one(write, operation, key) for write, operation in zip(writes, operations, strict=True)]
        for one, result in zip(writes, await each_to_its_end(calls), strict=True):
            if isinstance(result, Result):
                sent.results[one.key] = result
            else:
                sent.end_at(one, result)
        return sent

    async def _one(self, one: Write, operation: jsonbatch.Operation, key: Key) -> Result | Halted | ConnectionLost:
        """The result of one request, or why it was not carried out."""
        method, url, headers, values = operation
        try:
            sent = b"" if one.kind is WriteKind.DELETE else body.encode(values)
            lost = self._is_lost_unanswered(one)
            answer = await self._client.write(url, sent, headers, method, to_its_end=lost)
            content = body.decode(answer.body) if answer.verdict is Verdict.OK and answer.body else None
        except (Halted, ConnectionLost) as end:
            return end
        except Unanswered as error:
            return unknown(one, str(error))
        except body.Malformed as error:
            return unknown(one, f"the answer is damaged: {error}")
        return _done(one, content, key) if answer.verdict is Verdict.OK else refused(one, answer.verdict, answer.fault)

    def _is_lost_unanswered(self, one: Write) -> bool:
        return one.kind is WriteKind.CREATE and one.id is None and not self._marked

    def _read(self, writes: Sequence[Write], answer: Answer, key: Key) -> Sent:
        if answer.status == 413:
            raise TooBig("The record is larger than the service takes.")
        if answer.verdict is not Verdict.OK:
            raise self._client.refusal("POST", "$batch", answer)
        try:
            parts = jsonbatch.parse(answer.body, len(writes))
        except body.Malformed as error:
            raise Unanswered(f"the answer to a batch is damaged: {error}") from error
        except ConnectionLost as error:
            return Sent(end=error)  # something was carried out, nobody knows what
        sent = Sent()
        for one, part in zip(writes, parts, strict=True):
            _note(sent, one, part, key)
        return sent


def _operation(path: str, one: Write, key: Key) -> jsonbatch.Operation:
    if one.kind is WriteKind.CREATE:
        values = one.values if one.id is None else {key.field: one.id, **one.values}
        return jsonbatch.Operation("POST", path, {"Content-Type": _JSON}, values)
    address, match = f"{path}{key.segment(one.id or '')}", one.etag or "*"
    if one.kind is WriteKind.DELETE:
        return jsonbatch.Operation("DELETE", address, {"If-Match": match}, None)
    return jsonbatch.Operation("PATCH", address, {"Content-Type": _JSON, "If-Match": match}, one.values)


def _note(sent: Sent, one: Write, part: jsonbatch.Part | None, key: Key) -> None:
    if part is None:
        sent.results[one.key] = unknown(one, "the answer to the batch has no part for this record")
    elif 200 <= part.status < 300:
        sent.results[one.key] = _done(one, part.body, key)
    elif not sent.refuse(one, part.status, problem := fault(part.body), _retry_after(part)):
        error = AccessDenied if part.status == 401 else ConnectionLost
        told = f"NAV refuses a record of a batch with {part.status} {problem.code} {problem.message}"
        sent.end_at(one, error(told, "Check the user of this connection and the company."))


def _done(one: Write, content: Any, key: Key) -> Result:
    row = content if isinstance(content, dict) else None
    id = key.of(row)
    if one.kind is WriteKind.CREATE and id is None:
        return unknown(one, "the answer does not name the new record")
    return Result(one.key, Status.DONE, id or one.id, row)


def _retry_after(part: jsonbatch.Part) -> float | None:
    return retry_after({name.lower(): str(value) for name, value in (part.headers or {}).items()})
