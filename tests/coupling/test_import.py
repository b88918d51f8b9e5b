"""Importing couplings: every line is checked against both sides before anything is stored."""

from pathlib import Path

from engine.model.snapshot import RunSnapshot, RunState
from engine.runs import snapshots
from engine.runs.coupling_files import digest, parse
from engine.runs.requests import Import
from tests.coupling.tools import ask, messages, nav_id, sums
from tests.sync.test_customers import account, customer
from tests.sync.test_products import UNITS, item, product, resource
from tests.sync.world import Make, World

NOBODY = "11111111-2222-3333-4444-555555555555"
HEADER = "mapping,nav_no,nav_id,crm_id"


def request(world: World, path: Path, lines: list[str], *, skip_bad: bool, dry_run: bool) -> Import:
    """What is asked for with a file of these lines."""
    path.write_text("\n".join(lines))
    content = path.read_bytes()
    parsed = parse(content, world.settings.mappings)
    names = tuple(dict.fromkeys(name for line in parsed.lines for name in line.mappings))
    return Import(str(path), digest(content), names, "", skip_bad, dry_run)


async def give(
    world: World, path: Path, lines: list[str], *, skip_bad: bool = False, dry_run: bool = False
) -> RunSnapshot:
    """Imports a file of these lines."""
    return await ask(world, request(world, path, lines, skip_bad=skip_bad, dry_run=dry_run))


def three(make: Make) -> tuple[World, dict[str, str]]:
    world = make(
        {"Customer": [customer("C1"), customer("C2"), customer("C3")]},
        {"account": [account("One", None), account("Two", None), account("Three", None), account("Four", None)]},
    )
    return world, {one["name"]: one["accountid"] for one in world.crm("accounts")}


async def test_couplings_are_stored_and_nothing_is_written(make: Make, tmp_path: Path) -> None:
    world, ids = three(make)
    before = len(world.audit())
    lines = [HEADER, f"CUSTOMER,c1,,{ids['One']}", f"CUSTOMER,,{nav_id(world, 'Customer', 'C2')},{ids['Two']}"]
    run = await give(world, tmp_path / "a.csv", lines)
    assert (run.kind, run.state, sums(run)) == ("import", RunState.FINISHED, {"coupled": 2})
    assert {one.nav_no: one.crm_id for one in world.couplings("CUSTOMER")} == {"C1": ids["One"], "C2": ids["Two"]}
    assert world.audit(before) == []
    again = await give(world, tmp_path / "a.csv", lines)
    assert sums(again) == {"unchanged": 2}, "what is stored already is no fault"


async def test_one_wrong_line_stores_nothing_and_all_faults_are_told(make: Make, tmp_path: Path) -> None:
    world, ids = three(make)
    await give(world, tmp_path / "a.csv", [HEADER, f"CUSTOMER,C3,,{ids['Three']}"])
    lines = [
        HEADER,
        f"CUSTOMER,C1,,{ids['One']}",
        f"CUSTOMER,C9,,{ids['Two']}",
        f"CUSTOMER,C2,,{NOBODY}",
        f"CUSTOMER,,{nav_id(world, 'Customer', 'C2')},{ids['Three']}",
        f"CUSTOMER,,{nav_id(world, 'Customer', 'C3')},{ids['Four']}",
    ]
    run = await give(world, tmp_path / "b.csv", lines)
    assert sums(run) == {"failed": 4}
    assert sorted(messages(world, run)) == [
        "line 3: NAV has no Customer record C9",
        f"line 4: CRM has no account row {NOBODY}",
        f"line 5: cannot couple account {ids['Three']} to Customer C2 because it is already coupled to Customer C3",
        f"line 6: cannot couple Customer C3 to account {ids['Four']} because it is already coupled to account {ids['Three']}",
    ]
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C3"]
    run = await give(world, tmp_path / "b.csv", lines, skip_bad=True)
    assert sums(run) == {"coupled": 1, "failed": 4}
    assert sorted(one.nav_no for one in world.couplings("CUSTOMER")) == ["C1", "C3"]


