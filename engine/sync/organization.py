"""What both systems are set up to; read once, before the first job."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.connectors.protocol import Query, Side, Status, Write, WriteKind
from engine.mapping.currency import exchange_rate, rate_of
from engine.model.errors import ConnectionLost
from engine.model.outcome import Problem
from engine.sync.single import create_one

_HINT = "Check the setup of both systems and the permissions of the integration user, then resume."
CURRENCIES = "transactioncurrencies"


@dataclass(frozen=True, slots=True)
class Organization:
    """ISO codes and CRM ids of the currencies, the decimals CRM keeps, and NAV's rates in units for one local unit."""

    local_currency: str
    local_currency_id: str
    base_currency: str
    currency_digits: int
    rates: Mapping[str, Decimal]


NOWHERE = Organization("", "", "", 2, {})
"""For work that transfers no values: no currency is needed then, let alone made."""

Before = Callable[[Write], Awaitable[None]]


async def unrecorded(write: Write) -> None:
    """Before a side that only notes what it is to write: nothing is made."""
    del write


async def read_organization(nav: Side, crm: Side, new_local_id: str, before: Before) -> Organization:
    """Ask both sides for their currencies. Makes the local currency in CRM, under `new_local_id`, when CRM lacks it;
    `before` is called before that.

    Raises ConnectionLost when either side does not say what is needed.
    """
    setup = [row async for rows in nav.pages(Query("General_Ledger_Setup", "SystemId", ("LCY_Code",))) for row in rows]
    local = str(setup[0].get("LCY_Code") or "").strip().upper() if setup else ""
    if not local:
        raise ConnectionLost("NAV does not name its local currency (General_Ledger_Setup, LCY_Code).", _HINT)
    fields = ("_basecurrencyid_value", "currencydecimalprecision")
    organizations = [row async for rows in crm.pages(Query("organizations", "organizationid", fields)) for row in rows]
    base_id = organizations[0].get("_basecurrencyid_value") if organizations else None
    found = await crm.fetch(CURRENCIES, "transactioncurrencyid", [base_id] if base_id else [], ("isocurrencycode",))
    if base_id not in found:
        raise ConnectionLost("CRM does not name its base currency (organizations, transactioncurrencies).", _HINT)
    base = str(found[base_id]["isocurrencycode"]).strip().upper()
    digits = organizations[0].get("currencydecimalprecision")
    rates = await _rates(nav)
    if local == base:
        local_id = base_id
    else:
        local_id = await _local_currency(crm, local, base, rates, digits or 2, new_local_id, before)
    return Organization(local, local_id, base, 2 if digits is None else int(digits), rates)


async def _rates(nav: Side) -> dict[str, Decimal]:
    query = Query("Currency", "SystemId", ("Code", "Exchange_Rate_Amount"))
    return {
        str(row["Code"]): rate_of(row.get("Exchange_Rate_Amount")) async for rows in nav.pages(query) for row in rows
    }


async def _local_currency(
    crm: Side, local: str, base: str, rates: Mapping[str, Decimal], digits: int, new_id: str, before: Before
) -> str:
    key = "transactioncurrencyid"
    found = await crm.find(CURRENCIES, "isocurrencycode", [local], (key, "isocurrencycode"))
    if found:
        return str(found[0][key])
    rate = exchange_rate(local, rates, local, base)
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
    write = Write(local, WriteKind.CREATE, CURRENCIES, new_id, values)
    await before(write)
    result = await create_one(crm, write, key)
    if result.status not in (Status.DONE, Status.EXISTS):
        raise ConnectionLost(
            f"CRM has no currency {local}, NAV's local one, and does not make it: {result.message}", _HINT
        )
    return new_id
