"""The built-in mappings, read from `defaults.toml` for one version of NAV."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
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
from engine.model.schedule import Schedule, Timing, duration

DIRECTIONS = {
    "to": Direction.TO_INTEGRATION_TABLE,
    "from": Direction.FROM_INTEGRATION_TABLE,
    "both": Direction.BIDIRECTIONAL,
}
"""Directions as defaults.toml and config.toml write them."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A built-in mapping with what is off in it: field mappings that a configuration can switch on, and all match
    rules, also those that need such a field.
    """

    mapping: TableMapping
    extras: tuple[FieldMapping, ...]
    rules: tuple[MatchRule, ...]


@cache
def default_mappings(version: str = "bc") -> tuple[TableMapping, ...]:
    """The seven mappings in run order, as `version` ("bc", "2018", "2016") of NAV has them."""
    return tuple(one.mapping for one in shipped_mappings(version))


@cache
def shipped_mappings(version: str = "bc") -> tuple[Shipped, ...]:
    """The same mappings with what is off in them."""
    return tuple(_shipped(entry, version) for entry in _file()["mapping"])


def shipped_names(version: str = "bc") -> tuple[str, ...]:
    """The names of the built-in mappings in run order."""
    return tuple(one.mapping.name for one in shipped_mappings(version))


@cache
def default_schedule() -> Schedule:
    """When modified records of the built-in mappings are synchronized; `other` is for mappings besides them."""
    common = _file()["schedule"]
    rows = {entry["name"]: {**common, **entry["schedule"]} for entry in _file()["mapping"]}
    return Schedule({name: _timing(row) for name, row in rows.items()}, _timing(common), _span(common["look_every"]))


def usable(rules: tuple[MatchRule, ...], fields: tuple[FieldMapping, ...]) -> tuple[MatchRule, ...]:
    """The match rules whose fields are all mapped."""
    mapped = {one.nav for one in fields} | {one.crm for one in fields}
    return tuple(rule for rule in rules if all(nav in mapped and crm in mapped for nav, crm in rule.pairs))


@cache
def _file() -> Mapping[str, Any]:
    return tomli.loads(files("engine.mapping").joinpath("defaults.toml").read_text(encoding="utf-8"))


def _timing(row: Mapping[str, Any]) -> Timing:
    return Timing(
        every=_span(row["every"]),
        inactivity_timeout=_span(row["inactivity_timeout"]),
        attempts=row["attempts"],
        retry_delay=_span(row["retry_delay"]),
    )


def _span(text: str) -> timedelta:
    found = duration(text)
    if found is None:
        raise ValueError(text)
    return found


def _shipped(entry: Mapping[str, Any], version: str) -> Shipped:
    rows = [(_field(row, version), _is_off(row, version)) for row in entry["fields"]]
    rules = tuple(MatchRule(tuple((nav, crm) for nav, crm in rule)) for rule in entry["match"])
    mapping = _mapping(entry, version, tuple(one for one, off in rows if not off), rules)
    mapped = {(one.nav, one.crm) for one in mapping.fields}
    extras = (one for one, off in rows if off and not one.derived and (one.nav, one.crm) not in mapped)
    return Shipped(mapping, tuple(extras), rules)


def _mapping(
    entry: Mapping[str, Any], version: str, fields: tuple[FieldMapping, ...], rules: tuple[MatchRule, ...]
) -> TableMapping:
    return TableMapping(
        name=entry["name"],
        nav=_table({"key": "SystemId", **_nav_stamp(entry["nav"], version), **entry["nav"]}, version),
        crm=_table({"number": entry["crm"]["name"], "modified": "modifiedon", **entry["crm"]}, version),
        direction=DIRECTIONS[entry["direction"]],
        fields=fields,
        match=usable(rules, fields),
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
        dated=entry.get("dated", False),
    )


_LENGTH_SINCE_BC, _LENGTH_BEFORE = 100, 50
"""Characters of NAV's names, descriptions and addresses (reference/domain.md section 8.2)."""


def _nav_stamp(nav: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """Where NAV says when a record changed: the older versions keep the day only, of some tables not even that
    (reference/domain.md section 8.1).
    """
    if version == "bc":
        return {"modified": "SystemModifiedAt"}
    return {"modified": ""} if nav.get("undated") else {"modified": "Last_Date_Modified", "dated": True}


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


def _direction(row: Mapping[str, Any], version: str) -> str:
    return str(row.get(f"v{version}", row.get("dir", "both")))


def _is_off(row: Mapping[str, Any], version: str) -> bool:
    return _direction(row, version) == "off"


def _field(row: Mapping[str, Any], version: str) -> FieldMapping:
    options = {
        name: value for name, value in row.items() if name not in ("dir", "kind", "v2018", "v2016", "transforms")
    }
    options["transforms"] = tuple(
        Transformation(step["rule"], tuple(step.get("arguments", ())), DIRECTIONS[step.get("direction", "both")])
        for step in row.get("transforms", ())
    )
    if version != "bc" and options.get("nav_length") == _LENGTH_SINCE_BC:
        options["nav_length"] = _LENGTH_BEFORE
    direction = DIRECTIONS.get(_direction(row, version), Direction.BIDIRECTIONAL)
    return FieldMapping(direction=direction, kind=FieldKind(row.get("kind", "text")), **options)
