"""The record that somebody names as the partner of another one, looked up before an engine is asked to couple the two.

The engine looks once more when it couples them (`engine.sync.coupling`): what is found here may be gone by then.
"""

from collections.abc import Sequence
from functools import partial

from engine.config import Settings
from engine.connectors.protocol import Row, Side
from engine.mapping.transfer import TO
from engine.model.coupled import Partner
from engine.model.errors import ConfigError
from engine.model.mapping import Direction, Table, TableMapping
from engine.model.records import is_guid
from engine.runs.sides import read_now
from engine.store.couplings import Coupling, Couplings
from engine.store.database import Store
from engine.sync.coupling import hindered

_FORM = "which looks like 00000000-0000-0000-0000-000000000000"


def named(
    store: Store, settings: Settings, mapping: str, one_way: Direction, source: str | None, called: str, typed: str
) -> Partner:
    """The record on the other side of a direction that an id or a number names, as the partner of the record with the
    id `source`, which messages call `called`; with why it cannot be that.

    Raises ConfigError when the mapping is configured no more, ConnectionLost or AccessDenied when the side cannot be
    read, or not within half a minute: somebody waits for it.
    """
    one = next((each for each in settings.mappings if each.name == mapping), None)
    if one is None:
        raise ConfigError(f"{mapping} is not configured.", "Add [mapping] for it to config.toml, or leave it.")
    return read_now(
        settings,
        lambda nav, crm: named_of(store, settings, one, one_way, crm if one_way is TO else nav, source, called, typed),
    )


async def named_of(
    store: Store,
    settings: Settings,
    mapping: TableMapping,
    one_way: Direction,
    side: Side,
    source: str | None,
    called: str,
    typed: str,
) -> Partner:
    """The same with the other side at hand."""
    table, (column, kind) = _there(mapping, one_way), _named_by(mapping, one_way)
    columns = tuple(dict.fromkeys((table.key, column, table.name)))
    found: Sequence[Row]
    if is_guid(typed):
        found = list((await side.fetch(table.entity, table.key, [typed.lower()], columns)).values())
    else:
        found = await side.find(table.entity, column, [typed], columns)
    if len(found) != 1:
        named = f"{'id' if is_guid(typed) else kind} {typed}"
        return Partner(problem=_not_one(table.caption, "CRM" if one_way is TO else "NAV", named, len(found)))
    row = found[0]
    number = "" if column == table.name else str(row.get(column) or "")
    partner = Partner(str(row[table.key]).lower(), number, str(row.get(table.name) or ""))
    if source is None:
        return partner
    ids = (source, partner.id) if one_way is TO else (partner.id, source)
    names = (called, f"{table.caption} {partner.number or partner.name or partner.id}")
    hindrance = await store.read(
        partial(
            hindered,
            couplings=Couplings(mappings=settings.mappings),
            mapping=mapping,
            pair=Coupling(*ids, ""),
            names=names if one_way is TO else (names[1], names[0]),
        )
    )
    return partner if hindrance is None else Partner(problem=f"{_sentence(hindrance.message)} {hindrance.hint}")


def _there(mapping: TableMapping, one_way: Direction) -> Table:
    return mapping.crm if one_way is TO else mapping.nav


def _named_by(mapping: TableMapping, one_way: Direction) -> tuple[str, str]:
    """The column that people name a record by on the other side, and what that is: its number, in CRM where match rules
    look for NAV's number, such as productnumber; else its name.
    """
    table = _there(mapping, one_way)
    if table.number != table.name:
        return table.number, "number"
    pairs = (pair for rule in mapping.match for pair in rule.pairs) if one_way is TO else ()
    numbers = (crm for nav, crm in pairs if nav == mapping.nav.number and crm != table.name)
    column = next(numbers, "")
    return (column, "number") if column else (table.name, "name")


def _not_one(what: str, side: str, named: str, number: int) -> str:
    if not number:
        return f"There is no {what} in {side} with the {named}."
    return f"{number} {what} records in {side} have the {named}: type the id of the right one, {_FORM}."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
