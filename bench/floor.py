"""The floor: the least that a synchronization can cost in Python. Frozen, as it is the yardstick for all others.

One blocking socket, records decoded to typed structs, one generated mapper, each record encoded and hashed, one bulk
request at a time, couplings by executemany. It repeats nothing, checks nothing and can be started anew only as a whole.

`python -m bench.floor PORT STORE BATCH`
"""

import json
import re
import socket
import sqlite3
import sys
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

_FIRST = "/BC/ODataV4/Company('CRONUS')/Customer?$orderby=SystemId"
_CREATE = "/api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple"
_PAGE = 1000
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SCHEMA = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "CREATE TABLE IF NOT EXISTS coupling (nav BLOB PRIMARY KEY, crm BLOB, stamp TEXT, hash BLOB) WITHOUT ROWID",
)


class Customer(msgspec.Struct, gc=False):
    """The fields that are mapped."""

    SystemId: str
    SystemModifiedAt: str
    Name: str
    Salesperson_Code: str
    Contact: str
    Address: str
    Address_2: str
    Post_Code: str
    City: str
    Country_Region_Code: str
    County: str
    Currency_Code: str
    E_Mail: str
    Fax_No: str
    Home_Page: str
    Phone_No: str
    Shipment_Method_Code: str
    Shipping_Agent_Code: str
    Payment_Terms_Code: str
    Credit_Limit_LCY: float


class _Customers(msgspec.Struct, gc=False):
    value: list[Customer]
    link: str = msgspec.field(name="@odata.nextLink", default="")


class _Ids(msgspec.Struct, gc=False):
    Ids: list[str]


class Line:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._host = f"127.0.0.1:{port}"

    def get(self, target: str) -> bytes:
        """The body of an answer."""
        prefer = f"Prefer: odata.maxpagesize={_PAGE}\r\n"
        self._socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n{prefer}\r\n".encode())
        return self._body()

    def post(self, target: str, body: bytes) -> bytes:
        """The body of an answer."""
        head = f"POST {target} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        self._socket.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._body()

    def _body(self) -> bytes:
        data = bytearray(self._socket.recv(1 << 18))
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._socket.recv(1 << 18)
        length = _LENGTH.search(data, 0, end)
        need = end + 4 + int(length[1] if length is not None else 0)
        while len(data) < need:
            data += self._socket.recv(1 << 20)
        if not data.startswith(b"HTTP/1.1 2"):
            raise SystemExit(f"the floor was refused: {bytes(data[:300])!r}")
        return bytes(data[end + 4 : need])


def mapper(line: Line) -> Any:
    """A function of one customer that returns the values of its account; lookups and choices are read once."""
    sellers = {row["internalemailaddress"]: row["systemuserid"] for row in _listed(line, "/api/data/v9.2/systemusers")}
    people = _listed(line, "/BC/ODataV4/Company('CRONUS')/Salesperson_Purchaser")
    owners = {row["Code"]: f"/systemusers({sellers[row['E_Mail']]})" for row in people}
    owners[""] = f"/systemusers({json.loads(line.get('/api/data/v9.2/WhoAmI'))['UserId']})"
    money = _listed(line, "/api/data/v9.2/transactioncurrencies")
    currencies = {row["isocurrencycode"]: f"/transactioncurrencies({row['transactioncurrencyid']})" for row in money}
    currencies[""] = currencies["EUR"]
    columns = _listed(line, "/api/data/v9.2/EntityDefinitions(LogicalName='account')/Attributes/Picklist")
    options = {
        row["LogicalName"]: {
            one["Label"]["UserLocalizedLabel"]["Label"]: one["Value"] for one in row["OptionSet"]["Options"]
        }
        for row in columns
    }
    choices = tuple(
        options[name] for name in ("address1_freighttermscode", "address1_shippingmethodcode", "paymenttermscode")
    )
    names: dict[str, Any] = {"owners": owners, "currencies": currencies, "choices": choices}
    exec(_MAPPER, names)  # noqa: S102 - the text below
    return names["mapped"]


_MAPPER = """
freight, shipping, terms = choices
def mapped(r):
    return {
        "customertypecode": 3,
        "ownerid@odata.bind": owners[r.Salesperson_Code],
        "name": r.Name.rstrip(),
        "address1_primarycontactname": r.Contact.rstrip() or None,
        "address1_line1": r.Address.rstrip() or None,
        "address1_line2": r.Address_2.rstrip() or None,
        "address1_postalcode": r.Post_Code.strip().upper() or None,
        "address1_city": r.City.rstrip() or None,
        "address1_country": r.Country_Region_Code.strip().upper() or None,
        "address1_stateorprovince": r.County.rstrip() or None,
        "transactioncurrencyid@odata.bind": currencies[r.Currency_Code],
        "emailaddress1": r.E_Mail.rstrip() or None,
        "fax": r.Fax_No.rstrip() or None,
        "websiteurl": r.Home_Page.rstrip() or None,
        "telephone1": r.Phone_No.rstrip() or None,
        "address1_freighttermscode": freight.get(r.Shipment_Method_Code),
        "address1_shippingmethodcode": shipping.get(r.Shipping_Agent_Code),
        "paymenttermscode": terms.get(r.Payment_Terms_Code),
        "creditlimit": max(r.Credit_Limit_LCY, 0),
    }
"""


def synchronize(line: Line, store: sqlite3.Connection, batch: int) -> None:
    """Create an account for each customer."""
    mapped = mapper(line)
    ids = msgspec.json.Decoder(_Ids)
    encode = msgspec.json.Encoder().encode
    for page in _pages(line):
        for start in range(0, len(page), batch):
            rows = page[start : start + batch]
            texts = [encode(mapped(row)) for row in rows]
            made = ids.decode(line.post(_CREATE, b'{"Targets":[%s]}' % b",".join(texts))).Ids
            couplings = [
                (bytes.fromhex(row.SystemId.replace("-", "")), bytes.fromhex(id.replace("-", "")), row.SystemModifiedAt,
                 blake2b(text, digest_size=16).digest())
                for row, id, text in zip(rows, made, texts, strict=True)
            ]  # fmt: skip
            with store:
                store.executemany("INSERT INTO coupling VALUES (?, ?, ?, ?)", couplings)


def _pages(line: Line) -> Iterator[list[Customer]]:
    decoder = msgspec.json.Decoder(_Customers)
    target = _FIRST
    while target:
        page = decoder.decode(line.get(target))
        yield page.value
        target = page.link[page.link.find("/", len("http://")) :] if page.link else ""


def _listed(line: Line, target: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(line.get(target))["value"]
    return rows


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    port, path, batch = arguments
    store = sqlite3.connect(path)
    for statement in _SCHEMA:
        store.execute(statement)
    synchronize(Line(int(port)), store, int(batch))


if __name__ == "__main__":
    main(sys.argv[1:])
