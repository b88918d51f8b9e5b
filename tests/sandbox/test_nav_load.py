"""Rows get into both servers from csv files, or from the demo; what is wrong in a file is named by file, line and column."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.demo import demo_seeds
from sandbox.demo.words import HOSTILE
from sandbox.load import LoadError, crm_state, nav_state, read_folder

ADVENTUREWORKS = Path(__file__).parents[2].parent / "shared" / "data" / "adventureworks"
needs_adventureworks = pytest.mark.skipif(
    not ADVENTUREWORKS.is_dir(), reason="NOT TESTED: there is no ../shared/data/adventureworks beside the repository"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "nav/General_Ledger_Setup.csv", "LCY_Code\nUSD\n")
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode())


def load(folder: Path) -> None:
    seeds = read_folder(folder)
    nav_state(seeds)
    crm_state(seeds)


# From files


def test_cells_become_values_of_their_fields(folder: Path) -> None:
    write(folder, "nav/Unit_of_Measure.csv", "Code\nPCS\n")
    write(
        folder,
        "nav/Item.csv",
        'No,Description,Unit_Price,Base_Unit_of_Measure,Inventory,Blocked\na1,"24"" screen",.0500,PCS,7,TRUE\n',
    )
    write(folder, "nav/Customer.csv", '\ufeffNo,Name,Blocked\n1,"Smith, Jones",\n2,Two\r\n'.replace("Two", "Two,All"))
    state = nav_state(read_folder(folder))
    item = state.tables["Item"].rows["A1"]
    assert (item["Description"], item["Unit_Price"], item["Inventory"], item["Blocked"]) == (
        '24" screen',
        Decimal("0.05"),
        7,
        True,
    )
    customers = state.tables["Customer"].rows
    assert [(row["Name"], row["Blocked"]) for row in customers.values()] == [("Smith, Jones", " "), ("Two", "All")]


def test_the_same_file_gives_the_same_ids(folder: Path) -> None:
    write(folder, "nav/Customer.csv", "No\n1\n2\n")
    first, second = (nav_state(read_folder(folder)).tables["Customer"].rows for _ in range(2))
    assert [row["SystemId"] for row in first.values()] == [row["SystemId"] for row in second.values()]
    assert len({row["SystemId"] for row in first.values()}) == 2


def test_crm_rows_name_each_other_in_words(folder: Path) -> None:
    write(folder, "crm/organization.csv", "name,basecurrencycode\nFabrikam,CHF\n")
    write(folder, "crm/account.csv", "name,emailaddress1,customertypecode\nCafé Zoé,zoe@x.example,3\n")
    write(folder, "crm/contact.csv", "lastname,parentcustomerid\nÖberg,Café Zoé\n")
    state = crm_state(read_folder(folder))
    (account,) = state.tables["accounts"].rows.values()
    (contact,) = state.tables["contacts"].rows.values()
    (currency,) = state.tables["transactioncurrencies"].rows.values()
    assert contact["_parentcustomerid_value"] == account["accountid"]
    assert currency["isocurrencycode"] == "CHF"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("nav/Custommer.csv", "No\n1\n", "'Custommer' in nav; did you mean 'Customer'?"),
        ("crm/acount.csv", "name\nx\n", "did you mean 'account'?"),
        ("nav/Customer.csv", "No,Nmae\n1,x\n", "nav/Customer.csv line 2, column Nmae: "),
        ("nav/Customer.csv", "No,Nmae\n1,x\n", "did you mean 'Name'?"),
        ("nav/Customer.csv", "No,No\n1,1\n", "nav/Customer.csv line 1, column No: it is there twice"),
        ("nav/Customer.csv", "No,Name\n1,a\n2\n", "nav/Customer.csv line 3: 1 columns, but the header has 2"),
        ("nav/Customer.csv", f"No,City\n1,ok\n2,{'x' * 31}\n", "nav/Customer.csv line 3, column City: The length of the string is 31"),
        ("nav/Customer.csv", 'No,Name\n1,"two\nlines"\n1,x\n', "nav/Customer.csv line 4, column No: '1' is there twice"),
        ("nav/Customer.csv", "No,Name\n,a\n", "nav/Customer.csv line 2, column No: it is blank"),
        ("nav/Customer.csv", "No,Credit_Limit_LCY\n1,1e\n", "nav/Customer.csv line 2, column Credit_Limit_LCY: '1e' is not a number"),
        ("nav/Customer.csv", "No,Credit_Limit_LCY\n1,NaN\n", "column Credit_Limit_LCY: 'NaN' is not a number"),
        ("nav/Customer.csv", "No,Blocked\n1,Yes\n", "nav/Customer.csv line 2, column Blocked: 'Yes' is not an option"),
        ("nav/Customer.csv", "No,Currency_Code\n1,\n2,XXX\n", "nav/Customer.csv line 3, column Currency_Code: there is no 'XXX' in Currency"),
        ("nav/Customer.csv", 'No,Name\n1,"open\n', "nav/Customer.csv line "),
        ("nav/Item.csv", "No,Blocked\n1,maybe\n", "nav/Item.csv line 2, column Blocked: 'maybe' is neither true nor false"),
        ("crm/account.csv", "name,nmae\nx,y\n", "crm/account.csv line 2: account has no column 'nmae'"),
        ("crm/contact.csv", "lastname,parentcustomerid\nx,Nobody\n", "crm/contact.csv line 2: contact.parentcustomerid: there is no 'Nobody'"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_file_line_and_column(folder: Path, name: str, text: str, message: str) -> None:
    write(folder, name, text)
    with pytest.raises(LoadError) as caught:
        load(folder)
    assert message in str(caught.value)


def test_a_file_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / "nav" / "Customer.csv").write_bytes(b"No,Name\n1,Caf\xe9\n")
    with pytest.raises(LoadError, match=r"nav/Customer\.csv: it is not UTF-8"):
        load(folder)


def test_a_folder_without_a_local_currency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="General_Ledger_Setup"):
        load(tmp_path)


@needs_adventureworks
def test_adventureworks_is_loaded_whole() -> None:
    seeds = read_folder(ADVENTUREWORKS)
    nav, crm = nav_state(seeds), crm_state(seeds)
    assert {name: len(table.rows) for name, table in nav.tables.items()} == {
        "Currency": 104, "Salesperson_Purchaser": 17, "Unit_of_Measure": 38, "Customer": 19185, "Contact": 1454,
        "Resource": 290, "Item": 504, "Vendor": 0, "General_Ledger_Setup": 1,
    }  # fmt: skip
    rates = Counter(row["Exchange_Rate_Amount"] > 0 for row in nav.tables["Currency"].rows.values())
    assert (rates[True], rates[False]) == (13, 91)
    mails = {row.get("internalemailaddress") for row in crm.tables["systemusers"].rows.values()}
    assert all(row["E_Mail"] in mails for row in nav.tables["Salesperson_Purchaser"].rows.values())
    assert all(row["Blocked"] == " " for row in nav.tables["Customer"].rows.values())


# The demo


def test_the_demo_is_the_same_for_a_seed_and_another_for_another() -> None:
    first, again, other = demo_seeds(40, 7), demo_seeds(40, 7), demo_seeds(40, 8)
    assert first == again
    assert first.nav["Customer"] != other.nav["Customer"]
    assert {row["accountid"] for row in first.crm["account"]}.isdisjoint(
        row["accountid"] for row in other.crm["account"]
    )


@pytest.mark.parametrize("size", [0, 1, 4, 12, 250])
def test_a_demo_of_any_size_loads(size: int) -> None:
    seeds = demo_seeds(size)
    nav, crm = nav_state(seeds), crm_state(seeds)
    assert len(nav.tables["Customer"].rows) == size
    assert len(crm.tables["accounts"].rows) == len(seeds.crm["account"])


def test_the_demo_has_what_a_synchronization_must_cope_with() -> None:
    seeds = demo_seeds()
    customers, accounts = seeds.nav["Customer"], seeds.crm["account"]
    assert HOSTILE in {row["Name"] for row in customers}
    names = Counter((row["Name"], row["E_Mail"]) for row in customers)
    assert max(names.values()) == 2, "duplicates in NAV"
    same = Counter((row["name"], row.get("emailaddress1")) for row in accounts)
    ambiguous = [pair for pair, count in same.items() if count == 2 and names[pair] == 1]
    assert len(ambiguous) == 1
    assert len([pair for pair, count in same.items() if count == 1 and names[pair] == 1]) > 10, "accounts to couple"
    assert (
        len(
            [
                row
                for row in accounts
                if row["customertypecode"] == 3 and names[row["name"], row.get("emailaddress1")] == 0
            ]
        )
        >= 10
    )
    no_rate = {row["Code"] for row in seeds.nav["Currency"] if row["Exchange_Rate_Amount"] == 0}
    assert len([row for row in customers if row["Currency_Code"] in no_rate]) == len(no_rate) == 2
    assert [row["Description"] for row in seeds.nav["Item"] if not row["Base_Unit_of_Measure"]] == [
        "Sample without a unit"
    ]
    assert [row for row in seeds.nav["Item"] if row["Unit_Price"] < 0]
    assert [
        row
        for row in seeds.nav["Contact"]
        if row["Type"] == "Person" and row.get("Company_No") and not row.get("Customer_No")
    ]
    users = {row["internalemailaddress"].lower(): row for row in seeds.crm["systemuser"]}
    people = {row["E_Mail"] for row in seeds.nav["Salesperson_Purchaser"]}
    assert (len(people & set(users)), len(set(users) - people), len(people - set(users))) == (11, 2, 1)
    assert len([row for row in users.values() if row["isdisabled"]]) == 1
