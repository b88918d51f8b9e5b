"""$expand: which related rows come with a row, and the options of each (OASIS OData 4.0, part 2, section 5.1.2)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.crm.entities import Entity
from sandbox.crm.relationships import TO, Relationship
from sandbox.crm.render import render
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import Dialect, Row
from sandbox.odata.query import Query, parse_query, sort_key

_MEMBER = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_DEEPEST = 8
_ONE = frozenset({"$select", "$expand"})
_MANY = frozenset({"$select", "$expand", "$filter", "$orderby", "$top"})


@dataclass(frozen=True, slots=True)
class Member:
    """One navigation property of an $expand, with its options joined as in a query string."""

    name: str
    options: str


def members(text: str | None) -> list[Member]:
    """The members of an $expand; raises ODataError for what cannot be read."""
    found: list[Member] = []
    for part in split(text or "", ","):
        match = _MEMBER.fullmatch(part)
        if match is None:
            raise Dialect.CRM.bad_query(f"Syntax error in the $expand expression '{part.strip()}'.")
        found.append(Member(match[1], "&".join(option.strip() for option in split(match[2] or "", ";"))))
    return found


def split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside parentheses and quotes; none of an empty text."""
    parts, start, depth, quoted = [], 0, 0, False
    for at, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == mark and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]] if text else []


def attach(
    store: Store,
    entity: Entity,
    rows: Sequence[Row],
    shown: Sequence[Row],
    text: str | None,
    annotations: str | None,
    depth: int = 0,
) -> None:
    """Add to the shown form of rows what an $expand asks for; raises ODataError for what the table does not have."""
    if text is not None and depth >= _DEEPEST:
        raise Dialect.CRM.bad_query("The $expand expression is nested too deeply.")
    for member in members(text):
        navigation, many = entity.navigations().get(member.name), TO[entity.set].get(member.name)
        if navigation is None and many is None:
            raise Dialect.CRM.bad_query(
                f"Could not find a property named '{member.name}' on type '{entity.type_name}'."
            )
        target = ENTITIES[navigation.target] if navigation is not None else many.referencing if many else entity
        query = parse_query(member.options, store.tables[target.set].entity, _ONE if navigation is not None else _MANY)
        for row, form in zip(rows, shown, strict=True):
            if navigation is not None:
                one = store.get(target.set, row.get(navigation.column) or "")
                found = [] if one is None else [one]
            else:
                found = related(store, many, row[entity.key], query) if many is not None else []
            forms = render(store, target, found, query.select, annotations)
            attach(store, target, found, forms, query.raw.get("$expand"), annotations, depth + 1)
            form[member.name] = forms if navigation is None else forms[0] if forms else None


def related(store: Store, relationship: Relationship, id: str, query: Query) -> list[Row]:
    """The rows that name a row, filtered, in order and counted off."""
    table = store.tables[relationship.referencing.set]
    found = [row for row in table.find(relationship.column, id) if query.predicate is None or query.predicate.test(row)]
    found.sort(key=sort_key(table.complete(query.order), table.entity))
    return found[: query.top]
