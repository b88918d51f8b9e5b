"""What both systems are set up to: read once, before anything is written; and the local currency that CRM may lack."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.connectors.protocol import Query, Side, Status, Write, WriteKind
from engine.mapping.currency import exchange_rate, rate_of
from engine.model.errors import ConnectionLost
from engine.model.outcome import Problem
from engine.sync.single import create_one

_HINT = "Check the setup of both systems and the permissions of the integration user, then resume."
CURRENCIES, _KEY = "transactioncurrencies", "transactioncurrencyid"


@dataclass(frozen=True, slots=True)
class Organization:
    """ISO codes and CRM ids of the currencies, the decimals CRM keeps, and NAV's rates in units for one local unit.

    `missing` is the local currency where CRM lacks it, which `make_local_currency` makes under `local_currency_id`.
    """

    local_currency: str
    local_currency_id: str
    base_currency: str
    currency_digits: int
    rates: Mapping[str, Decimal]
    missing: Write | None = None


NOWHERE = Organization("", "", "", 2, {})
"""For work that transfers no values: no currency is needed then, let alone made."""

Before = Callable[[Write], Awaitable[None]]


async def unrecorded(write: Write) -> None:
    """Before a side that only notes what it is to write: nothing is made."""
    del write


async def read_organization(nav: Side, crm: Side, new_local_id: str) -> Organization:
    """Ask both sides for their currencies; `new_local_id` is for the local one where CRM lacks it. Nothing is written.

    Raises ConnectionLost when either side does not say what is needed.
    """
    setup = [row async for rows in nav.pages(Query("General_Ledger_Setup", "SystemId", ("LCY_Code",))) for row in rows]
    local = str(setup[0].get("LCY_Code") or "").strip().upper() if setup else ""
    if not local:
        raise ConnectionLost("NAV does not name its local currency (General_Ledger_Setup, LCY_Code).", _HINT)
    fields = ("_basecurrencyid_value", "currencydecimalprecision")
    organizations = [row async for rows in crm.pages(Query("organizations", "organizationid", fields)) for row in rows]
    base_id = organizations[0].get("_basecurrencyid_value") if organizations else None
    found = await crm.fetch(CURRENCIES, _KEY, [base_id] if base_id else [], ("isocurrencycode",))
    if base_id not in found:
        raise ConnectionLost("CRM does not name its base currency (organizations, transactioncurrencies).", _HINT)
    base = str(found[base_id]["isocurrencycode"]).strip().upper()
    digits = organizations[0].get("currencydecimalprecision")
    rates = await _rates(nav)
    own = Organization(local, base_id, base, 2 if digits is None else int(digits), rates)
    return own if local == base else await _with_local(own, crm, digits or 2, new_local_id)


async def make_local_currency(crm: Side, own: Organization, before: Before) -> None:
    """Make the local currency in CRM where it lacks it; `before` is called before that. Raises ConnectionLost when CRM
    does not make it.
    """
    if own.missing is None:
        return
    await before(own.missing)
    result = await create_one(crm, own.missing, _KEY)
    if result.status not in (Status.DONE, Status.EXISTS):
        local = own.local_currency
        raise ConnectionLost(
            f"CRM has no currency {local}, NAV's local one, and does not make it: {result.message}", _HINT
        )


async def _rates(nav: Side) -> dict[str, Decimal]:
    query = Query("Currency", "SystemId", ("Code", "Exchange_Rate_Amount"))
    return {
        str(row["Code"]): rate_of(row.get("Exchange_Rate_Amount")) async for rows in nav.pages(query) for row in rows
    }


async def _with_local(own: Organization, crm: Side, digits: int, new_id: str) -> Organization:
    local = own.local_currency
    found = await crm.find(CURRENCIES, "isocurrencycode", [local], (_KEY, "isocurrencycode"))
    if found:
        return replace(own, local_currency_id=str(found[0][_KEY]))
    rate = exchange_rate(local, own.rates, local, own.base_currency)
    if isinstance(rate, Problem):
        raise ConnectionLost(
            f"CRM has no currency {local}, NAV's local one, and it cannot be made. {rate.message}", rate.hint
        )
    values = {
        "isocurrencycode": local,
        "currencyname": local,
        "currencysymbol": local,
        "currencyprecision": digits,
        "exchangerate": rate,
    }
    return replace(own, local_currency_id=new_id, missing=Write(local, WriteKind.CREATE, CURRENCIES, new_id, values))
