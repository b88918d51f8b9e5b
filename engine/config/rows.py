"""Rows of a list of tables in config.toml: tables in braces, or with a header of their own each."""

from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, Table

from engine.config import edit
from engine.config.edit import Draft
from engine.config.toml import Keys


def in_braces(draft: Draft, keys: Keys) -> bool:
    """Whether the rows are tables in braces: then no comment that stands behind one belongs to what comes next."""
    return isinstance(_list(tomlkit.parse(draft.text), keys), Array)


def put(draft: Draft, keys: Keys, at: int | None, row: Mapping[str, Any]) -> Draft:
    """The draft with a row in the place of the one with that index; as the last one where it is None.

    Raises ConfigError where that cannot be done without changing anything else.
    """
    if not edit.found(draft.text, keys):
        return edit.put(draft, keys, [dict(row)])
    return edit.rewritten(draft, ".".join(keys), partial(_put, keys, at, row))


def without(draft: Draft, keys: Keys, at: int) -> Draft:
    """The draft without the row with that index, and without the list when it was the last one."""
    if len(edit.found(draft.text, keys)) == 1:
        return edit.put(draft, keys, None)
    return edit.rewritten(draft, ".".join(keys), partial(_drop, keys, at))


def _list(document: Any, keys: Keys) -> Any:
    for one in keys:
        document = document[one]
    return document


def _put(keys: Keys, at: int | None, row: Mapping[str, Any], document: MutableMapping[str, Any]) -> None:
    there = _list(document, keys)
    if isinstance(there, AoT):
        table = _added(there) if at is None else there[at]
        for name in [one for one in table if one not in row]:
            table.pop(name)
        for name, value in row.items():
            edit.put_item(table, name, value)
        return
    one = tomlkit.value(edit.written(row)) if isinstance(there, Array) else dict(row)
    if at is None:
        there.append(one)
    else:
        there[at] = one


def _added(there: AoT) -> Table:
    """A new last row: what stands between the one before it and the table that comes next stays there."""
    body = there[-1].value.body
    behind = len(body)
    while behind and body[behind - 1][0] is None:
        behind -= 1
    table = tomlkit.table()
    tail = body[behind:]
    body[behind:] = [(None, tomlkit.ws("\n"))]
    there.append(table)
    table.value.body.extend(tail)
    return table


def _drop(keys: Keys, at: int, document: MutableMapping[str, Any]) -> None:
    del _list(document, keys)[at]
