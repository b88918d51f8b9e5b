"""Match-based coupling as a job of its own (reference/domain.md section 5.3)."""

from dataclasses import replace

from engine.model.mapping import ConflictPolicy, MatchRule
from engine.model.snapshot import JobState, JobType, RunState, Wish
from engine.runs import snapshots
from engine.runs.requests import Match
from tests.coupling.tools import ask, change, messages, sums
from tests.sync.test_customers import account, customer
from tests.sync.test_salespeople import user
from tests.sync.world import Make, World

CUSTOMER = Match(("CUSTOMER",))


def pairs(world: World, mapping: str = "CUSTOMER") -> dict[str, str]:
    """The names of accounts by the numbers of their customers."""
    names = {one["accountid"]: one["name"] for one in world.crm("accounts")}
    return {one.nav_no: names[one.crm_id] for one in world.couplings(mapping)}


async def test_what_matches_alone_is_coupled_and_nothing_is_written(make: Make) -> None:
    world = make(
        {"Customer": [customer("C1"), customer("C2"), customer("C3", E_Mail="")]},
        {"account": [account(), account("FIRM C2 ", "C2@X.EXAMPLE"), account("Firm C3", None)]},
    )
    before = len(world.audit())
    run = await ask(world, CUSTOMER)
    assert (run.kind, run.state, sums(run)) == ("match", RunState.FINISHED, {"coupled": 2, "failed": 1})
    assert pairs(world) == {"C1": "Firm C1", "C2": "FIRM C2 "}
    assert world.codes(run) == {"C3": "unmatched"}, "a blank criterion is skipped"
    assert world.audit(before) == []
    (job,) = snapshots.history(world.store)
    assert (job.type, job.counters.coupled, job.counters.failed) == (JobType.COUPLING, 2, 1)


async def test_several_candidates_are_named_and_none_is_coupled(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account(), account()]})
    run = await ask(world, CUSTOMER)
    assert sums(run) == {"failed": 1, "ambiguous": 1}
    (message,) = messages(world, run)
    assert all(one["accountid"] in message for one in world.crm("accounts"))
    assert pairs(world) == {}


async def test_two_customers_that_match_one_account_are_both_left(make: Make) -> None:
    twins = [customer("C1"), customer("C2", Name="Firm C1", E_Mail="c1@x.example")]
    world = make({"Customer": twins}, {"account": [account()]})
    run = await ask(world, CUSTOMER)
    assert sums(run) == {"failed": 2, "ambiguous": 2}
    assert set(messages(world, run)) == {
        f"2 uncoupled Customer records match account {world.crm('accounts')[0]['accountid']}; nothing was coupled."
    }


async def test_the_next_rule_decides_what_the_first_one_cannot(make: Make) -> None:
    world = make(
        {"Customer": [customer("C1", Phone_No="1")]},
        {"account": [account(telephone1="1"), account(telephone1="2")]},
    )
    by_name, by_phone = MatchRule((("Name", "name"),)), MatchRule((("Phone_No", "telephone1"),))
    change(world, "CUSTOMER", match=(by_name, by_phone))
    run = await ask(world, CUSTOMER)
    assert sums(run) == {"coupled": 1}
    (pair,) = world.couplings("CUSTOMER")
    assert pair.crm_id == world.crm("accounts", telephone1="1")[0]["accountid"]


async def test_a_field_that_minds_case_does(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account("FIRM C1")]})
    own = next(one for one in world.settings.mappings if one.name == "CUSTOMER")
    change(world, "CUSTOMER", fields=tuple(replace(one, case_sensitive=one.nav == "Name") for one in own.fields))
    assert world.codes(await ask(world, CUSTOMER)) == {"C1": "unmatched"}
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], name="Firm C1")
    assert sums(await ask(world, CUSTOMER)) == {"coupled": 1}


async def test_only_rows_in_the_filter_of_the_mapping_are_candidates(make: Make) -> None:
    world = make(
        {"Customer": [customer("C1"), customer("C2", Blocked="All")]},
        {"account": [account(customertypecode=5), account("Firm C2", "c2@x.example")]},
    )
    run = await ask(world, CUSTOMER)
    assert world.codes(run) == {"C1": "unmatched"}, "and only customers in the table filter are looked at"
    assert pairs(world) == {}


async def test_records_without_a_match_get_rows_when_that_is_asked_for(make: Make) -> None:
    world = make({"Customer": [customer("C1"), customer("C2")]}, {"account": [account(), account()]})
    run = await ask(world, Match(("CUSTOMER",), create=True))
    assert sums(run) == {"inserted": 1, "failed": 1, "ambiguous": 1}
    assert world.codes(run) == {"C1": "ambiguous"}, "what is ambiguous is never made"
    assert pairs(world) == {"C2": "Firm C2"}
    await ask(world, Match(("CUSTOMER",), create=True))
    assert len(world.crm("accounts")) == 3


async def test_the_mapping_can_say_that_rows_are_made(make: Make) -> None:
    world = make({"Customer": [customer("C2")]})
    change(world, "CUSTOMER", create_unmatched=True)
    run = await ask(world, CUSTOMER)
    assert sums(run) == {"inserted": 1}
    assert pairs(world) == {"C2": "Firm C2"}


async def test_salespeople_are_matched_and_users_never_made(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [{"Code": "A", "E_Mail": "anna@x.example"}, {"Code": "B", "E_Mail": "b@x.example"}]},
        {"systemuser": [user("Anna")]},
    )
    before = len(world.crm("systemusers"))
    run = await ask(world, Match(("SALEPEOPLE",), create=True))
    assert sums(run) == {"coupled": 1, "failed": 1}
    assert world.codes(run) == {"B": "unmatched"}
    assert len(world.crm("systemusers")) == before


async def test_pairs_are_synchronized_as_the_mapping_says(make: Make) -> None:
    for policy, city in (
        (ConflictPolicy.NONE, "Ulm"),
        (ConflictPolicy.SEND_UPDATE, "Ulm"),
        (ConflictPolicy.GET_UPDATE, "Bonn"),
    ):
        world = make({"Customer": [customer(City="Ulm")]}, {"account": [account(address1_city="Bonn")]})
        change(world, "CUSTOMER", sync_after_coupling=True, conflict=policy)
        run = await ask(world, CUSTOMER)
        assert sums(run) == {"coupled": 1, "modified": 1}, policy
        assert world.nav("Customer")[0]["City"] == city
        assert world.crm("accounts")[0]["address1_city"] == city


async def test_units_match_by_the_name_of_their_group(make: Make) -> None:
    world = make({"Unit_of_Measure": [{"Code": "PCS"}]}, {"uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}]})
    assert sums(await ask(world, Match(("UNITOFMEASURE",)))) == {"coupled": 1}


async def test_all_mappings_are_matched_by_default_and_again_changes_nothing(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account()]})
    first = await ask(world, Match())
    assert [job.mapping for job in first.jobs] == [one.name for one in world.settings.mappings]
    again = await ask(world, Match())
    assert again.counters.coupled == 0
    run = await world.run("CUSTOMER")
    assert len(world.crm("accounts")) == 1
    assert run.counters.inserted == 0


async def test_a_job_that_is_stopped_does_nothing_more_and_can_be_started_again(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account()]})
    run = await ask(world, CUSTOMER, wish=Wish.STOP)
    assert (run.state, run.code, run.hint, run.jobs[0].state) == (RunState.STOPPED, "stopped", "", JobState.STOP)
    assert pairs(world) == {}
    assert sums(await ask(world, CUSTOMER)) == {"coupled": 1}
