"""The mappings as Business Central API v2.0 can serve them: what it lacks is left out, and said."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import tomli

from engine.mapping.defaults import usable
from engine.model.mapping import Condition, FieldMapping, TableMapping
from engine.model.wording import TableWords, Wording

_SERVICE = "Business Central API v2.0"


@cache
def business_central() -> Wording:
    """What API v2.0 calls the tables and fields that pages show."""
    text = files("engine.mapping").joinpath("businesscentral.toml").read_text(encoding="utf-8")
    return {page: _words(entry) for page, entry in tomli.loads(text).items()}


def served(mappings: Iterable[TableMapping]) -> tuple[tuple[TableMapping, ...], tuple[str, ...]]:
    """The mappings without the fields that API v2.0 lacks, and a line on each of these and on each mapping that it
    cannot serve at all.
    """
    words = business_central()
    kept: list[TableMapping] = []
    notes: list[str] = []
    for mapping in mappings:
        table = words.get(mapping.nav.entity)
        if table is None:
            notes.append(
                f"mapping.{mapping.name}: {_SERVICE} does not have what it needs of {mapping.nav.caption}"
                f'{_WHY.get(mapping.nav.entity, "")}: left out; use [nav] kind = "odata" for it'
            )
        elif missing := _needed(mapping, table):
            notes.append(
                f"mapping.{mapping.name}: {_SERVICE} has no {' and no '.join(missing)} of {mapping.nav.caption}, which "
                f'the mapping depends on: left out; use [nav] kind = "odata" for it'
            )
        else:
            kept.append(_without(mapping, table, notes))
    names = {one.name for one in kept}
    return tuple(_unlinked(one, names, notes) for one in kept), tuple(notes)


_WHY: Mapping[str, str] = {
    "Contact": " (neither the parts of a person's name nor the customer of its company)",
    "Resource": " (it has no set of resources)",
}


def _words(entry: Mapping[str, Any]) -> TableWords:
    fields = {name: (word,) if isinstance(word, str) else tuple(word) for name, word in entry["fields"].items()}
    return TableWords(
        tuple(entry["sets"]), fields, frozenset(entry.get("local", ())), frozenset(entry.get("rates", ()))
    )


def _needed(mapping: TableMapping, table: TableWords) -> list[str]:
    """The fields that the API lacks and without which other records would take part, or get other values."""
    conditions: list[Condition] = [*mapping.nav.filter, *mapping.nav.match_filter]
    names = [mapping.nav.key, mapping.nav.number, mapping.nav.name, *(one.field for one in conditions)]
    for template in mapping.templates:
        names += [name for name, _ in template.values] if template.side == "nav" else []
        names += [one.field for one in template.conditions] if template.side == "crm" else []
    return [name for name in dict.fromkeys(names) if not table.has(name)]


def _without(mapping: TableMapping, table: TableWords, notes: list[str]) -> TableMapping:
    fields = tuple(one for one in mapping.fields if not one.nav or table.has(one.nav))
    notes += [
        f"mapping.{mapping.name}.fields.{_shown(one)}: {_SERVICE} has no {one.nav}: not synchronized"
        for one in mapping.fields
        if one not in fields
    ]
    nav = replace(
        mapping.nav,
        extra=tuple(name for name in mapping.nav.extra if table.has(name)),
        modified=mapping.nav.modified if table.has(mapping.nav.modified) else "",
    )
    return replace(mapping, nav=nav, fields=fields, match=usable(mapping.match, fields))


def _unlinked(mapping: TableMapping, names: set[str], notes: list[str]) -> TableMapping:
    """The mapping without lookups of mappings that are left out, and without waiting for them."""
    lost = [one for one in mapping.fields if one.lookup and one.lookup not in names]
    notes += [
        f"mapping.{mapping.name}.fields.{_shown(one)}: {one.lookup} is left out: not synchronized" for one in lost
    ]
    fields = tuple(one for one in mapping.fields if one not in lost)
    return replace(
        mapping,
        fields=fields,
        match=usable(mapping.match, fields),
        depends=tuple(one for one in mapping.depends if one in names),
    )


def _shown(one: FieldMapping) -> str:
    return " = ".join(filter(None, (one.nav, one.crm)))
