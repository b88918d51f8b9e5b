"""A small company by chance: records that both sides have, or only one, each with a sign of its own.

The sign, such as T07, stands in a field of the record and of its partner whatever happens to them, so that it can be told
without the engine what belongs together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.load import Seeds

Row = dict[str, Any]
SIGN = re.compile(r"\bT\d\d\b")
SETS: Mapping[str, tuple[str, str, str, str]] = {
    "CURRENCY": ("Currency", "Code", "transactioncurrencies", "isocurrencycode"),
    "SALEPEOPLE": ("Salesperson_Purchaser", "Name", "systemusers", "fullname"),
    "UNITOFMEASURE": ("Unit_of_Measure", "Code", "uomschedules", "name"),
    "CUSTOMER": ("Customer", "Name", "accounts", "name"),
    "CONTACTS": ("Contact", "Surname", "contacts", "lastname"),
    "RESOURCE-PRODUCT": ("Resource", "Name", "products", "name"),
    "ITEM-PRODUCT": ("Item", "Description", "products", "name"),
}
"""Page and field, table and column, that hold the sign."""
_ODD = 0.3
"""How likely a company has records that cannot be synchronized."""
ONE_WAY = {"CURRENCY": "to", "SALEPEOPLE": "from", "UNITOFMEASURE": "to"}
"""Mappings of one direction (reference/domain.md section 1): their other side is never written."""
_PRODUCT_TYPES = {"RESOURCE-PRODUCT": 3, "ITEM-PRODUCT": 1}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two fields that hold the same; `way` is "to" CRM, "from" CRM or "both" (reference/domain.md section 1)."""

    mapping: str
    nav: str
    crm: str
    way: str = "both"

    def of(self, side: str) -> str:
        """The field of a side."""
        return self.nav if side == "nav" else self.crm


PAIRS = (
    Pair("CURRENCY", "Description", "currencyname", "to"),
    Pair("SALEPEOPLE", "Phone_No", "mobilephone", "from"),
    Pair("CUSTOMER", "Phone_No", "telephone1"),
    Pair("CUSTOMER", "City", "address1_city"),
    Pair("CONTACTS", "Phone_No", "telephone1"),
    Pair("CONTACTS", "Pager", "pager"),
    Pair("RESOURCE-PRODUCT", "Name", "name"),
    Pair("ITEM-PRODUCT", "Description", "name"),
)
"""What people edit; each holds a text."""

_CHOICES = (
    ("CURRENCY",),
    ("SALEPEOPLE",),
    ("SALEPEOPLE",),
    ("CUSTOMER",),
    ("CUSTOMER",),
    ("CUSTOMER",),
    ("CUSTOMER",),
    ("CUSTOMER", "CONTACTS"),
    ("CUSTOMER", "CONTACTS"),
    ("CURRENCY", "SALEPEOPLE", "CUSTOMER"),
    ("UNITOFMEASURE", "ITEM-PRODUCT"),
    ("UNITOFMEASURE", "RESOURCE-PRODUCT"),
    tuple(SETS),
)


@dataclass(frozen=True, slots=True)
class Company:
    """What both servers have at first. Records with the signs `outside` do not pass a table filter. Those with the signs
    `refused` cannot be made on the other side, as the server refuses a value or their company is such a one; of those
    with the signs `alike` one side has two that look the same; those with the signs `mute` have no e-mail.
    """

    seeds: Seeds
    jobs: tuple[str, ...]
    outside: frozenset[str]
    refused: frozenset[str] = frozenset()
    alike: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()


NOWHERE = "Nowhere"
"""A county that NAV does not know."""
_TOO_MUCH = Decimal(900_000_000_000_000_000)
"""More than an amount of CRM can be."""


def some_company(random: Random, odd: Random) -> Company:
    """A company, and the jobs that are going to be run for it. `odd` decides on records that cannot be synchronized."""
    maker = _Maker(random)
    maker.regular()
    if odd.random() < _ODD:
        maker.odd(odd)
    return maker.company()


