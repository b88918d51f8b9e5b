"""How rows are written to Dataverse: CreateMultiple where a table has it, else $batch (reference/apis.md section 1)."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from engine.connectors import body, multipart, urls
from engine.connectors.batches import Sent, TooBig
from engine.connectors.client import ODataClient, Unanswered
from engine.connectors.filters import checked_name, guid, literal
from engine.connectors.protocol import Reference, Result, Status, Write, WriteKind
from engine.connectors.rights import has_message
from engine.connectors.verdicts import Fault, Verdict, fault, retry_after, unknown
from engine.model.errors import AccessDenied, ConnectionLost

_ETAG = re.compile(r'(?:W/)?"[^"\r\n]*"|\*')
_JSON = {"Content-Type": "application/json"}


class DataverseWriter:
    """Sends writes of one organization."""

    def __init__(self, client: ODataClient) -> None:
        self._client = client
        self._bulk: dict[str, tuple[str, str] | None] = {}
        self._asking = asyncio.Lock()
        self._path = client.root.raw_path.decode("ascii")

    async def bulk_table(self, entity: str, kind: WriteKind) -> tuple[str, str] | None:
        """Logical name and key column of a table that has CreateMultiple; None for others, and for other writes.

        Not every table has it; the organization says so (reference/apis.md section 1, Bulk messages).
        """
        if kind is not WriteKind.CREATE:
            return None
        async with self._asking:
            if entity not in self._bulk:
                self._bulk[entity] = await self._ask(entity)
            return self._bulk[entity]

    async def create_multiple(self, writes: Sequence[Write], table: str, key: str) -> dict[str, Result] | None:
        """Create rows by one message, all or none. None when it was refused, and no row was made."""
        kind = f"Microsoft.Dynamics.CRM.{table}"
        targets = [{"@odata.type": kind, key: guid(one.id or ""), **payload(one.values)} for one in writes]
        address = f"{writes[0].entity}/Microsoft.Dynamics.CRM.CreateMultiple"
        try:
            answer = await self._client.write(address, body.encode({"Targets": targets}), _JSON)
        except Unanswered as error:
            return {one.key: unknown(one, str(error)) for one in writes}
        if answer.verdict is not Verdict.OK:
            return None
        try:
            content = body.decode(answer.body)
        except body.Malformed as error:
            return {one.key: unknown(one, f"the answer to CreateMultiple is damaged: {error}") for one in writes}
        ids = content.get("Ids") if isinstance(content, dict) else None
        made = {id.lower() for id in ids if isinstance(id, str)} if isinstance(ids, list) else set()
        return {
            one.key: Result(one.key, Status.DONE, one.id)
            if one.id in made
            else unknown(one, "the answer to CreateMultiple does not name this row")
            for one in writes
        }

    async def send(self, writes: Sequence[Write]) -> Sent:
        """Send one $batch in which each operation stands for itself. Raises what `batches.Send` says."""
        boundary = f"batch_{uuid4().hex}"
        content = multipart.write(boundary, [self._operation(one) for one in writes])
        headers = {
            "Content-Type": f"multipart/mixed; boundary={boundary}",
            "Accept": "multipart/mixed",
            "Prefer": "odata.continue-on-error",
        }
        answer = await self._client.write("$batch", content, headers)
        content_type = answer.headers.get("content-type", "")
        if answer.status == 413:
            raise TooBig("The row is larger than the service takes.")
        if answer.verdict is not Verdict.OK and not content_type.lower().startswith("multipart/mixed"):
            raise self._client.refusal("POST", "$batch", answer)
        try:
            parts = multipart.parse(content_type, answer.body, len(writes))
            found = multipart.correlate(parts, [one.id for one in writes])
        except body.Malformed as error:
            raise Unanswered(f"the answer to a batch is damaged: {error}") from error
        except ConnectionLost as error:
            return Sent(end=error)  # something was carried out, nobody knows what
        sent = Sent()
        for one, part in zip(writes, found, strict=True):
            _note(sent, one, part)
        return sent

    def _operation(self, one: Write) -> multipart.Operation:
        content = b"" if one.kind is WriteKind.DELETE else body.encode(payload(one.values))
        if one.kind is not WriteKind.CREATE:
            etag = one.etag or "*"
            if _ETAG.fullmatch(etag) is None:
                raise ConnectionLost(f"{urls.shown(self._client.root)} sent a version of a row that is none.")
            headers = f"If-Match: {etag}\r\n"
        elif one.id is None:
            return multipart.Operation("POST", f"{self._path}/{one.entity}", "", content)
        else:
            headers = "If-None-Match: *\r\n"
        method = "DELETE" if one.kind is WriteKind.DELETE else "PATCH"
        return multipart.Operation(method, f"{self._path}/{one.entity}({guid(one.id or '')})", headers, content)

    async def _ask(self, entity: str) -> tuple[str, str] | None:
        options = [
            ("$select", "LogicalName,PrimaryIdAttribute"),
            ("$filter", f"EntitySetName eq {literal(entity)}"),
        ]
        try:
            content = await self._client.read(f"EntityDefinitions?{urls.query(options)}")
            definition = content["value"][0]
            table, key = checked_name(definition["LogicalName"]), checked_name(definition["PrimaryIdAttribute"])
        except AccessDenied:
            return None  # customizations may be hidden from this user; $batch does without them
        except (KeyError, IndexError, TypeError) as error:
            raise ConnectionLost(
                f"{urls.shown(self._client.root)} has no table {entity}.", "Check the mapping of this table."
            ) from error
        return (table, key) if await has_message(self._client, table, "CreateMultiple") else None


def payload(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values as JSON properties: a reference binds its row by address, or is taken off."""
    content = dict(values)
    for name in [name for name, value in values.items() if type(value) is Reference]:
        bound: Reference = content.pop(name)
        property = bound.navigation or name
        if bound.id is None:
            content[property] = None
        else:
            content[f"{property}@odata.bind"] = f"/{checked_name(bound.entity)}({guid(bound.id)})"
    return content


def _note(sent: Sent, one: Write, part: multipart.Part | None) -> None:
    if part is None:
        sent.results[one.key] = unknown(one, "the answer to the batch has no part for this row")
        return
    if 200 <= part.status < 300:
        id = one.id or part.entity
        sent.results[one.key] = (
            Result(one.key, Status.DONE, id) if id else unknown(one, "the answer does not name the new row")
        )
        return
    try:
        problem = fault(body.decode(part.body))
    except body.Malformed:
        problem = Fault()
    if not sent.refuse(one, part.status, problem, retry_after({"retry-after": part.retry_after})):
        told = f"CRM refuses a row of a batch with {part.status} {problem.code} {problem.message}"
        sent.end_at(one, AccessDenied(told, "Check that the user of this connection is valid."))
