"""The special treatment that the built-in synchronization gives some mappings."""

from engine.model.mapping import TableMapping
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.handling.base import Handling
from engine.sync.handling.contacts import ContactHandling
from engine.sync.handling.currencies import CurrencyHandling
from engine.sync.handling.customers import CustomerHandling
from engine.sync.handling.products import ProductHandling
from engine.sync.handling.salespeople import SalespersonHandling
from engine.sync.handling.units import UnitHandling

_BY_NAME: dict[str, type[Handling]] = {
    "currency": CurrencyHandling,
    "salesperson": SalespersonHandling,
    "unit": UnitHandling,
    "customer": CustomerHandling,
    "contact": ContactHandling,
    "product": ProductHandling,
}


def handling_of(context: Context, scope: Scope, mapping: TableMapping) -> Handling:
    """The special handling of a mapping for one pass."""
    return _BY_NAME.get(mapping.handling, Handling)(context, scope, mapping)
