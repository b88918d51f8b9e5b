"""Which columns of a record a mapping needs."""

from engine.mapping.templates import template_columns
from engine.mapping.transfer import FROM, TO
from engine.model.mapping import Direction, TableMapping


def target_columns(mapping: TableMapping, one_way: Direction) -> tuple[str, ...]:
    """The columns of a partner that are compared or shown."""
    return source_columns(mapping, FROM if one_way is TO else TO)


def source_columns(mapping: TableMapping, one_way: Direction) -> tuple[str, ...]:
    """The columns of a record that are mapped, matched or shown."""
    table = mapping.table(one_way)
    mapped = [field.nav if one_way is TO else field.column for field in mapping.fields]
    return tuple(
        dict.fromkeys(
            name
            for name in (
                *(table.key, table.number, table.name, table.modified),
                *(*mapped, *table.extra, *template_columns(mapping, one_way)),
            )
            if name
        )
    )
