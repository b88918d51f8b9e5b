"""An organization ready to serve, and the way to put rows into it before anybody calls."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from sandbox.audit import Audit
from sandbox.clock import Clock, NewId, random_id, system_clock
from sandbox.crm.columns import Column
from sandbox.crm.entities import Entity
from sandbox.crm.schema import BY_LOGICAL_NAME, ENTITIES
from sandbox.crm.store import Store
from sandbox.crm.values import convert, guid
from sandbox.crm.writes import add
from sandbox.odata.edm import Row

_CURRENCIES: Mapping[str, tuple[str, str]] = {
    "USD": ("US Dollar", "$"),
    "EUR": ("Euro", "€"),
    "GBP": ("Pound Sterling", "£"),
    "DKK": ("Danish Krone", "kr"),
}


class CrmState(Store):
    """The organization that `create_app` serves."""

    @classmethod
    def build(
        cls,
        *,
        base_currency: str = "USD",
        organization: str = "Contoso",
        clock: Clock = system_clock,
        audit: Audit | None = None,
        new_id: NewId = random_id,
    ) -> Self:
        """A new organization: its own row, its base currency with rate 1, and the integration user that calls."""
        state = cls(organization, clock, audit if audit is not None else Audit(), new_id)
        name, symbol = _CURRENCIES.get(base_currency, (base_currency, base_currency))
        currency = {
            "isocurrencycode": base_currency,
            "currencyname": name,
            "currencysymbol": symbol,
            "currencyprecision": 2,
            "exchangerate": Decimal(1),
        }
        user = {
            "fullname": "Integration User",
            "domainname": "integration@localhost",
            "isintegrationuser": True,
            "businessunitid": state.business_unit_id,
        }
        own = {
            "name": organization,
            "_basecurrencyid_value": state.base_currency_id,
            "basecurrencyprecision": 2,
            "basecurrencysymbol": symbol,
        }
        add(state, ENTITIES["transactioncurrencies"], currency, state.base_currency_id)
        add(state, ENTITIES["systemusers"], user, state.user_id)
        add(state, ENTITIES["organizations"], own, state.organization_id)
        return state

    def seed(self, table: str, values: Mapping[str, Any]) -> str:
        """Add a row, by set or logical name, and return its id; the rules of the server hold, the audit stays silent.

        Columns are named as in the Web API. A lookup may be given as `x` or `_x_value`, by id or by what people call
        the row: ISO code, e-mail, account number, name. Text from a csv file is converted; blank is null. Read-only
        columns (fullname, statecode) are taken too. Raises ValueError for an unknown table, column or lookup, and
        ODataError for a row that the server would refuse.
        """
        entity = ENTITIES.get(table) or BY_LOGICAL_NAME.get(table)
        if entity is None:
            raise ValueError(f"CRM has no table '{table}'")
        row: Row = {}
        for name, value in values.items():
            column_name = name if name in entity.columns else f"_{name}_value"
            column = entity.columns.get(column_name)
            if column is None:
                raise ValueError(f"{entity.logical} has no column '{name}'")
            if value is None or value == "":
                continue
            row[column_name] = (
                self._find(entity, name, column, str(value))
                if column.targets
                else convert(entity, column_name, _typed(column, name, value))
            )
        id: str = add(self, entity, row, row.pop(entity.key, None))[entity.key]
        return id

    def _find(self, entity: Entity, name: str, column: Column, value: str) -> str:
        tables = [(target, self.tables[target.set]) for target in map(ENTITIES.__getitem__, column.targets)]
        try:
            id = guid(value)
        except ValueError:
            found = (
                str(row[target.key])
                for target, rows in tables
                for natural in target.natural
                for row in rows.find(natural, value)
            )
        else:
            found = (id for _, rows in tables if id in rows.rows)
        for one in found:
            return one
        raise ValueError(f"{entity.logical}.{name}: there is no '{value}' in {', '.join(column.targets)}")


def _typed(column: Column, name: str, value: Any) -> Any:
    """What a csv cell means in a column of this kind; other values stay as they are."""
    try:
        match column.kind:
            case "Boolean" if isinstance(value, str):
                return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
            case "Integer" | "Picklist" | "State" | "Status" if isinstance(value, str):
                return int(value)
            case "Decimal" | "Money" if isinstance(value, (str, float)):
                return Decimal(str(value))
    except (KeyError, ValueError, InvalidOperation) as error:
        raise ValueError(f"{name}: '{value}' is no {column.kind}") from error
    return value
