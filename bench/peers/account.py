"""What all peers do alike: an account of a customer, by what was read once of both sides, and couplings.

Only the standard library: each peer has an environment of its own.
"""

import json
import sqlite3
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import Any

CUSTOMERS = "/BC/ODataV4/Company('CRONUS')/Customer?$orderby=SystemId"
Row = Mapping[str, Any]


def mapper(root: str) -> Callable[[Row], dict[str, Any]]:
    """A function of one customer that returns the values of its account."""
    sellers = {row["internalemailaddress"]: row["systemuserid"] for row in _listed(f"{root}/api/data/v9.2/systemusers")}
    people = _listed(f"{root}/BC/ODataV4/Company('CRONUS')/Salesperson_Purchaser")
    owners = {row["Code"]: f"/systemusers({sellers[row['E_Mail']]})" for row in people}
    owners[""] = f"/systemusers({_read(f'{root}/api/data/v9.2/WhoAmI')['UserId']})"
    money = _listed(f"{root}/api/data/v9.2/transactioncurrencies")
    currencies = {row["isocurrencycode"]: f"/transactioncurrencies({row['transactioncurrencyid']})" for row in money}
    currencies[""] = currencies["EUR"]
    columns = _listed(f"{root}/api/data/v9.2/EntityDefinitions(LogicalName='account')/Attributes/Picklist")
    choices = {
        row["LogicalName"]: {
            one["Label"]["UserLocalizedLabel"]["Label"]: one["Value"] for one in row["OptionSet"]["Options"]
        }
        for row in columns
    }
    freight, shipping = choices["address1_freighttermscode"], choices["address1_shippingmethodcode"]
    terms = choices["paymenttermscode"]

    def account(row: Row) -> dict[str, Any]:
        return {
            "customertypecode": 3,
            "ownerid@odata.bind": owners[row["Salesperson_Code"]],
            "name": row["Name"].rstrip(),
            "address1_primarycontactname": row["Contact"].rstrip() or None,
            "address1_line1": row["Address"].rstrip() or None,
            "address1_line2": row["Address_2"].rstrip() or None,
            "address1_postalcode": row["Post_Code"].strip().upper() or None,
            "address1_city": row["City"].rstrip() or None,
            "address1_country": row["Country_Region_Code"].strip().upper() or None,
            "address1_stateorprovince": row["County"].rstrip() or None,
            "transactioncurrencyid@odata.bind": currencies[row["Currency_Code"]],
            "emailaddress1": row["E_Mail"].rstrip() or None,
            "fax": row["Fax_No"].rstrip() or None,
            "websiteurl": row["Home_Page"].rstrip() or None,
            "telephone1": row["Phone_No"].rstrip() or None,
            "address1_freighttermscode": freight.get(row["Shipment_Method_Code"]),
            "address1_shippingmethodcode": shipping.get(row["Shipping_Agent_Code"]),
            "paymenttermscode": terms.get(row["Payment_Terms_Code"]),
            "creditlimit": max(row["Credit_Limit_LCY"], 0),
        }

    return account


class Couplings:
    """The table of couplings of one run."""

    def __init__(self, path: str) -> None:
        self._store = sqlite3.connect(path, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE IF NOT EXISTS coupling (nav BLOB PRIMARY KEY, crm BLOB, stamp TEXT) WITHOUT ROWID",
        ):
            self._store.execute(statement)

    def add(self, rows: Iterable[Row], ids: Iterable[str]) -> None:
        """Note which customer has which account, in one transaction."""
        pairs = [(_key(row["SystemId"]), _key(id), row["SystemModifiedAt"]) for row, id in zip(rows, ids, strict=True)]
        with self._store:
            self._store.executemany("INSERT INTO coupling VALUES (?, ?, ?)", pairs)


def _key(id: str) -> bytes:
    return bytes.fromhex(id.replace("-", ""))


def _listed(address: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _read(address)["value"]
    return rows


def _read(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - the canned services
        content: dict[str, Any] = json.load(answer)
    return content
