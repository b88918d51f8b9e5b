"""What the tests of special handling have in common."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.mapping.defaults import default_mappings
from engine.model.mapping import FieldMapping, TableMapping
from engine.model.snapshot import RunSnapshot
from tests.sync.world import World


def mapping_of(name: str, version: str = "bc") -> TableMapping:
    """A built-in mapping."""
    return next(one for one in default_mappings(version) if one.name == name)


def unfiltered(world: World, name: str, *columns: str) -> None:
    """From now on, the filters of a mapping have no terms on these fields."""
    one = mapping_of(name, world.settings.nav.version)
    nav, crm = (
        replace(table, filter=tuple(term for term in table.filter if term.field not in columns))
        for table in (one.nav, one.crm)
    )
    world.mapping(name, nav=nav, crm=crm)


def with_fields(world: World, name: str, change: Callable[[FieldMapping], FieldMapping], *more: FieldMapping) -> None:
    """From now on, each field of a mapping is what `change` makes of it, and there are some more."""
    one = mapping_of(name, world.settings.nav.version)
    world.mapping(name, fields=(*map(change, one.fields), *more))


async def quiet(world: World, *jobs: str) -> RunSnapshot:
    """Another run, in which nothing is written."""
    before = len(world.audit())
    run = await world.run(*jobs)
    assert world.audit(before) == []
    return run


def changed(crm: str, **changes: Any) -> Callable[[FieldMapping], FieldMapping]:
    """Changes the field of one CRM column."""
    return lambda field: replace(field, **changes) if field.crm == crm else field
