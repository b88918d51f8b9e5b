"""CURRENCY: the rate as CRM counts it, and a symbol for those that have none (reference/domain.md section 1.1)."""

from collections.abc import Mapping

from engine.connectors.protocol import Row
from engine.mapping.currency import exchange_rate, rate_of
from engine.mapping.values import Value
from engine.model.outcome import Problem
from engine.sync.handling.base import Handling, Prepared


class CurrencyHandling(Handling):
    """Rates come from NAV; a currency without one cannot be in CRM. CRM lets nobody change its base currency."""

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """The exchange rate and precision of each currency, or why it has none."""
        own = self.context.organization
        symbol = next(field.nav for field in self.mapping.fields if field.crm == "currencysymbol")
        derived: dict[str, dict[str, Value]] = {}
        problems: dict[str, Problem] = {}
        for id, row in rows.items():
            code = str(row["Code"])
            rates = {**own.rates, code: rate_of(row.get("Exchange_Rate_Amount"))}
            rate = exchange_rate(code, rates, own.local_currency, own.base_currency)
            if isinstance(rate, Problem):
                problems[id] = rate
            else:
                derived[id] = {
                    "exchangerate": rate,
                    "currencyprecision": own.currency_digits,
                    "currencysymbol": str(row.get(symbol) or code),
                }
        base = frozenset(id for id, row in rows.items() if str(row["Code"]).strip().upper() == own.base_currency)
        return Prepared(derived, problems, as_is=base)
