"""Whether the names in the mappings are there: tables, fields, types, lengths and options, by both $metadata documents.

Names are checked without reading a record.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engine.config import Settings
from engine.config.check import meant
from engine.connectors.dataverse import Dataverse
from engine.connectors.metadata import Property, Shape
from engine.connectors.nav import NavPages
from engine.mapping.defaults import column_is_lookup
from engine.model.errors import AccessDenied, ConnectionLost
from engine.model.mapping import Condition, Direction, FieldKind, FieldMapping, Table, TableMapping
from engine.runs.sides import connected

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
Shapes = Mapping[str, Shape]
_T = TypeVar("_T")
Labels = Mapping[str, Mapping[str, Mapping[int, str]]]
"""By CRM set and column: the options of a choice."""

SETUP = {"General_Ledger_Setup": ("SystemId", "LCY_Code"), "Currency": ("SystemId", "Code", "Exchange_Rate_Amount")}
"""What every run reads besides the mappings."""
_NUMBERS = ("Edm.Decimal", "Edm.Double", "Edm.Single", "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Byte")
_TYPES: Mapping[FieldKind, tuple[str, ...]] = {
    FieldKind.TEXT: ("Edm.String",),
    FieldKind.CODE: ("Edm.String",),
    FieldKind.DECIMAL: _NUMBERS,
    FieldKind.BOOLEAN: ("Edm.Boolean",),
    FieldKind.OPTION: ("Edm.String", "Edm.Boolean", "Edm.Int32"),
    FieldKind.CHOICE: ("Edm.Int32",),
    FieldKind.DATE: ("Edm.Date", "Edm.DateTimeOffset"),
    FieldKind.LOOKUP: ("Edm.Guid",),
}
_MARKER = "nav.marker_field"
_NAMES = {"nav": "NAV", "crm": "CRM"}
_REMEDY = {"odata": " Publish the field on the page", "api": " This release of API v2.0 lacks it: use another"}


@dataclass(slots=True)
class Findings:
    """What was found: `refusals` keep a side from being used at all, `problems` records from being read or written,
    `warnings` some of them.
    """

    refusals: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


async def check_names(settings: Settings) -> Findings:
    """Ask both services. One that lets us in and does not show what it has is a warning."""
    found = Findings()
    async with connected(settings) as (nav, crm):
        pages, tables = await asyncio.gather(_shapes(nav, found), _shapes(crm, found))
        if nav.ids_published:
            found.warnings.append(
                'nav.version: NAV publishes SystemId: is it Business Central? Then say version = "bc"'
            )
        labels = {}
        for entity, columns in _choices(settings.mappings).items():
            shape = (tables or {}).get(entity)
            if shape is not None and (known := sorted(columns & shape.properties.keys())):
                labels[entity] = await _ask(crm.labels(entity, known), found) or {}
    compare(settings, pages, tables, labels, found)
    return found


async def _shapes(side: NavPages | Dataverse, found: Findings) -> Shapes | None:
    """The tables of a side that can be reached and takes us."""
    steps = await side.probe()
    for step in steps:
        if not step.ok:
            found.refusals.append(step.detail)
    return await _ask(side.metadata(), found) if steps[0].ok else None


async def _ask(question: Awaitable[_T], found: Findings) -> _T | None:
    try:
        return await question
    except AccessDenied as error:
        found.refusals.append(error.told)
    except ConnectionLost as error:
        found.warnings.append(f"not all names were checked: {error.told}")
    return None


def compare(settings: Settings, nav: Shapes | None, crm: Shapes | None, labels: Labels, found: Findings) -> None:
    """Note everything in the mappings that the services do not have; None for one that is not known."""
    if nav is not None:
        _check_setup(nav, found, settings.nav.kind)
    for mapping in settings.mappings:
        for side, table, shapes in (("nav", mapping.nav, nav), ("crm", mapping.crm, crm)):
            if shapes is None:
                continue
            if table.entity in shapes:
                check = _Check(
                    found, mapping, side, table, shapes[table.entity], labels.get(table.entity, {}), settings.nav.kind
                )
                check.all(settings.nav.marker_field)
            else:
                found.problems.append(
                    f"mapping.{mapping.name}.{side}.entity: {_no_table(side, table.entity, shapes, settings.nav.kind)}"
                )


def _check_setup(nav: Shapes, found: Findings, kind: str) -> None:
    for page, names in SETUP.items():
        shape = nav.get(page)
        if shape is None:
            found.problems.append(_no_page(page, kind))
            continue
        for name in names:
            if name not in shape.properties:
                remedy = "publish it" + _older(name) if kind == "odata" else _OTHER_KIND
                found.problems.append(f'the NAV page "{page}" has no {name}, which every run reads; {remedy}')


_OTHER_KIND = 'this release of API v2.0 lacks it, so use [nav] kind = "odata"'


def _older(name: str) -> str:
    """What else a name may be missing for; API v2.0 has ids in each release."""
    return ', or say version = "2018" or "2016" if it is such a NAV' if name == "SystemId" else ""


def _no_page(page: str, kind: str) -> str:
    remedy = "publish it as a web service" if kind == "odata" else _OTHER_KIND
    return f'NAV publishes no page "{page}", which every run reads; {remedy}'


def _no_table(side: str, entity: str, shapes: Shapes, kind: str) -> str:
    near = meant(entity, shapes) if len(shapes) < 30 else _near(entity, shapes)
    if side == "crm":
        return f'CRM has no table set "{entity}"; {near}'
    if kind == "api":
        return f'this release of API v2.0 has no "{entity}"; leave the mapping out, or use [nav] kind = "odata"'
    return f'NAV publishes no page "{entity}"; {near} Publish the page under that name, or leave the mapping out'


def _near(name: str, names: Mapping[str, object]) -> str:
    found = meant(name, names)
    return found if found.startswith("did you mean") else "nothing has a similar name."


class _Check:
    """One side of one mapping."""

    def __init__(
        self,
        found: Findings,
        mapping: TableMapping,
        side: str,
        table: Table,
        shape: Shape,
        labels: Mapping[str, Mapping[int, str]],
        kind: str = "odata",
    ) -> None:
        self._found = found
        self._mapping = mapping
        self._side = side
        self._table = table
        self._shape = shape
        self._labels = labels
        self._kind = kind

    def all(self, marker: str | None) -> None:
        """Look at every name of this side."""
        table = self._table
        for key in ("key", "number", "name", "modified"):
            self._known(f"{self._side}.{key}", getattr(table, key))
        for name in table.extra:
            self._known(f"{self._side}.extra", name)
        self._conditions(f"{self._side}_filter", table.filter)
        self._conditions(f"{self._side}_match_filter", table.match_filter)
        if marker is not None and self._side == "nav" and self._mapping.direction.includes(FROM):
            self._known(_MARKER, marker)
        for one in self._mapping.fields:
            self._field(one)
        for template in self._mapping.templates:
            if template.side == self._side:
                for name, value in template.values:
                    self._known("templates", name)
                    self._option("templates", name, value)
            else:
                self._conditions("templates", template.conditions)

    def _conditions(self, key: str, conditions: tuple[Condition, ...]) -> None:
        for one in conditions:
            if (known := self._known(key, one.field)) is None:
                continue
            self._option(key, one.field, one.value)
            fits = {"Edm.Int32": int, "Edm.Boolean": bool, "Edm.String": str}.get(known.type)
            if fits is not None and one.value is not None and type(one.value) is not fits:
                self._problem(key, f"{one.field} is {known.type}, so it cannot be compared with {one.value!r}")

    def _field(self, one: FieldMapping) -> None:
        name = one.nav if self._side == "nav" else one.crm
        column = one.nav if self._side == "nav" else one.column
        if not name:
            return
        key = f"fields.{' = '.join(filter(None, (one.nav, one.crm)))}"
        known = self._known(key, column, field=one)
        writes = one.direction.includes(TO if self._side == "crm" else FROM)
        if known is None or one.derived:
            return
        if known.type not in self._types(one) and (self._side == "crm" or not known.options):
            self._problem(key, f"{column} is {known.type}; a field of kind {one.kind} cannot be written there")
        if self._side == "crm" and one.kind is FieldKind.LOOKUP and writes:
            self._navigation(key, one.navigation or one.crm)
        if writes and one.constant is not None:
            self._option(key, name, one.constant)
        length = one.nav_length if self._side == "nav" else one.crm_length
        if writes and known.max_length is not None and length > known.max_length:
            self._found.warnings.append(
                f"{self._place(key)}: {column} holds {known.max_length} characters, not {length}: longer texts fail; "
                f"say {self._side}_length = {known.max_length}"
            )

    def _types(self, one: FieldMapping) -> tuple[str, ...]:
        if self._side == "nav" and one.kind in (FieldKind.LOOKUP, FieldKind.CHOICE):
            return ("Edm.String",)
        return _TYPES[one.kind]

    def _navigation(self, key: str, name: str) -> None:
        if self._shape.navigations and name not in self._shape.navigations:
            near = _near(name, dict.fromkeys(self._shape.navigations))
            self._problem(key, f'{self._table.entity} has no navigation property "{name}"; {near}')

    def _known(self, key: str, name: str, *, field: FieldMapping | None = None) -> Property | None:
        """The column of that name; a problem when there is none."""
        if not name:
            return None
        if (known := self._shape.properties.get(name)) is not None:
            return known
        text = f'{_NAMES[self._side]} {self._table.entity} has no "{name}"; {_near(name, self._shape.properties)}'
        if self._side == "nav":
            text += _REMEDY[self._kind] + _older(name)
            if field is not None:
                text += ", or switch the field mapping off (enabled = false)"
        elif f"_{name}_value" in self._shape.properties and not column_is_lookup(name):
            text = f'"{name}" is a lookup; it is read as "_{name}_value"'
        self._problem(key, text)
        return None

    def _option(self, key: str, name: str, value: object) -> None:
        """Note a value that is none of the options of its column."""
        known = self._shape.properties.get(name)
        if known is not None and known.options and isinstance(value, str):
            if value not in known.options and value.strip():
                self._problem(key, f'{name} has no option "{value}"; {meant(value, known.options)}')
        elif (options := self._labels.get(name)) and not isinstance(value, bool):
            labels = [f"{number} {label}" for number, label in options.items()]
            if isinstance(value, int) and value not in options:
                self._problem(key, f"{name} has no option {value}; it can be {', '.join(labels)}")
            elif isinstance(value, str) and value.casefold() not in {one.casefold() for one in options.values()}:
                self._problem(key, f'{name} has no option "{value}"; {meant(value, options.values())}')

    def _problem(self, key: str, text: str) -> None:
        self._found.problems.append(f"{self._place(key)}: {text}")

    def _place(self, key: str) -> str:
        return key if key == _MARKER else f"mapping.{self._mapping.name}.{key}"


def _choices(mappings: tuple[TableMapping, ...]) -> dict[str, set[str]]:
    """The CRM columns, by set, for which the mappings name options."""
    found: dict[str, set[str]] = {}
    for mapping in mappings:
        for name in _chosen(mapping):
            if not column_is_lookup(name):
                found.setdefault(mapping.crm.entity, set()).add(name)
    return found


def _chosen(mapping: TableMapping) -> Iterator[str]:
    for one in mapping.fields:
        if one.crm and one.constant is not None and one.kind in (FieldKind.OPTION, FieldKind.CHOICE):
            yield one.crm
    for condition in (*mapping.crm.filter, *mapping.crm.match_filter):
        if isinstance(condition.value, int) and not isinstance(condition.value, bool):
            yield condition.field
    for template in mapping.templates:
        if template.side == "crm":
            yield from (name for name, value in template.values if type(value) is int)
