"""The other side of lookups, for a page of records at once."""

from collections.abc import Iterable

from engine.connectors.protocol import Row
from engine.mapping.courses import options_name
from engine.mapping.options import option_partners
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


async def choices(context: Context, mapping: TableMapping, one_way: Direction) -> Partners:
    """The same for choices and options, by the labels that CRM has and by what the mapping says of them."""
    fields = [field for field in mapping.fields if field.crm and options_name(field) and not field.derived]
    asked = [field for field in fields if field.nav or isinstance(field.constant, str)]
    if not asked:
        return {}
    labels = await context.crm.labels(mapping.crm.entity, list(dict.fromkeys(field.crm for field in asked)))
    pairs = {one.name: one.pairs for one in mapping.options}
    found: dict[str, dict[str, str]] = {}
    for field in asked:
        name = options_name(field)
        if field.kind is FieldKind.CHOICE or field.crm in labels or name in pairs:
            found[name] = option_partners(field, one_way, labels.get(field.crm, {}), pairs.get(name, ()))
    return found


def _add_local_currency(context: Context, one_way: Direction, found: dict[str, str]) -> None:
    """NAV's local currency is a blank code; CRM has a row for it (reference/domain.md section 1.1)."""
    local = context.organization.local_currency_id
    if one_way is TO:
        found[""] = local
        found.setdefault(context.organization.local_currency, local)
    else:
        found[local] = ""
