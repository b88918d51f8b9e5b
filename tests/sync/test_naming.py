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
from engine.store.couplings import Coupling
from engine.sync.naming import called
from tests.store.tools import AT, couple, crm, nav
from tests.sync.test_customers import account, customer
from tests.sync.test_difference import by_field, compared, listed
from tests.sync.test_salespeople import person, user
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


async def test_a_lookup_to_what_is_coupled_with_nothing_is_shown_by_what_crm_calls_it(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [person("ANNA", "anna@x.example")], "Customer": [customer("C1")]},
        {"systemuser": [user("Anna")]},
    )
    await world.run("SALEPEOPLE", "CUSTOMER")
    ours = world.crm("systemusers", systemuserid=world.sandbox.crm.user_id)[0]["fullname"]
    row = browsing.couplings(world.store, world.settings, "CUSTOMER", "", None, 9).rows[0]
    both = await asyncio.to_thread(browsing.both_records, world.store, world.settings, row)
    assert [one.crm_value for one in both.fields if one.crm == "ownerid"] == [ours]
    world.edit_nav("Customer", "C1", Salesperson_Code="ANNA")
    (record,) = listed(world, await world.plan("SALEPEOPLE", "CUSTOMER"), "CUSTOMER", Effect.MODIFIED)
    change = by_field(await compared(world, record))["Salesperson_Code"]
    assert (change.source, change.now, change.then) == ("ANNA", ours, "ANNA")
    world.sandbox.crm.tables["systemusers"].delete(world.sandbox.crm.user_id)
    change = by_field(await compared(world, record))["Salesperson_Code"]
    assert change.now == world.sandbox.crm.user_id, "what nobody can name stays an id"


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
    (told,) = queues.with_names(world.store, [one], mappings)
    assert [clash.crm_name for clash in told.fields] == ["NET30 (1)", ""]
    assert [clash.same for clash in told.fields] == [clash.same for clash in fields], "a choice is about the values"
    assert queues.with_names(world.store, [replace(one, mapping="GONE")], mappings)[0].fields == fields


def test_conflicts_about_lookups_are_shown_with_the_number_of_what_they_lead_to(make: Make) -> None:
    world = make()
    contacts = (Coupling(nav(1), crm(1), "KT1"), Coupling(nav(2), crm(2), "KT2"))
    couple(world.store, *contacts, mapping="CONTACTS")
    fields = tuple(
        Clash("Primary_Contact_No", "primarycontactid", "KT2", value) for value in (crm(1), crm(9), "no id", None)
    )
    one = Conflict("CUSTOMER", "n", "c", "C1", "Firm", 1, AT, fields)
    (told,) = queues.with_names(world.store, [one], world.settings.mappings)
    assert [clash.crm_name for clash in told.fields] == ["KT1", "", "", ""]
    assert [clash.same for clash in told.fields] == [clash.same for clash in fields], "a choice is about the values"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "Customer (3)"), ("3", "Customer (3)"), (4, 4), (None, None), ("", ""), ("x", "x"), (True, True)],
)
def test_a_number_without_a_name_stays_alone(value: object, shown: object) -> None:
    assert called(value, {3: " Customer ", 1: "yes"}) == shown  # type: ignore[arg-type]  # also what is no such value
