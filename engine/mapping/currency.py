"""Exchange rates as CRM counts them (reference/domain.md section 1.1)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.mapping.values import lenient, rounded
from engine.model.mapping import FieldKind
from engine.model.outcome import Problem

_DIGITS = 10


def rate_of(raw: Any) -> Decimal:
    """A rate as NAV has it, units for one unit of the local currency; 0 for none, and for what is no number."""
    rate = lenient(FieldKind.DECIMAL, _DIGITS, raw)
    return rate if isinstance(rate, Decimal) else Decimal(0)


def exchange_rate(code: str, rates: Mapping[str, Decimal], local: str, base: str) -> Decimal | Problem:
    """Units of a currency for one unit of CRM's base currency.

    `rates` are NAV's, units for one unit of the local currency; 0 and missing are the same. `local` and `base` are
    ISO codes.
    """
    if code == base:
        return Decimal(1)
    rate = Decimal(1) if code == local else rates.get(code, Decimal(0))
    if rate == 0:
        return Problem(
            "no_exchange_rate",
            "no exchange rate",
            f"No exchange rate is defined for currency {code}, so CRM cannot hold it.",
            "Give the currency an exchange rate in NAV and run again.",
        )
    base_rate = Decimal(1) if base == local else rates.get(base, Decimal(0))
    if base_rate == 0:
        return Problem(
            "no_base_rate",
            "no exchange rate for CRM's base currency",
            f"CRM counts in {base}, for which NAV has no exchange rate, so the rate of {code} cannot be calculated.",
            f"Give {base} an exchange rate in NAV and run again.",
        )
    try:
        return rounded(rate / base_rate, _DIGITS)
    except ArithmeticError:  # more digits than are kept exactly
        return Problem(
            "rate_out_of_range",
            "an exchange rate that CRM cannot hold",
            f"In NAV the rate of {code} is {rate}, that of CRM's base currency {base} is {base_rate}: too far apart.",
            f"Mend the exchange rates of {code} and {base} in NAV and run again.",
        )