class _Maker:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._number = 0
        self._nav: dict[str, list[Row]] = {"General_Ledger_Setup": [{"LCY_Code": "EUR"}]}
        self._crm: dict[str, list[Row]] = {"organization": [{"name": "Org", "basecurrencycode": "EUR"}]}
        self._outside: set[str] = set()
        self._firms: list[tuple[str, bool, bool]] = []

        self._jobs: tuple[str, ...] = ()
        self._refused: set[str] = set()
        self._alike: set[str] = set()

    def company(self) -> Company:
        """What it has become."""
        signs = (frozenset(one) for one in (self._outside, self._refused, self._alike))
        return Company(Seeds(self._nav, self._crm), self._jobs, *signs)

    def regular(self) -> None:
        """Records that can be synchronized, unless they do not pass a table filter."""
        jobs = self._jobs = self._random.choice(_CHOICES)
        if "UNITOFMEASURE" in jobs:
            self._put(self._nav, "Unit_of_Measure", {"Code": "PCS"})
            self._put(self._crm, "uomschedule", {"name": "NAV PCS", "baseuomname": "PCS"})
        for mapping in SETS:
            if mapping in jobs:
                for _ in range(self._random.randint(2, 5 if len(jobs) < 3 else 3)):
                    self._record(mapping)

    def odd(self, odd: Random) -> None:
        """Records that a server refuses for good, with persons who belong to them, and those that are alike."""
        for number in range(odd.randint(1, 2)):
            mapping = odd.choice(self._jobs)
            sign, person = f"T{80 + number}", f"T{90 + number}"
            match mapping, odd.choice(("nav", "crm")):
                case "CUSTOMER", side:
                    if odd.random() < 0.4:
                        self._alike.add(sign)
                        self._firm(sign, nav=1 + (side == "nav"), crm=1 + (side == "crm"))
                    else:
                        self._refused.add(sign)
                        self._firm(sign, nav=side == "nav", crm=side == "crm", refused=True)
                    if "CONTACTS" in self._jobs and odd.random() < 0.5:
                        self._refused.add(person)
                        self._person(person, sign, side)
                case "CONTACTS", _ if firms := [firm for firm, _, in_crm in self._firms if in_crm]:
                    self._refused.add(sign)
                    row = crm_row(mapping, sign, odd.choice(firms)) | {"address1_stateorprovince": NOWHERE}
                    self._put(self._crm, _LOGICAL[mapping], row)
                case (("RESOURCE-PRODUCT" | "ITEM-PRODUCT"), _):
                    self._refused.add(sign)
                    self._put(self._nav, SETS[mapping][0], nav_record(mapping, sign) | {"Unit_Price": _TOO_MUCH})

    def _firm(self, sign: str, *, nav: int, crm: int, refused: bool = False) -> None:
        """So many customers and accounts that look the same."""
        for number in range(nav):
            no = f"{sign}{'B' * number}"
            more = {"No": no, "Credit_Limit_LCY": _TOO_MUCH if refused else Decimal()}
            self._put(self._nav, "Customer", nav_record("CUSTOMER", sign) | more)
            self._put(self._nav, "Contact", _company_of(no, sign))
        for _ in range(crm):
            more = {"address1_stateorprovince": NOWHERE} if refused else {}
            self._put(self._crm, "account", crm_row("CUSTOMER", sign) | more)

    def _person(self, sign: str, firm: str, side: str) -> None:
        if side == "nav":
            self._put(self._nav, "Contact", nav_record("CONTACTS", sign, firm))
        elif firm in self._refused:  # of two companies that look the same, it would not tell which
            self._put(self._crm, "contact", crm_row("CONTACTS", sign, firm))

    def _record(self, mapping: str) -> None:
        self._number += 1
        sign = f"T{self._number:02d}"
        where = self._random.choice(("nav", "crm", "crm", "both"))
        if mapping == "CONTACTS" and not self._firms:
            where = ""
        one_way = ONE_WAY.get(mapping)
        if one_way is not None and where != "both":
            where = "nav" if one_way == "to" else "crm"
        out = mapping in ("CUSTOMER", "SALEPEOPLE", "ITEM-PRODUCT") and self._random.random() < 0.12
        if out and where == "both":
            out = False
        if out:
            self._outside.add(sign)
        firm = self._random.choice(self._firms) if mapping == "CONTACTS" and self._firms else ("", False, False)
        in_nav = where in ("nav", "both") and (mapping != "CONTACTS" or firm[1])
        in_crm = where in ("crm", "both") and (mapping != "CONTACTS" or firm[2])
        if in_nav:
            self._put(self._nav, SETS[mapping][0], nav_record(mapping, sign, firm[0], out=out))
        if in_crm:
            self._put(self._crm, _LOGICAL[mapping], crm_row(mapping, sign, firm[0], out=out))
        if mapping == "CUSTOMER" and not out:
            self._firms.append((sign, in_nav, in_crm))
            if in_nav:
                self._put(self._nav, "Contact", _company_of(sign, sign))

    @staticmethod
    def _put(rows: dict[str, list[Row]], name: str, row: Row) -> None:
        rows.setdefault(name, []).append(row)


