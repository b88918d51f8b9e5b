"""Keys: a row by its id, or by an alternate key that its table was given (reference/apis.md section 1, Create)."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from sandbox.crm.entities import Entity, logical_name
from sandbox.crm.refusals import bad_key, bad_url, invalid, key_violated, missing, missing_by_key, unknown_segment
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import AlternateKey, Store
from sandbox.crm.values import convert, guid
from sandbox.odata.edm import Dialect, Row, comparable

_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^',]*?)\s*(,|$)")
_SEGMENT = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_TARGET = re.compile(r"(?:[^('$]*/)?(\w+)\((.*)\)", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_KINDS = frozenset({"String", "Integer", "Decimal", "DateTime", "Lookup", "Customer", "Owner", "Picklist"})


@dataclass(frozen=True, slots=True)
class Key:
    """Which row a client means: by its id, or by the columns of an alternate key. `text` is how the client wrote it."""

    text: str
    id: str | None = None
    values: Row = field(default_factory=dict)


def split_segment(segment: str) -> tuple[str, str | None]:
    """The name that a segment of a path begins with, and what stands between its parentheses, if it has any."""
    found = _SEGMENT.fullmatch(segment)
    return (segment, None) if found is None else (found[1], found[2])


def read_key(store: Store, entity: Entity, text: str) -> Key:
    """What stands between the parentheses of `set(...)`; raises ODataError when it is no key of the table."""
    if "=" not in text:
        return Key(text, _guid(entity, text))
    pairs = _pairs(entity, text)
    if set(pairs) == {entity.key}:
        if not entity.named_key:
            raise bad_key(entity)
        return Key(text, _guid(entity, pairs[entity.key]))
    if not any(set(key.columns) == set(pairs) and key.active for key in store.keys[entity.set]):
        raise bad_key(entity)
    return Key(text, values={name: _literal(entity, name, value) for name, value in pairs.items()})


def read_target(store: Store, text: str, references: Mapping[str, str]) -> tuple[Entity, Key]:
    """The table and the key that a bind value or @odata.id names; raises ODataError when it names none.

    `references` holds what `$n` stands for inside a batch.
    """
    if text.startswith("$"):
        if text[1:] not in references:
            raise bad_url(f"Content-ID Reference: '{text}' does not exist in the batch context.")
        text = references[text[1:]]
    entity, key = _split_target(text)
    return entity, read_key(store, entity, key)


def find(store: Store, entity: Entity, key: Key) -> Row | None:
    """The row that has the key, if there is one."""
    return store.get(entity.set, key.id) if key.id is not None else _first(_same(store, entity, key.values))


def existing(store: Store, entity: Entity, key: Key) -> Row:
    """The row that has the key; raises ODataError when there is none."""
    row = find(store, entity, key)
    if row is not None:
        return row
    raise missing_by_key(entity.logical) if key.id is None else missing(entity.logical, key.id)


def check_unique(store: Store, entity: Entity, row: Row) -> None:
    """Refuse with an ODataError a row with the alternate key of another one; a key with a null binds nobody."""
    for key in store.keys[entity.set]:
        if key.active and (other := _other(store, entity, key, row)) is not None:
            raise key_violated(key.name, [logical_name(name) for name in key.columns], other[entity.key])


def define(store: Store, entity: Entity, name: str, columns: Sequence[str]) -> AlternateKey:
    """Give a table an alternate key over logical names; raises ODataError.

    Where rows already share their values its index cannot be built: it stays, and cannot be used.
    """
    by_logical_name = {logical_name(one): one for one in entity.columns}
    names = tuple(by_logical_name.get(column, "") for column in columns)
    if not names or len(set(names)) < len(names) or any(
        one not in entity.columns or entity.columns[one].kind not in _KINDS for one in names
    ):  # fmt: skip
        raise invalid(f"The attributes of the entity key '{name}' are not valid for '{entity.logical}'.")
    if any(one.name.lower() == name.lower() or set(one.columns) == set(names) for one in store.keys[entity.set]):
        raise invalid(f"An entity key with the name '{name}' or these attributes already exists for {entity.logical}.")
    key = AlternateKey(str(uuid.uuid5(uuid.NAMESPACE_URL, f"crm-key:{entity.logical}:{name.lower()}")), name, names)
    shared = any(_other(store, entity, key, row) is not None for row in store.tables[entity.set].rows.values())
    key = AlternateKey(key.id, name, names, active=not shared)
    store.keys[entity.set].append(key)
    return key


def _other(store: Store, entity: Entity, key: AlternateKey, row: Row) -> Row | None:
    values = {name: row.get(name) for name in key.columns}
    if None in values.values():
        return None
    return _first([one for one in _same(store, entity, values) if one[entity.key] != row[entity.key]])


def _same(store: Store, entity: Entity, values: Row) -> list[Row]:
    (first, value), *rest = values.items()
    rows = store.tables[entity.set].find(first, value)
    for name, wanted in rest:
        change = comparable(entity.columns[name].type, Dialect.CRM)
        rows = [row for row in rows if row.get(name) is not None and change(row[name]) == change(wanted)]
    return rows


def _first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


def _pairs(entity: Entity, text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None or found[1] in pairs or (found[3] == "," and found.end() == len(text)):
            raise bad_key(entity)
        pairs[found[1]] = found[2]
        at = found.end()
    return pairs


def _literal(entity: Entity, name: str, text: str) -> Any:
    column = entity.columns[name]
    if column.targets:
        return _guid(entity, text)
    if text.startswith("'") and len(text) > 2:
        return convert(entity, name, text[1:-1].replace("''", "'"))
    if column.kind in ("Integer", "Picklist") and _WHOLE.fullmatch(text):
        return convert(entity, name, int(text))
    if column.kind == "Decimal" and _NUMBER.fullmatch(text):
        return convert(entity, name, Decimal(text))
    if column.kind == "DateTime":
        return convert(entity, name, text)
    raise bad_key(entity)


def _guid(entity: Entity, text: str) -> str:
    try:
        return guid(text.strip())
    except ValueError as error:
        raise bad_key(entity) from error


@lru_cache(maxsize=4096)
def _split_target(text: str) -> tuple[Entity, str]:
    found = _TARGET.fullmatch(unquote(text))
    if found is None:
        raise unknown_segment(text)
    if found[1] not in ENTITIES:
        raise unknown_segment(found[1])
    return ENTITIES[found[1]], found[2]
