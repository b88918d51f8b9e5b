"""Choices and options are shown by name and number wherever people compare, and no server is asked more for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.connectors.dataverse import Dataverse
from engine.model.conflict import Clash, Conflict
from engine.model.mapping import OptionMapping
from engine.model.plan import Effect
from engine.runs import browsing, queues, reviews
from engine.sync.naming import called
from tests.store.tools import AT
from tests.sync.test_customers import account, customer
from tests.sync.test_difference import by_field, compared, listed
from tests.sync.world import Make, World


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables of CRM whose labels were asked for."""
    found: list[str] = []
    real = Dataverse.labels

    async def noted(self: Dataverse, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
        found.append(entity)
        return await real(self, entity, columns)

    monkeypatch.setattr(Dataverse, "labels", noted)
    return found


def firms(make: Make) -> World:
    return make(
        {"Customer": [customer("C1")]}, {"account": [account(customertypecode=8), account("Two", "t@x.example")]}
    )


async def test_what_would_be_written_is_called_by_its_name(make: Make, asked: list[str]) -> None:
    world = firms(make)
    plan = await world.plan("CUSTOMER")
    asked.clear()
    (record,) = listed(world, plan, "CUSTOMER", Effect.COUPLED)
    change = by_field(await compared(world, record))["customertypecode"]
    assert (change.now, change.then) == ("Prospect (8)", "Customer (3)")
    assert asked == ["accounts"]


async def test_both_records_of_a_coupling_are_shown_with_names(make: Make, asked: list[str]) -> None:
    world = firms(make)
    await world.run("CUSTOMER")
    asked.clear()
    (row,) = [
        one for one in browsing.couplings(world.store, world.settings, None, "", None, 9).rows if one.nav_no == "C1"
    ]
    found = await asyncio.to_thread(browsing.both_records, world.store, world.settings, row)
    (field,) = [one for one in found.fields if one.crm == "customertypecode"]
    assert (field.nav_value, field.crm_value) == ("Customer (3)", "Customer (3)")
    assert set(asked) == {"accounts"}
    assert len(asked) == 1


async def test_candidates_are_shown_with_names_and_compared_without(make: Make, asked: list[str]) -> None:
    world = make({"Customer": [customer("C1")]}, {"account": [account(paymenttermscode=1), account()]})
    await world.plan("CUSTOMER")
    asked.clear()
    record = next(one for one in reviews.page(world.store).records if one.nav_no == "C1")
    found = await asyncio.to_thread(reviews.candidates, world.store, world.settings, record)
    at = next(index for index, one in enumerate(found.fields) if one.crm == "paymenttermscode")
    assert {one.values[at] for one in found.candidates} == {None, "Net 30 (1)"}
    assert asked == ["accounts"]


def test_conflicts_are_shown_with_the_codes_that_the_mapping_has(make: Make) -> None:
    world = make()
    mappings = [
        replace(one, options=(OptionMapping("PAYMENT TERMS", (("NET30", 1), ("30 DAYS", 1))),))
        if one.name == "CUSTOMER"
        else one
        for one in world.settings.mappings
    ]
    fields = (Clash("Payment_Terms_Code", "paymenttermscode", "NET30", 1), Clash("City", "address1_city", "1", "1"))
    one = Conflict("CUSTOMER", "n", "c", "C1", "Firm", 1, AT, fields)
    (told,) = queues.with_names([one], mappings)
    assert [clash.crm_name for clash in told.fields] == ["NET30", ""]
    assert [clash.same for clash in told.fields] == [clash.same for clash in fields], "a choice is about the values"
    assert queues.with_names([replace(one, mapping="GONE")], mappings)[0].fields == fields


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "Customer (3)"), ("3", "Customer (3)"), (4, 4), (None, None), ("", ""), ("x", "x"), (True, True)],
)
def test_a_number_without_a_name_stays_alone(value: object, shown: object) -> None:
    assert called(value, {3: " Customer ", 1: "yes"}) == shown  # type: ignore[arg-type]  # also what is no such value
