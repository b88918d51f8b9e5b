"""SALEPEOPLE (reference/domain.md section 1.2)."""

from typing import Any

from tests.sync.world import Make, counters


def user(name: str, mail: str | None = None, **more: Any) -> dict[str, Any]:
    mail = f"{name.lower()}@x.example" if mail is None else mail
    values = {"fullname": name, "internalemailaddress": mail, "mobilephone": "1"}
    return {**values, "isdisabled": False, "islicensed": True, "isintegrationuser": False, **more}


def person(code: str, mail: str, **more: Any) -> dict[str, Any]:
    return {"Code": code, "Name": code.title(), "E_Mail": mail, **more}


async def test_salespeople_are_coupled_by_mail_in_any_case_and_follow_crm(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [person("ANNA", "ANNA@x.example"), person("JOHN", "john@x.example")]},
        {"systemuser": [user("Anna"), user("John")]},
    )
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"modified": 2, "coupled": 2}
    assert [one["Phone_No"] for one in world.nav("Salesperson_Purchaser")] == ["1", "1"]
    assert world.nav("Salesperson_Purchaser", Code="ANNA")[0]["E_Mail"] == "anna@x.example"
    assert world.audit(side="crm") == [], "users are licences: nothing is written to CRM"
    assert world.audit(op="create") == []


async def test_a_user_whom_nobody_matches_becomes_a_salesperson_with_the_next_code(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [person("SP NO. 00007", ""), person("SP NO. X", ""), person("ZOE", "")]},
        {"systemuser": [user("Anna"), user("John"), user("Nobody", "")]},
    )
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"inserted": 3}
    made = [one for one in world.nav("Salesperson_Purchaser") if one["Phone_No"] == "1"]
    assert [one["Code"] for one in made] == ["SP NO. 00008", "SP NO. 00009", "SP NO. 00010"]
    assert {one["Name"] for one in made} == {"Anna", "John", "Nobody"}
    couplings = {one.crm_id: one.nav_no for one in world.couplings("SALEPEOPLE")}
    assert couplings == {one["CRM_Id"]: one["Code"] for one in made}


async def test_the_first_code_of_all(make: Make) -> None:
    world = make({}, {"systemuser": [user("Anna")]})
    await world.run("SALEPEOPLE")
    assert [one["Code"] for one in world.nav("Salesperson_Purchaser")] == ["SP NO. 00001"]


async def test_codes_of_five_digits_may_run_over(make: Make) -> None:
    world = make({"Salesperson_Purchaser": [person("SP NO. 09999", "")]}, {"systemuser": [user("Anna"), user("John")]})
    await world.run("SALEPEOPLE")
    assert [one["Code"] for one in world.nav("Salesperson_Purchaser")][1:] == ["SP NO. 10000", "SP NO. 10001"]
    world.sandbox.crm.seed("systemuser", user("Late"))
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"inserted": 1, "unchanged": 2}
    assert world.nav("Salesperson_Purchaser")[-1]["Code"] == "SP NO. 10002"


async def test_users_who_do_not_sell_are_left_out(make: Make) -> None:
    users = [user("Off", isdisabled=True), user("Free", islicensed=False), user("App", isintegrationuser=True)]
    world = make({}, {"systemuser": users})
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {}
    assert world.nav("Salesperson_Purchaser") == []


async def test_two_salespeople_with_one_mail_are_for_people_to_decide(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [person("A", "anna@x.example"), person("B", "anna@x.example")]},
        {"systemuser": [user("Anna"), user("John")]},
    )
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"inserted": 1, "failed": 1, "ambiguous": 1}
    assert world.codes(run) == {"Anna": "ambiguous"}
    assert world.couplings("SALEPEOPLE")[0].nav_no == "SP NO. 00001"


async def test_a_name_that_nav_cannot_hold_is_cut_with_a_warning_and_not_written_again(make: Make) -> None:
    long = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
    world = make({}, {"systemuser": [user(long, "long@x.example")]})
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"inserted": 1, "warnings": 1}
    (one,) = world.outcomes(run)
    assert (one.kind, one.code) == ("warning", "cut")
    assert "58 characters" in one.message
    assert world.nav("Salesperson_Purchaser")[0]["Name"] == long[:50]
    before = len(world.audit())
    again = await world.run("SALEPEOPLE")
    assert counters(again, "SALEPEOPLE") == {"unchanged": 1, "warnings": 1}
    assert world.audit(before) == []