_LOGICAL = {
    "CURRENCY": "transactioncurrency", "SALEPEOPLE": "systemuser", "UNITOFMEASURE": "uomschedule", "CUSTOMER": "account",
    "CONTACTS": "contact", "RESOURCE-PRODUCT": "product", "ITEM-PRODUCT": "product",
}  # fmt: skip


def _company_of(no: str, sign: str) -> Row:
    """The company contact of a customer."""
    company = {"No": f"K{no}", "Type": "Company", "Company_No": f"K{no}", "Name": f"Firm {sign}"}
    return {**company, "Customer_No": no}


def nav_record(mapping: str, sign: str, firm: str = "", *, out: bool = False) -> Row:
    """A NAV record as seeds have it; `out`: one that does not pass the table filter."""
    mail = {"E_Mail": f"{sign.lower()}@x.example"}
    match mapping:
        case "CURRENCY":
            return {
                "Code": sign,
                "ISO_Code": sign,
                "Description": f"the {sign}",
                "Exchange_Rate_Amount": Decimal("1.5"),
            }
        case "SALEPEOPLE":
            return {"Code": sign, "Name": f"Anna {sign}", **mail}
        case "UNITOFMEASURE":
            return {"Code": sign}
        case "CUSTOMER":
            return {"No": sign, "Name": f"Firm {sign}", "Blocked": "All" if out else " ", **mail}
        case "CONTACTS":
            person = {"No": f"P{sign}", "Type": "Person", "Company_No": f"K{firm}", "Customer_No": firm}
            return {**person, "First_Name": "Anna", "Surname": sign, "Name": f"Anna {sign}", **mail}
        case "RESOURCE-PRODUCT":
            return {"No": sign, "Name": f"Help {sign}", "Base_Unit_of_Measure": "PCS", "Unit_Price": Decimal(9)}
        case _:
            prices = {"Unit_Price": Decimal("12.5"), "Unit_Cost": Decimal(7)}
            return {"No": sign, "Description": f"Desk {sign}", "Base_Unit_of_Measure": "PCS", "Blocked": out, **prices}


def crm_row(mapping: str, sign: str, firm: str = "", *, out: bool = False) -> Row:
    """A CRM row as seeds have it; `out`: one that does not pass the table filter."""
    mail = f"{sign.lower()}@x.example"
    match mapping:
        case "CURRENCY":
            more = {"currencysymbol": sign, "currencyprecision": 2, "exchangerate": Decimal("0.5")}
            return {"isocurrencycode": sign, "currencyname": f"the {sign}", **more}
        case "SALEPEOPLE":
            state = {"isdisabled": out, "islicensed": True, "isintegrationuser": False}
            return {"fullname": f"Anna {sign}", "internalemailaddress": mail, "mobilephone": "1", **state}
        case "UNITOFMEASURE":
            return {"name": f"NAV {sign}", "baseuomname": sign}
        case "CUSTOMER":
            return {"name": f"Firm {sign}", "emailaddress1": mail, "customertypecode": 1 if out else 3}
        case "CONTACTS":
            return {"firstname": "Anna", "lastname": sign, "emailaddress1": mail, "parentcustomerid": f"Firm {firm}"}
        case _:
            place = {"defaultuomscheduleid": "NAV PCS", "defaultuomid": "PCS", "quantitydecimal": 2}
            name = "Help" if mapping == "RESOURCE-PRODUCT" else "Desk"
            kind = {"producttypecode": _PRODUCT_TYPES[mapping], "statecode": 1 if out else 0, "price": 5}
            return {**place, "productnumber": sign, "name": f"{name} {sign}", **kind}


def mapping_of(side: str, set: str, row: Mapping[str, Any]) -> str | None:
    """The mapping that a record belongs to; None for company contacts and for what comes with others."""
    for mapping, (page, _, table, _) in SETS.items():
        if set == (page if side == "nav" else table):
            if set == "Contact" and row["Type"] != "Person":
                return None
            if set == "products" and row["producttypecode"] != _PRODUCT_TYPES[mapping]:
                continue
            return mapping
    return None


def sign_of(side: str, mapping: str, row: Mapping[str, Any]) -> str:
    """The sign of a record; blank when it has none, as what the servers come with."""
    page = SETS[mapping]
    found = SIGN.search(str(row.get(page[1] if side == "nav" else page[3]) or ""))
    return found[0] if found is not None else ""
