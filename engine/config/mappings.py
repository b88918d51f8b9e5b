"""The mappings that a configuration makes of the built-in ones: [mapping.NAME] changes one, or adds another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.config.check import Table as Keys
from engine.config.check import meant, nearest, short
from engine.config.fields import WAYS, Base, read_fields
from engine.config.terms import read_conditions, read_match, read_templates
from engine.config.values import NAME
from engine.mapping.defaults import DIRECTIONS, Shipped, shipped_mappings, usable
from engine.mapping.transfer import TO
from engine.model.mapping import ConflictPolicy, DeletionPolicy, Direction, Table, TableMapping

LONGEST = 20
_MAPPING_NAME = re.compile(rf"[A-Z0-9](?:[A-Z0-9 _-]{{0,{LONGEST - 2}}}[A-Z0-9])?")
_ONE_WAY = {
    "currency": Direction.TO_INTEGRATION_TABLE,
    "unit": Direction.TO_INTEGRATION_TABLE,
    "salesperson": Direction.FROM_INTEGRATION_TABLE,
}
"""Special handlings that can go one way only."""
_USERS = "systemusers"
_NAME = NAME.pattern
_A_NAME = "a name of letters, digits and _"


@dataclass(frozen=True, slots=True)
class _Start:
    """A mapping before its fields: where it is in the file, what it begins with, and whether it takes part."""

    table: Keys
    shipped: Shipped
    own: bool
    on: bool

    @property
    def mapping(self) -> TableMapping:
        return self.shipped.mapping


def read_mappings(top: Keys, version: str) -> tuple[TableMapping, ...]:
    """All mappings that take part, in run order; faults are noted in the report of the file."""
    builtin = {one.mapping.name: one for one in shipped_mappings(version)}
    table = top.table("mapping")
    written = [name for name, _ in table.items()]
    starts: dict[str, _Start] = {}
    for name in (*builtin, *(one for one in written if one not in builtin)):
        start = _start(table, name, builtin, given=name in written)
        if start is not None:
            starts[name] = start
    targets = {name: start.mapping.crm.entity for name, start in starts.items()}
    finished = [_finish(start, targets) for start in starts.values()]
    taking_part = {one.name: one for one, start in zip(finished, starts.values(), strict=True) if start.on}
    if not taking_part and written:
        top.add("mapping", "no mapping is left; enable one of them")
    for name, one in taking_part.items():
        taking_part[name] = replace(one, depends=_depends(starts[name], one, starts, taking_part))
    return _ordered(taking_part, starts)


def _start(table: Keys, name: str, builtin: Mapping[str, Shipped], *, given: bool) -> _Start | None:
    if not given:
        return _Start(table.nothing(name), builtin[name], own=False, on=True)
    own = table.table(name)
    on = own.flag("enabled", default=True)
    if name in builtin:
        if own.has("like"):
            own.add("like", "is for mappings that are not built in")
        own.raw("like")
        return _Start(own, _with_tables(own, builtin[name], builtin[name].mapping), own=False, on=on)
    if not _MAPPING_NAME.fullmatch(name):
        table.add(name, f"a mapping is named with up to {LONGEST} capital letters, digits, blanks, _ and -")
    like = own.optional("like")
    if like is not None and like not in builtin:
        own.add("like", f'"{short(like)}" is no built-in mapping; {meant(like, builtin)}')
        return None
    if not own.has("nav") and not own.has("crm") and like is None:
        near = nearest(name, builtin)
        table.add(
            name, "is not built in; " + (f'did you mean "{near}"? ' if near else "") + "A new one needs nav and crm"
        )
        return None
    source = builtin.get(like or "")
    blank = source.mapping if source is not None else _blank(name, next(iter(builtin.values())).mapping.nav)
    made = _with_tables(own, source or Shipped(blank, (), ()), replace(blank, name=name, builtin=False))
    return _Start(own, made, own=True, on=on)


def _with_tables(own: Keys, source: Shipped, mapping: TableMapping) -> Shipped:
    nav = _table(own, "nav", mapping.nav)
    crm = _table(own, "crm", mapping.crm)
    return replace(source, mapping=replace(mapping, nav=nav, crm=crm))


def _table(own: Keys, side: str, base: Table) -> Table:
    """One side of a mapping. What a new mapping leaves out is what is usual on that side."""
    new = not base.entity
    table = own.table(
        side, needs="entity, number and name" if new and side == "nav" else "entity, key and name" if new else ""
    )
    entity = table.text("entity", base.entity or None, pattern=_NAME, what=_A_NAME)
    name = table.text("name", base.name or None, pattern=_NAME, what=_A_NAME)
    key = table.text("key", base.key or None, pattern=_NAME, what=_A_NAME)
    number = table.text("number", base.number or (name if side == "crm" else None), pattern=_NAME, what=_A_NAME)
    made = replace(
        base,
        entity=entity,
        caption=table.text("caption", base.caption or entity.replace("_", " ") or "-", longest=60),
        key=key,
        number=number,
        name=name,
        modified=table.text("modified", base.modified, pattern=_NAME, what=_A_NAME),
        extra=(*base.extra, *(table.texts("extra", pattern=_NAME, what=_A_NAME) or ())),
    )
    table.end({})
    return made


def _finish(start: _Start, targets: Mapping[str, str]) -> TableMapping:
    own, base = start.table, start.mapping
    way = own.choice("direction", WAYS, "")
    direction = DIRECTIONS.get(way, base.direction)
    _allowed(own, base, direction)
    fields = read_fields(own, Base(direction, base.handling, base.fields, start.shipped.extras, targets))
    if not fields and start.own and own.has("nav"):
        own.add("fields", "is missing; without field mappings nothing is transferred")
    conflict = own.choice("conflict", tuple(ConflictPolicy), base.conflict.value)
    deletion = own.choice("deletion", tuple(DeletionPolicy), base.deletion.value)
    filters = {}
    for side, table in (("nav", base.nav), ("crm", base.crm)):
        chosen = table.filter
        if own.has(f"{side}_filter"):
            chosen = read_conditions(own, f"{side}_filter", side, fields)
        own.raw(f"{side}_filter")
        matched = chosen if start.own and not base.handling else table.match_filter
        if own.has(f"{side}_match_filter"):
            matched = read_conditions(own, f"{side}_match_filter", side, fields)
        own.raw(f"{side}_match_filter")
        filters[side] = replace(table, filter=chosen, match_filter=matched)
    mapping = replace(
        base,
        nav=filters["nav"],
        crm=filters["crm"],
        direction=direction,
        fields=fields,
        match=read_match(own, fields, usable(start.shipped.rules, fields)),
        templates=read_templates(own, fields, base.templates),
        conflict=ConflictPolicy(conflict) if conflict in tuple(ConflictPolicy) else base.conflict,
        deletion=DeletionPolicy(deletion) if deletion in tuple(DeletionPolicy) else base.deletion,
        create_unmatched=own.flag("create_unmatched", default=base.create_unmatched),
        sync_after_coupling=own.flag("sync_after_coupling", default=base.sync_after_coupling),
    )
    own.texts("depends")
    own.end({})
    return mapping


def _allowed(own: Keys, base: TableMapping, direction: Direction) -> None:
    """Note a direction in which the mapping cannot go."""
    only = _ONE_WAY.get(base.handling)
    if only is not None and direction is not only:
        own.add("direction", f"this mapping can only go {'to' if only is TO else 'from'} CRM")
    elif base.crm.entity == _USERS and direction.includes(TO):
        own.add("direction", 'CRM users are never created or changed; it must be "from"')


def _depends(
    start: _Start, mapping: TableMapping, starts: Mapping[str, _Start], taking_part: Mapping[str, TableMapping]
) -> tuple[str, ...]:
    """The mappings that must run before; those that the file names must be there."""
    named = start.table.peek("depends")
    if not isinstance(named, list):
        return tuple(one for one in mapping.depends if one in taking_part)
    found = []
    for one in named:
        if not isinstance(one, str):
            continue
        if one not in starts:
            start.table.add("depends", f'there is no mapping "{short(one)}"; {meant(one, starts)}')
        elif one not in taking_part:
            start.table.add("depends", f"{one} is left out (enabled = false)")
        elif one == mapping.name:
            start.table.add("depends", "a mapping cannot depend on itself")
        else:
            found.append(one)
    return tuple(dict.fromkeys(found))


def _ordered(mappings: dict[str, TableMapping], starts: Mapping[str, _Start]) -> tuple[TableMapping, ...]:
    """Each after those it depends on, else in the given order: the built-in ones keep theirs."""
    left = dict(mappings)
    found: list[TableMapping] = []
    while left:
        ready = next((one for one in left.values() if not any(name in left for name in one.depends)), None)
        if ready is None:
            circle = _circle(left)
            table = next(starts[name].table for name in circle if starts[name].table.has("depends"))
            table.add("depends", f"goes round in a circle: {' needs '.join(circle)}")
            return (*found, *left.values())
        found.append(left.pop(ready.name))
    return tuple(found)


def _circle(left: Mapping[str, TableMapping]) -> list[str]:
    path = [next(iter(left))]
    while path.count(path[-1]) == 1:
        path.append(next(name for name in left[path[-1]].depends if name in left))
    return path[path.index(path[-1]) :]


def _blank(name: str, usual: Table) -> TableMapping:
    nav = Table("", "", "SystemId", "", "", modified=usual.modified, dated=usual.dated)
    crm = Table("", "", "", "", "", modified="modifiedon")
    return TableMapping(name, nav, crm, Direction.BIDIRECTIONAL, ())
