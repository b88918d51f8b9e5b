"""The other side of lookups, for a page of records at once."""

from collections.abc import Iterable

from engine.connectors.protocol import Row
from engine.mapping.transfer import TO, Partners, source_value
from engine.model.mapping import Direction, FieldKind, TableMapping
from engine.sync.context import Context

_CURRENCY = "CURRENCY"


async def partners(context: Context, mapping: TableMapping, one_way: Direction, rows: Iterable[Row]) -> Partners:
    """By mapping, what the lookup values in these records are on the other side."""
    wanted: dict[str, set[str]] = {}
    for field in mapping.fields:
        if field.kind is FieldKind.LOOKUP and field.lookup:
            values = wanted.setdefault(field.lookup, set())
            values.update(str(value) for row in rows if (value := source_value(field, one_way, row)))
    found: dict[str, dict[str, str]] = {}
    for name, values in wanted.items():
        ordered = sorted(values)
        found[name] = await context.store.read(
            lambda connection, name=name, ordered=ordered: context.couplings.partners(
                connection, name, one_way, ordered
            )  # type: ignore[misc]
        )
    if _CURRENCY in found:
        _add_local_currency(context, one_way, found[_CURRENCY])
    return found


def _add_local_currency(context: Context, one_way: Direction, found: dict[str, str]) -> None:
    """NAV's local currency is a blank code; CRM has a row for it (reference/domain.md section 1.1)."""
    local = context.organization.local_currency_id
    if one_way is TO:
        found[""] = local
        found.setdefault(context.organization.local_currency, local)
    else:
        found[local] = ""
