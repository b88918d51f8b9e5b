"""What both systems are set up to, and the local currency that is made in CRM (`engine.sync.organization`)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import pytest

from engine.connectors.protocol import Query, Result, Row, Side, Status, Write
from engine.model.errors import ConnectionLost
from engine.sync.organization import Organization, make_local_currency, read_organization

BASE, NEW = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
DOLLAR = {"transactioncurrencyid": BASE, "isocurrencycode": "usd "}
EURO = {"transactioncurrencyid": NEW, "isocurrencycode": "EUR"}


@dataclass
class Nav:
    """A company whose local currency is `local`, if it says so, with rates in local units."""

    local: str | None = "EUR"
    rates: dict[str, str] = field(default_factory=lambda: {"USD": "0.8"})

    async def pages(self, query: Query) -> AsyncIterator[list[Row]]:
        if query.entity == "General_Ledger_Setup":
            yield [] if self.local is None else [{"LCY_Code": self.local}]
        else:
            yield [{"Code": code, "Exchange_Rate_Amount": Decimal(rate)} for code, rate in self.rates.items()]


@dataclass
class Crm:
    """An organization whose base currency is the dollar, and that has other currencies."""

    organizations: list[dict[str, Any]] = field(default_factory=lambda: [{"_basecurrencyid_value": BASE}])
    currencies: list[dict[str, str]] = field(default_factory=lambda: [DOLLAR])
    answer: Status = Status.DONE
    made: list[Write] = field(default_factory=list)

    async def pages(self, query: Query) -> AsyncIterator[list[Row]]:
        assert query.entity == "organizations"
        yield list(self.organizations)

    async def fetch(self, _entity: str, key: str, ids: Sequence[str], _fields: Sequence[str]) -> dict[str, Row]:
        return {one[key]: one for one in self.currencies if one[key] in ids}

    async def find(self, _entity: str, field: str, values: Sequence[str], _fields: Sequence[str]) -> list[Row]:
        return [one for one in self.currencies if one[field] in values]

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        self.made += writes
        return {one.key: Result(one.key, self.answer, one.id, message="no such privilege") for one in writes}


async def read(nav: Nav, crm: Crm) -> tuple[Organization, list[Write]]:
    noted: list[Write] = []

    async def before(write: Write) -> None:
        assert crm.made == [], "it is noted before it is sent"
        noted.append(write)

    own = await read_organization(cast("Side", nav), cast("Side", crm), NEW)
    assert crm.made == [], "reading writes nothing"
    await make_local_currency(cast("Side", crm), own, before)
    return own, noted


async def test_a_local_currency_that_is_there_is_taken_and_none_is_made() -> None:
    found, noted = await read(Nav(), Crm(currencies=[DOLLAR, EURO]))
    assert (found.local_currency, found.local_currency_id, found.base_currency) == ("EUR", NEW, "USD")
    assert (found.currency_digits, found.rates, noted) == (2, {"USD": Decimal("0.8")}, [])


async def test_of_one_currency_on_both_sides_no_other_is_looked_for() -> None:
    crm = Crm(organizations=[{"_basecurrencyid_value": BASE, "currencydecimalprecision": 4}])
    found, noted = await read(Nav(local="usd"), crm)
    assert (found.local_currency_id, found.currency_digits, noted, crm.made) == (BASE, 4, [], [])


@pytest.mark.parametrize("answer", [Status.DONE, Status.EXISTS])
async def test_a_local_currency_that_crm_lacks_is_noted_and_then_made_under_the_given_id(answer: Status) -> None:
    crm = Crm(answer=answer)
    found, noted = await read(Nav(), crm)
    assert found.local_currency_id == NEW
    assert noted == crm.made
    (write,) = noted
    assert (write.id, write.values["isocurrencycode"], write.values["exchangerate"]) == (NEW, "EUR", Decimal("1.25"))


@pytest.mark.parametrize("local", [None, "", "  "])
async def test_without_a_local_currency_nothing_begins(local: str | None) -> None:
    with pytest.raises(ConnectionLost, match="does not name its local currency"):
        await read(Nav(local=local), Crm())


@pytest.mark.parametrize("crm", [Crm(organizations=[]), Crm(organizations=[{}]), Crm(currencies=[EURO])])
async def test_without_a_base_currency_nothing_begins(crm: Crm) -> None:
    with pytest.raises(ConnectionLost, match="does not name its base currency"):
        await read(Nav(), crm)


async def test_without_a_rate_the_local_currency_is_not_made() -> None:
    crm = Crm()
    with pytest.raises(ConnectionLost, match="CRM has no currency EUR, NAV's local one, and it cannot be made"):
        await read(Nav(rates={}), crm)
    assert crm.made == []


async def test_a_local_currency_that_crm_refuses_ends_it_with_the_reason() -> None:
    with pytest.raises(ConnectionLost, match="does not make it: no such privilege"):
        await read(Nav(), Crm(answer=Status.REJECTED))