async def test_one_record_by_number_and_by_id_is_found_to_be_one(make: Make, tmp_path: Path) -> None:
    world, ids = three(make)
    lines = [HEADER, f"CUSTOMER,C1,,{ids['One']}", f"CUSTOMER,,{nav_id(world, 'Customer', 'C1')},{ids['Two']}"]
    run = await give(world, tmp_path / "a.csv", lines)
    assert messages(world, run) == ["line 3: the same record is in line 2 already"]


async def test_a_dry_run_stores_nothing(make: Make, tmp_path: Path) -> None:
    world, ids = three(make)
    run = await give(world, tmp_path / "a.csv", [HEADER, f"CUSTOMER,C1,,{ids['One']}"], dry_run=True)
    assert sums(run) == {"coupled": 1}
    assert world.couplings("CUSTOMER") == []
    assert snapshots.history(world.store) == []


async def test_a_file_that_changed_is_not_imported(make: Make, tmp_path: Path) -> None:
    world, ids = three(make)
    path = tmp_path / "a.csv"
    seen = request(world, path, [HEADER, f"CUSTOMER,C1,,{ids['One']}"], skip_bad=False, dry_run=False)
    request(world, path, [HEADER, f"CUSTOMER,C1,,{ids['Two']}"], skip_bad=False, dry_run=False)
    run = await ask(world, seen)
    assert (run.state, run.code) == (RunState.STOPPED, "config")
    assert world.couplings("CUSTOMER") == []


async def test_navs_own_table_with_products_by_what_the_row_is(make: Make, tmp_path: Path) -> None:
    world = make(
        {"Unit_of_Measure": UNITS, "Item": [item()], "Resource": [resource()], "Customer": [customer()]},
        {
            "uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}],
            "product": [product("X1"), product("X3", producttypecode=3)],
            "account": [account("One", None)],
        },
    )
    goods, service = (world.crm("products", productnumber=no)[0]["productid"] for no in ("X1", "X3"))
    ours, help_ = nav_id(world, "Item", "I1"), nav_id(world, "Resource", "R1")
    firm = world.crm("accounts")[0]["accountid"]
    header = "CRM ID;Integration ID;Table ID"
    wrong = [header, f"{service};{ours};27", f"{goods};{help_};156"]
    run = await give(world, tmp_path / "a.csv", wrong)
    assert sorted(messages(world, run)) == [
        f"line 2: product {service} is not for ITEM-PRODUCT, whose rows have producttypecode 1",
        f"line 3: product {goods} is not for RESOURCE-PRODUCT, whose rows have producttypecode 3",
    ]
    right = [header, f"{goods.upper()};{ours.upper()};27", f"{service};{help_};156"]
    right += [f"{firm};{nav_id(world, 'Customer', 'C1')};18", f"{NOBODY};{NOBODY};36"]
    run = await give(world, tmp_path / "b.csv", right)
    assert sums(run) == {"coupled": 3}
    pairs = {name: world.couplings(name)[0] for name in ("ITEM-PRODUCT", "RESOURCE-PRODUCT", "CUSTOMER")}
    assert {name: (one.nav_no, one.crm_id) for name, one in pairs.items()} == {
        "ITEM-PRODUCT": ("I1", goods),
        "RESOURCE-PRODUCT": ("R1", service),
        "CUSTOMER": ("C1", firm),
    }


async def test_an_id_of_an_older_nav_says_what_to_export(make: Make, tmp_path: Path) -> None:
    world, ids = three(make)
    run = await give(world, tmp_path / "a.csv", ["CRM ID,Integration ID,Table ID", f"{ids['One']},{NOBODY},18"])
    (message,) = messages(world, run)
    assert message.startswith(f"line 2: NAV has no Customer record {NOBODY}; before Business Central 15,")
    assert message.endswith("export its number too, as column No")
