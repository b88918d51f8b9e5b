"""The CRM side of the demo: an organization that was in use before it was connected.

Some of its accounts are customers of the NAV company, by e-mail and name; some are not there, and should be created.
"""

import uuid
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from sandbox.demo import words
from sandbox.demo.company import mailbox

Row = dict[str, Any]
_CUSTOMER, _PROSPECT = 3, 8
_TOO_LONG_FOR_NAV = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"


def organization_rows(nav: Mapping[str, Sequence[Row]], lcy: str, random: Random) -> dict[str, list[Row]]:
    """The rows of each table, by logical name, in the order in which they can be added."""
    matched = _matched_accounts(nav["Customer"], random)
    only_here = [_account(random, **values) for values in _accounts_without_customer(len(nav["Customer"]))]
    contacts = _contacts(nav["Contact"], matched, only_here, random)
    return {
        "organization": [{"name": "CRONUS Sales", "basecurrencycode": lcy}],
        "systemuser": _users(nav["Salesperson_Purchaser"], random),
        "uomschedule": [
            {"uomscheduleid": _id(random), "name": name, "baseuomname": unit}
            for name, unit in (("Default Unit", "Primary Unit"), ("NAV PCS", "PCS"))
        ],
        "account": [*(account for _, account in matched), *only_here],
        "contact": contacts,
        "product": _products(nav["Item"], random),
    }


def _id(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _users(salespeople: Sequence[Row], random: Random) -> list[Row]:
    """Users for all salespeople but the last, the last of them disabled, and two users who are no salesperson."""
    users = [
        {
            "systemuserid": _id(random),
            "fullname": one["Name"],
            "internalemailaddress": one["E_Mail"],
            "mobilephone": one["Phone_No"],
            "isdisabled": False,
        }
        for one in salespeople[:-1]
    ]
    users[0]["internalemailaddress"] = users[0]["internalemailaddress"].upper()
    users[-1]["isdisabled"] = True
    for name in ("Márta Kis", "Tom O'Neill"):
        mail = f"{mailbox(name)}@cronus.example"
        users.append({"systemuserid": _id(random), "fullname": name, "internalemailaddress": mail, "isdisabled": False})
    return [{**user, "islicensed": True, "isintegrationuser": False} for user in users]


def _matched_accounts(customers: Sequence[Row], random: Random) -> list[tuple[Row, Row]]:
    """Every tenth customer as an account with an old phone number; the second of them twice, so that it is ambiguous."""
    known = [customer for customer in customers[1::10] if customer["E_Mail"] and customer["Blocked"] == " "]
    twice = [*known[:2], *known[1:]]
    return [
        (
            customer,
            _account(
                random,
                name=customer["Name"],
                emailaddress1=customer["E_Mail"],
                telephone1="+49 30 000000",
                address1_city=customer["City"],
            ),
        )
        for customer in twice
    ]


def _accounts_without_customer(size: int) -> list[Row]:
    accounts: list[Row] = [
        {"name": f"Neukunde {number + 1} – {words.FIRMS[number % len(words.FIRMS)]}", "emailaddress1": f"new{number}@crm-only.example"}
        for number in range(max(3, size // 25))
    ]  # fmt: skip
    accounts[0] |= {
        "address1_city": "Besançon",
        "address1_country": "FR",
        "websiteurl": "https://crm-only.example/café",
    }
    return [
        *accounts,
        {
            "name": "Gwesty'r Ddraig Goch",
            "emailaddress1": "gwesty@crm-only.example",
            "address1_city": _TOO_LONG_FOR_NAV,
        },
        {"name": "Just a prospect", "customertypecode": _PROSPECT},
        {"name": "Left years ago", "emailaddress1": "gone@crm-only.example", "statecode": 1},
    ]


def _account(random: Random, **values: Any) -> Row:
    return {"accountid": _id(random), "customertypecode": _CUSTOMER, **values}


def _contacts(
    persons: Sequence[Row], matched: Sequence[tuple[Row, Row]], only_here: Sequence[Row], random: Random
) -> list[Row]:
    """Primary contacts that CRM knows already, and people whom NAV does not know."""
    by_no = {person["No"]: person for person in persons}
    contacts = []
    for customer, account in matched[3:]:
        person = by_no.get(customer.get("Primary_Contact_No", ""))
        if person is not None:
            contacts.append(_contact(random, account, person["First_Name"], person["Surname"], person["E_Mail"]))
    for number, account in enumerate([*(account for _, account in matched[3:6]), *only_here[:3]]):
        given, family = words.GIVEN[-1 - number], words.FAMILY[-1 - number]
        contacts.append(_contact(random, account, given, family, f"{mailbox(given)}.{number}@crm-only.example"))
    return contacts


def _contact(random: Random, account: Row, given: str, family: str, mail: str) -> Row:
    names = {"firstname": given, "lastname": family, "emailaddress1": mail}
    return {"contactid": _id(random), "parentcustomerid": account["accountid"], **names}


def _products(items: Sequence[Row], random: Random) -> list[Row]:
    unit = {"defaultuomscheduleid": "NAV PCS", "defaultuomid": "PCS", "quantitydecimal": 2, "producttypecode": 1}
    pieces = [item for item in items if item["Base_Unit_of_Measure"] == "PCS" and not item["Blocked"]][:1]
    known = [{"productnumber": item["No"], "name": item["Description"], "statecode": 0} for item in pieces]
    only_here = {"productnumber": "CRM-100", "name": "Gift card à 50 €", "statecode": 0}
    return [{"productid": _id(random), **unit, **product} for product in (*known, only_here)]
