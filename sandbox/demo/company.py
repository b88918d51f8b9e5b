"""The NAV side of the demo: everyday records, duplicates, and some that cannot be synchronized.

What fails, and why: customers in a currency without an exchange rate, an item without a base unit of measure, a person whose company is
no customer.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.demo import words

Row = dict[str, Any]
_ITEMS_AT_MOST = 2_000


def company_rows(size: int, lcy: str, random: Random) -> dict[str, list[Row]]:
    """The rows of each page service, for `size` customers."""
    salespeople = _salespeople(random)
    customers = _customers(size, random, salespeople)
    contacts = _contacts(customers, random)
    return {
        "General_Ledger_Setup": [{"LCY_Code": lcy}],
        "Currency": [
            {
                "Code": code,
                "Description": name,
                "ISO_Code": code,
                "Symbol": symbol,
                "Exchange_Rate_Amount": Decimal(rate),
            }
            for code, name, symbol, rate in words.CURRENCIES
        ],
        "Unit_of_Measure": [{"Code": code, "Description": name} for code, name in words.UNITS],
        "Salesperson_Purchaser": salespeople,
        "Customer": customers,
        "Contact": contacts,
        "Resource": _resources(max(8, min(size // 10, _ITEMS_AT_MOST)), random),
        "Item": _items(max(20, min(size // 3, _ITEMS_AT_MOST)), random),
    }


def mailbox(text: str) -> str:
    """A text as the local part of an address or a host name: lower-case ASCII."""
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("Ł", "L"))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")


def _salespeople(random: Random) -> list[Row]:
    people = []
    for number, (given, family) in enumerate(zip(words.GIVEN[:12], words.FAMILY[:12], strict=True)):
        people.append({
            "Code": f"{mailbox(given)[:1]}{mailbox(family)[:3]}{number + 1:02d}".upper(),
            "Name": f"{given} {family}",
            "E_Mail": f"{mailbox(given)}.{mailbox(family)}@cronus.example",
            "Phone_No": f"+49 30 5550 {100 + number}",
            "Commission_Percent": Decimal(random.choice(("0", "1.5", "2.25", "5"))),
        })  # fmt: skip
    return people


def _customers(size: int, random: Random, salespeople: Sequence[Row]) -> list[Row]:
    currencies = [code for code, _, _, rate in words.CURRENCIES if rate != "0"]
    without_rate = [code for code, _, _, rate in words.CURRENCIES if rate == "0"]
    customers: list[Row] = []
    for number in range(size):
        firm, trade = words.FIRMS[number % len(words.FIRMS)], random.choice(words.TRADES)
        country, city, county, post_code, phone, form = random.choice(words.PLACES)
        customers.append({
            "No": f"{10_000 + 10 * number}",
            "Name": f"{firm} {trade} {form}",
            "Address": f"{random.choice(words.STREETS)} {random.randint(1, 180)}",
            "City": city, "County": county, "Post_Code": post_code, "Country_Region_Code": country,
            "Phone_No": f"{phone} {random.randint(100_000, 999_999)}",
            "E_Mail": f"office{number}@{mailbox(firm)}.example",
            "Home_Page": f"https://{mailbox(firm)}.example" if random.random() < 0.4 else "",
            "Currency_Code": random.choice(currencies) if random.random() < 0.3 else "",
            "Salesperson_Code": random.choice(salespeople[:-2])["Code"] if random.random() < 0.8 else "",
            "Credit_Limit_LCY": Decimal(random.choice((0, 0, 5_000, 25_000, 100_000))),
            "Blocked": random.choice(("Ship", "Invoice", "All")) if random.random() < 0.03 else " ",
        })  # fmt: skip
    for customer, changes in zip(customers[3:], _oddities(customers, without_rate, salespeople), strict=False):
        customer.update(changes)
    return customers


def _oddities(customers: Sequence[Row], without_rate: Sequence[str], salespeople: Sequence[Row]) -> list[Row]:
    """What is special about the fourth customer and those after it; none of them is blocked, so that all take part."""
    twin = {"Name": customers[2]["Name"], "E_Mail": customers[2]["E_Mail"]} if len(customers) > 2 else {}
    changes: list[Row] = [
        {"Name": words.HOSTILE, "E_Mail": "acme@acme.example"},
        {"Currency_Code": without_rate[0]},
        {"Currency_Code": without_rate[1]},
        twin,
        {"Name": 'Smith, Jones & Co. "The Firm", Ltd.'},
        {"E_Mail": "", "Phone_No": ""},
        {"Salesperson_Code": salespeople[-1]["Code"]},
        {"Salesperson_Code": salespeople[-2]["Code"]},
    ]  # fmt: skip
    return [{**change, "Blocked": " "} for change in changes]


def _contacts(customers: Sequence[Row], random: Random) -> list[Row]:
    """Company contacts with their persons, and each customer's primary contact; one in eight customers has none."""
    contacts: list[Row] = []
    for number, customer in enumerate(customers):
        if number % 8 == 7:
            continue
        company_no = f"CO{number + 1:05d}"
        address = {name: customer[name] for name in ("Address", "City", "County", "Post_Code", "Country_Region_Code")}
        contacts.append({
            "No": company_no, "Type": "Company", "Company_No": company_no, "Company_Name": customer["Name"],
            "Customer_No": customer["No"], "Name": customer["Name"], "E_Mail": customer["E_Mail"],
            "Phone_No": customer["Phone_No"], **address,
        })  # fmt: skip
        for place in range(random.choice((1, 1, 2, 3))):
            person = _person(f"CP{number + 1:05d}{place + 1}", random)
            contacts.append({
                **person, "Company_No": company_no, "Company_Name": customer["Name"], "Customer_No": customer["No"],
                "Salesperson_Code": customer["Salesperson_Code"], **address,
            })  # fmt: skip
            if place == 0:
                customer |= {"Primary_Contact_No": person["No"], "Contact": person["Name"]}
    prospect = "Interessent ohne Auftrag e.K."
    company = {"No": "CO99999", "Type": "Company", "Company_No": "CO99999", "Company_Name": prospect, "Name": prospect}
    alone = {**_person("CP999991", random), "Company_No": "CO99999", "Company_Name": prospect}
    return [*contacts, company, alone, _person("CP999992", random)]


