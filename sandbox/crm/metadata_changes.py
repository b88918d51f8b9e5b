"""RetrieveMetadataChanges: tables and attributes of all derived types at once, which paths cannot ask for."""

from collections.abc import Callable
from typing import Any

import msgspec

from sandbox.crm.definitions import COLLECTIONS
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.refusals import bad_payload
from sandbox.crm.store import Store
from sandbox.odata.edm import Row
from sandbox.odata.query import options

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda value, wanted: bool(value == wanted),
    "NotEquals": lambda value, wanted: bool(value != wanted),
}


class _Value(msgspec.Struct):
    Value: Any


class _Condition(msgspec.Struct):
    PropertyName: str
    ConditionOperator: str
    Value: _Value


class _Criteria(msgspec.Struct):
    Conditions: list[_Condition] = []


class _Properties(msgspec.Struct):
    AllProperties: bool = False
    PropertyNames: list[str] = []


class _Part(msgspec.Struct):
    Properties: _Properties = msgspec.field(default_factory=_Properties)
    Criteria: _Criteria = msgspec.field(default_factory=_Criteria)


class _Query(_Part):
    AttributeQuery: _Part | None = None


def metadata_changes(store: Store, request: Request, alias: str) -> Response:
    """The tables that the query in a parameter alias finds; raises ODataError for one that is not understood."""
    text = options(request.query.replace("+", "%20")).get(alias, "")
    try:
        query = msgspec.json.decode(text, type=_Query)
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_payload("RetrieveMetadataChanges", f"The query is not valid: {error}") from error
    kind, tables = COLLECTIONS["EntityDefinitions"]
    found = []
    for row in _chosen(tables(), query):
        shown = _shown(row, query)
        if query.AttributeQuery is not None:
            _, part = kind.parts["Attributes"]
            attributes = part(store, row)
            rows = attributes if isinstance(attributes, list) else []
            shown["Attributes"] = [_shown(one, query.AttributeQuery) for one in _chosen(rows, query.AttributeQuery)]
        found.append(shown)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse"
    return json_response({"@odata.context": context, "EntityMetadata": found, "DeletedMetadata": None})


def _chosen(rows: list[Row], part: _Part) -> list[Row]:
    for one in part.Criteria.Conditions:
        if one.ConditionOperator not in _TESTS:
            problem = f"The operator '{one.ConditionOperator}' is not supported."
            raise bad_payload("RetrieveMetadataChanges", problem)
        test = _TESTS[one.ConditionOperator]
        rows = [row for row in rows if test(row.get(one.PropertyName), one.Value.Value)]
    return rows


def _shown(row: Row, part: _Part) -> Row:
    """A row with what its type has of the properties asked for; its type and id come unasked."""
    names = ("@odata.type", "MetadataId", *(row if part.Properties.AllProperties else part.Properties.PropertyNames))
    return {name: row[name] for name in names if name in row}
