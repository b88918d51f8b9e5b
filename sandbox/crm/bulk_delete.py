"""BulkDelete of rows that are named by id; here the job is done at once, and one row may fail without the others."""

import uuid
from typing import Any

from sandbox.crm.keys import read_key
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.refusals import bad_payload, invalid
from sandbox.crm.schema import BY_LOGICAL_NAME
from sandbox.crm.store import Store
from sandbox.crm.writes import delete
from sandbox.odata.errors import ODataError


def bulk_delete(store: Store, request: Request) -> Response:
    """Delete the rows that each query of the set finds and name the job; raises ODataError for other queries."""
    queries = request.json("BulkDelete").get("QuerySet")
    if not isinstance(queries, list) or not queries:
        raise bad_payload("BulkDelete", "The parameter 'QuerySet' must be an array of queries.")
    for query in queries:
        entity, ids = BY_LOGICAL_NAME.get(_text(query, "EntityName")), _ids(query)
        if entity is None:
            raise invalid(f"The entity with a name = '{_text(query, 'EntityName')}' was not found.")
        for id in [read_key(store, entity, one).id or "" for one in ids]:
            try:
                delete(store, entity, id)
            except ODataError:
                continue  # the job would list it
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse"
    return json_response({"@odata.context": context, "JobId": str(uuid.uuid4())})


def _text(query: Any, name: str) -> str:
    return str(query.get(name)) if isinstance(query, dict) else ""


def _ids(query: Any) -> list[str]:
    """The values of the one condition that is understood: a key that is in a list."""
    try:
        (condition,) = query["Criteria"]["Conditions"]
        ids = [str(one["Value"]) for one in condition["Values"]]
    except (KeyError, TypeError, ValueError) as error:
        raise invalid("A query of a bulk deletion must have one condition: the key is in a list.") from error
    if condition.get("Operator") != "In" or condition.get("AttributeName") != f"{query.get('EntityName')}id":
        raise invalid("A query of a bulk deletion must have one condition: the key is in a list.")
    return ids
