"""The built-in mappings, read from `defaults.toml` for one version of NAV."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import tomli

from engine.model.mapping import (
    Condition,
    Direction,
    FieldKind,
    FieldMapping,
    MatchRule,
    Table,
    TableMapping,
    Transformation,
)

_DIRECTIONS = {
    "to": Direction.TO_INTEGRATION_TABLE,
    "from": Direction.FROM_INTEGRATION_TABLE,
    "both": Direction.BIDIRECTIONAL,
}


@cache
def default_mappings(version: str = "bc") -> tuple[TableMapping, ...]:
    """The seven mappings in run order, as `version` ("bc", "2018", "2016") of NAV has them."""
    text = files("engine.mapping").joinpath("defaults.toml").read_text(encoding="utf-8")
    return tuple(_mapping(entry, version) for entry in tomli.loads(text)["mapping"])


def _mapping(entry: Mapping[str, Any], version: str) -> TableMapping:
    fields = tuple(one for row in entry["fields"] if (one := _field(row, version)) is not None)
    mapped = {one.nav for one in fields} | {one.crm for one in fields}
    rules = tuple(MatchRule(tuple((nav, crm) for nav, crm in rule)) for rule in entry["match"])
    return TableMapping(
        name=entry["name"],
        nav=_table({"key": "SystemId", "modified": "SystemModifiedAt", **entry["nav"]}, version),
        crm=_table({"number": entry["crm"]["name"], "modified": "modifiedon", **entry["crm"]}, version),
        direction=_DIRECTIONS[entry["direction"]],
        fields=fields,
        match=tuple(rule for rule in rules if all(nav in mapped and crm in mapped for nav, crm in rule.pairs)),
        depends=tuple(entry.get("depends", ())),
        handling=entry["handling"],
    )


def _table(entry: Mapping[str, Any], version: str) -> Table:
    return Table(
        entity=entry["entity"],
        caption=entry["caption"],
        key=entry["key"],
        number=entry["number"],
        name=entry["name"],
        filter=_conditions(entry.get("filter", ()), version),
        match_filter=_conditions(entry.get("match_filter", ()), version),
        extra=tuple(entry.get("extra", ())),
        modified=entry["modified"],
    )


def _conditions(rows: Any, version: str) -> tuple[Condition, ...]:
    """A row is field, operator, value and, when not for all versions, the versions of NAV that have the condition."""
    return tuple(
        Condition(field, operator, None if column_is_lookup(field) and value == "" else value)
        for field, operator, value, *versions in rows
        if not versions or version in versions[0]
    )


def column_is_lookup(column: str) -> bool:
    """Whether a CRM column is read as the id of another row."""
    return column.startswith("_") and column.endswith("_value")


def _field(row: Mapping[str, Any], version: str) -> FieldMapping | None:
    options = {
        name: value for name, value in row.items() if name not in ("dir", "kind", "v2018", "v2016", "transforms")
    }
    options["transforms"] = tuple(
        Transformation(step["rule"], tuple(step.get("arguments", ())), _DIRECTIONS[step.get("direction", "both")])
        for step in row.get("transforms", ())
    )
    direction = row.get(f"v{version}", row.get("dir", "both"))
    if direction == "off":
        return None
    return FieldMapping(direction=_DIRECTIONS[direction], kind=FieldKind(row.get("kind", "text")), **options)