def _person(no: str, random: Random) -> Row:
    given, family = random.choice(words.GIVEN), random.choice(words.FAMILY)
    middle = random.choice(words.GIVEN) if random.random() < 0.15 else ""
    return {
        "No": no, "Type": "Person", "First_Name": given, "Middle_Name": middle, "Surname": family,
        "Name": " ".join(part for part in (given, middle, family) if part),
        "E_Mail": f"{mailbox(given)}.{mailbox(family)}.{no.lower()}@people.example",
        "Mobile_Phone_No": f"+49 170 {random.randint(1_000_000, 9_999_999)}",
    }  # fmt: skip


def _resources(count: int, random: Random) -> list[Row]:
    resources = []
    for number in range(count):
        machine = number % 4 == 3
        person = f"{random.choice(words.GIVEN)} {random.choice(words.FAMILY)}"
        cost = Decimal(random.randint(2_000, 9_000)) / 100
        resources.append({
            "No": f"R{number + 1:04d}",
            "Name": f"{random.choice(words.MACHINES)} {number + 1}" if machine else f"{person}, {random.choice(words.TRADES)}",
            "Type": "Machine" if machine else "Person",
            "Base_Unit_of_Measure": "DAY" if machine else "HOUR",
            "Unit_Price": cost * 2, "Unit_Cost": cost, "Capacity": Decimal(random.choice((0, 8, 40))),
            "Blocked": number % 11 == 10,
        })  # fmt: skip
    return resources


def _items(count: int, random: Random) -> list[Row]:
    units = [code for code, _ in words.UNITS if code not in ("HOUR", "DAY")]
    items = []
    for number in range(count):
        cost = Decimal(random.randint(100, 90_000)) / 100
        items.append({
            "No": f"{1_000 + number}-{random.choice('ABS')}",
            "Description": f"{random.choice(words.GOODS)} {random.choice(words.LOOKS)}",
            "Base_Unit_of_Measure": random.choice(units),
            "Unit_Price": (cost * Decimal("1.35")).quantize(Decimal("0.01")), "Unit_Cost": cost,
            "Gross_Weight": Decimal(random.randint(0, 5_000)) / 100, "Unit_Volume": Decimal(random.randint(0, 200)) / 100,
            "Inventory": Decimal(random.randint(0, 500)), "Vendor_No": f"V{random.randint(1, 9):03d}",
            "Vendor_Item_No": f"{random.randint(10_000, 99_999)}", "Blocked": number % 17 == 16,
        })  # fmt: skip
    items[1] |= {"Base_Unit_of_Measure": "", "Description": "Sample without a unit"}
    items[2] |= {"Unit_Price": Decimal("-12.50"), "Description": "Returned deposit"}
    items[3] |= {"Inventory": Decimal(-4), "Description": "Sold before it arrived"}
    return items
