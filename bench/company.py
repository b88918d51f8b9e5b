"""A NAV company of a seed: as many customers as asked for, and the few records that these refer to.

Each customer has the 23 fields that the built-in mapping CUSTOMER reads of a page of Business Central. What a customer
refers to, but for a primary contact, is there. E-mail addresses are unique, so that records can be told apart.
"""

import json
import random
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

FIELDS = (
    "SystemId", "No", "Name", "SystemModifiedAt", "Salesperson_Code", "Contact", "Address", "Address_2", "Post_Code",
    "City", "Country_Region_Code", "County", "Currency_Code", "E_Mail", "Fax_No", "Home_Page", "Phone_No",
    "Shipment_Method_Code", "Shipping_Agent_Code", "Payment_Terms_Code", "Credit_Limit_LCY",
    "Primary_Contact_No", "Blocked",
)  # fmt: skip
LOCAL_CURRENCY = "EUR"
CURRENCIES = (
    ("USD", "US dollar", "$", 1.0842),
    ("GBP", "Pound sterling", "£", 0.8563),
    ("SEK", "Swedish krona", "kr", 11.2),
)
SALESPEOPLE = tuple(
    (f"SP{number:02d}", f"Salesperson {number}", f"sp{number}@cronus.example") for number in range(1, 9)
)
CHOICES = {
    "address1_freighttermscode": ("FOB", "CIF", "EXW"),
    "address1_shippingmethodcode": ("DHL", "UPS", "FEDEX"),
    "paymenttermscode": ("NET30", "NET45", "COD"),
}
"""Codes of shipment methods, shipping agents and payment terms, which are the labels of these choices in CRM."""

_FIRMS = (
    "Alpenblick",
    "Boulangerie Étoile",
    "Elbe & Söhne",
    "Fjord",
    "Königsberg",
    "Northwind",
    "O'Hara's",
    "Quai Sud",
)
_TRADES = ("Möbler", "Logistics", "Office", "Trading", "Baustoffe", "Electronics", "Foods")
_PEOPLE = ("Anna Müller", "Björn Øberg", "Chloé Lefèvre", "Mary Smith", "Yusuf Yılmaz", "John Brown", "Zoë Hansen")
_STREETS = ("Hauptstraße", "Quai d'Orsay", "Strandvejen", "Calle Mayor", "Station Road", "Nádražní")
_PLACES = (
    ("DE", "Köln", "", "50667"), ("US", "Boise", "ID", "83814"), ("GB", "Stoke", "Staffordshire", "ST4 2DP"),
    ("DK", "Gentofte", "", "2900"), ("ES", "Madrid", "Madrid", "28013"), ("CZ", "Praha", "", "110 00"),
)  # fmt: skip
_STAMP = "2026-01-05T08:00:00Z"
_CUSTOMER = (
    '{"@odata.etag":"W/\\"%d\\"","SystemId":"%s","No":"C%07d","Name":"%s %s %d","SystemModifiedAt":"%s",'
    '"Salesperson_Code":"%s","Contact":"%s","Address":"%s %d","Address_2":"","Post_Code":"%s","City":"%s",'
    '"Country_Region_Code":"%s","County":"%s","Currency_Code":"%s","E_Mail":"office%d@customers.example",'
    '"Fax_No":"+49 30 %06d","Home_Page":"%s","Phone_No":"+49 30 %06d","Shipment_Method_Code":"%s",'
    '"Shipping_Agent_Code":"%s","Payment_Terms_Code":"%s","Credit_Limit_LCY":%d.5,'
    '"Primary_Contact_No":"","Blocked":" "}'
)
_PHONE = re.compile(rb'(?<="Phone_No":")[^"]*')
_MODIFIED = re.compile(rb'(?<="SystemModifiedAt":")[^"]*')


class Company:
    """The records of a company as JSON texts, in the order of their ids."""

    def __init__(self, size: int, seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 - the company must be the same for a seed
        self.ids = [guid(bits) for bits in sorted({draw.getrandbits(128) for _ in range(size)})]
        self.customers = _customers(self.ids, draw)
        self.others = {
            "Currency": _rows(
                draw, ("Code", "Description", "Symbol", "Exchange_Rate_Amount"), CURRENCIES, ISO_Code=lambda row: row[0]
            ),
            "Salesperson_Purchaser": _rows(draw, ("Code", "Name", "E_Mail"), SALESPEOPLE, Phone_No=lambda _: ""),
            "General_Ledger_Setup": _rows(draw, ("LCY_Code",), [(LOCAL_CURRENCY,)]),
        }

    def behind(self, id: str | None, number: int) -> tuple[list[bytes], bool]:
        """The customers behind one, and whether there are more of them."""
        start = 0 if id is None else bisect_right(self.ids, id)
        return self.customers[start : start + number], start + number < len(self.ids)

    def with_ids(self, ids: Iterable[str]) -> list[bytes]:
        """The customers with these ids."""
        places = ((bisect_right(self.ids, id) - 1, id) for id in ids)
        return [self.customers[place] for place, id in places if place >= 0 and self.ids[place] == id]

    def change(self, every: int, number: int, now: str) -> int:
        """Give every so manyth customer another telephone number; how many that are."""
        changed = range(0, len(self.customers), every)
        for place in changed:
            row = _PHONE.sub(b"+44 %d %d" % (number, place), self.customers[place])
            self.customers[place] = _MODIFIED.sub(now.encode(), row)
        return len(changed)


def guid(bits: int) -> str:
    """A GUID of so many bits, in the order of the numbers."""
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _customers(ids: Sequence[str], draw: random.Random) -> list[bytes]:
    number = len(ids)

    def some(values: Sequence[Any]) -> list[Any]:
        return draw.choices(values, k=number)

    codes = ["", *(code for code, *_ in CURRENCIES)]
    people = ["", *(code for code, *_ in SALESPEOPLE)]
    choices = [some(["", *labels]) for labels in CHOICES.values()]
    columns = zip(
        ids, some(_FIRMS), some(_TRADES), some(people), some(_PEOPLE), some(_STREETS), some(_PLACES), some(codes),
        some(("", "https://www.customers.example/about-us")), some(range(1_000_000)), *choices, strict=True,
    )  # fmt: skip
    rows = []
    for place, (id, firm, trade, seller, person, street, town, currency, home, phone, *codes) in enumerate(columns):
        country, city, county, post = town
        rows.append(
            (
                _CUSTOMER
                % (
                    place, id, place, firm, trade, place, _STAMP, seller, person, street, phone % 180 + 1, post, city,
                    country, county, currency, place, phone ^ 1, home, phone, *codes, phone % 100 * 1000,
                )
            ).encode()
        )  # fmt: skip
    return rows


def _rows(draw: random.Random, names: Sequence[str], rows: Iterable[Sequence[Any]], **more: Any) -> list[bytes]:
    made = []
    for values in rows:
        fields = dict(zip(names, values, strict=False)) | {name: value(values) for name, value in more.items()}
        fields |= {"SystemId": guid(draw.getrandbits(128)), "SystemModifiedAt": _STAMP}
        made.append({"@odata.etag": 'W/"1"', **fields})
    return [json.dumps(row).encode() for row in sorted(made, key=lambda row: str(row["SystemId"]))]
