"""What CRM answers: who one is, what a table is, rows that are read, created and changed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec

from bench.company import CHOICES, CURRENCIES, LOCAL_CURRENCY, SALESPEOPLE, guid
from bench.server.nav import listed
from bench.server.rows import Row, Sent, Table
from bench.server.wire import Answer, Request

ROOT = b"/api/data/v9.2/"
_USER, _ORGANIZATION, _BASE_CURRENCY = guid(1), guid(2), guid(3)
_ACCOUNT = (
    "name", "customertypecode", "_ownerid_value", "address1_primarycontactname", "address1_line1", "address1_line2",
    "address1_postalcode", "address1_city", "address1_country", "address1_stateorprovince",
    "_transactioncurrencyid_value", "emailaddress1", "fax", "websiteurl", "telephone1", "address1_freighttermscode",
    "address1_shippingmethodcode",
    "paymenttermscode", "creditlimit", "_primarycontactid_value", "accountnumber",
)  # fmt: skip
_CURRENCY = ("isocurrencycode", "currencyname", "currencysymbol", "exchangerate", "currencyprecision")
_GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
_IN = re.compile(r"In\(PropertyName='(\w+)'")
_BOUNDARY = re.compile(rb'boundary="?([^";\s]+)')
_PART = re.compile(rb"(POST|PATCH|DELETE) (\S+) HTTP/1.1\r\n((?:[^\r\n]+\r\n)*)\r\n", re.IGNORECASE)
_VERSION = re.compile(rb"if-match:\s*(\S+)", re.IGNORECASE)
_ROW = re.compile(r"(\w+)\(([0-9a-fA-F-]{36})\)")
_NAMED = re.compile(r"(EntitySetName|LogicalName) eq '(\w+)'")
_LOGICAL = {
    "accounts": ("account", "accountid"),
    "transactioncurrencies": ("transactioncurrency", "transactioncurrencyid"),
    "systemusers": ("systemuser", "systemuserid"),
}


class _Target(msgspec.Struct, gc=False):
    """What is looked at of a row that is created; the rest is kept as it is."""

    accountid: str | None = None
    emailaddress1: str | None = None


class _Targets(msgspec.Struct, gc=False):
    rows: list[_Target] = msgspec.field(name="Targets")


class Crm:
    """The organization. `writes` counts the requests that write."""

    def __init__(self) -> None:
        self._targets = msgspec.json.Decoder(_Targets)
        self._target = msgspec.json.Decoder(_Target)
        self.forget()
        self.count_anew()

    def forget(self) -> None:
        """Be as at the beginning."""
        self.accounts = Table("accountid", _ACCOUNT)
        currencies = Table("transactioncurrencyid", _CURRENCY)
        _given(currencies, [(_BASE_CURRENCY, {"isocurrencycode": LOCAL_CURRENCY, "exchangerate": 1})])
        _given(currencies, [
            (guid(100 + place), {"isocurrencycode": code, "currencyname": name, "currencysymbol": symbol,
                                 "exchangerate": round(rate, 10), "currencyprecision": 2})
            for place, (code, name, symbol, rate) in enumerate(CURRENCIES)
        ])  # fmt: skip
        users = Table("systemuserid", ("fullname", "internalemailaddress", "mobilephone"))
        _given(users, [
            (guid(200 + place), {"fullname": name, "internalemailaddress": address})
            for place, (_, name, address) in enumerate(SALESPEOPLE)
        ])  # fmt: skip
        self._tables = {"accounts": self.accounts, "transactioncurrencies": currencies, "systemusers": users}

    def count_anew(self) -> None:
        """Count what is written from here on."""
        self.writes = 0
        self.accounts.count_anew()

    def answer(self, request: Request) -> Answer:
        """The answer to a read or a write."""
        path, _, query = request.target[len(ROOT) :].decode().partition("?")
        if request.method == b"GET":
            return self._read(path, query)
        self.writes += 1
        if path.endswith(".CreateMultiple"):
            return self._create_multiple(request.body)
        if path == "$batch":
            return self._batch(request)
        status, headers = self._write(request.method, path, request.head, request.body)
        return Answer(status=status, headers=headers)

    def _read(self, path: str, query: str) -> Answer:
        if path == "WhoAmI":
            return _json({"UserId": _USER, "BusinessUnitId": guid(4), "OrganizationId": _ORGANIZATION})
        if path == "RetrieveVersion":
            return _json({"Version": "9.2.25063.182"})
        if path == "organizations":
            settings = {"organizationid": _ORGANIZATION, "_basecurrencyid_value": _BASE_CURRENCY}
            return _json({"value": [{**settings, "currencydecimalprecision": 2}]})
        if path == "sdkmessagefilters":
            return _json({"value": [{"sdkmessagefilterid": guid(5)}] if "'account'" in unquote(query) else []})
        if path.startswith("EntityDefinitions"):
            return _json({"value": _choices() if "/Attributes/" in path else _tables_named(unquote(query))})
        if (one := _ROW.fullmatch(path)) is not None and one[1] in self._tables:
            row = self._tables[one[1]].rows.get(one[2].lower())
            return _json(self._tables[one[1]].read(row)) if row is not None else _missing()
        return self._list(self._tables[path], query) if path in self._tables else _missing()

    def _list(self, table: Table, query: str) -> Answer:
        chosen: Sequence[Row] = list(table.rows.values()) if table is not self.accounts else ()
        sought = _IN.search(unquote(query[:1000]))
        if sought is not None and sought[1] == table.key:
            chosen = [row for id in _GUID.findall(query) if (row := table.rows.get(id.lower())) is not None]
        rows = [msgspec.json.encode(table.read(row)) for row in sorted(chosen, key=lambda row: row.id)]
        return Answer(listed(rows, count=len(table.rows)))

    def _create_multiple(self, body: bytes) -> Answer:
        ids = []
        sent = Sent(body)
        for place, target in enumerate(self._targets.decode(body).rows):
            row = self.accounts.create(target.accountid, target.emailaddress1, sent, place)
            if row is None:
                return Answer(b'{"error":{"code":"0x80040237","message":"There is a record with this key."}}', 412)
            ids.append(row.id)
        return Answer(b'{"@odata.context":"$metadata","Ids":["%s"]}' % '","'.join(ids).encode())

    def _write(self, method: bytes, path: str, head: bytes, body: bytes) -> tuple[int, bytes]:
        """Status and headers of the answer to one write of a row."""
        if method == b"POST" and path in self._tables:
            target = self._target.decode(body)
            row = self._tables[path].create(target.accountid, target.emailaddress1, Sent(body))
            return (204, _entity(path, row.id)) if row is not None else (412, b"")
        named = _ROW.fullmatch(path)
        if method != b"PATCH" or named is None or named[1] not in self._tables:
            return 404, b""
        table = self._tables[named[1]]
        row = table.rows.get(named[2].lower())
        expected = _VERSION.search(head)
        if row is None:
            if expected is not None:
                return 404, b""
            row = table.create(named[2], self._target.decode(body).emailaddress1, Sent(body))
        elif b"if-none-match" in head.lower() or (expected is not None and expected[1] not in (b"*", _etag(row))):
            return 412, b""
        else:
            table.update(row, msgspec.json.decode(body, type=dict[str, Any]))
        return 204, _entity(named[1], named[2])

    def _batch(self, request: Request) -> Answer:
        boundary = _BOUNDARY.search(request.header(b"content-type"))
        pieces = request.body.split(b"--" + boundary[1])[1:-1] if boundary is not None else []
        answers = []
        for number, piece in enumerate(pieces, 1):
            part = _PART.search(piece)
            if part is None:
                return Answer(b'{"error":{"code":"0x0","message":"A part is no request."}}', 400)
            path = part[2].split(ROOT, 1)[-1].decode()
            status, headers = self._write(part[1].upper(), path, part[3], piece[part.end() : -2])
            answers.append(
                b"--answer\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
                b"Content-ID: %d\r\n\r\nHTTP/1.1 %d .\r\nOData-Version: 4.0\r\n%s\r\n\r\n" % (number, status, headers)
            )
        return Answer(b"".join((*answers, b"--answer--\r\n")), content_type=b"multipart/mixed; boundary=answer")


def _etag(row: Row) -> bytes:
    return b'W/"%d"' % row.version


def _entity(path: str, id: str) -> bytes:
    return f"OData-EntityId: http://127.0.0.1{ROOT.decode()}{path}({id})\r\n".encode()


def _json(content: Mapping[str, Any]) -> Answer:
    return Answer(msgspec.json.encode(content))


def _missing() -> Answer:
    return Answer(b'{"error":{"code":"0x80060888","message":"There is no such resource."}}', 404)


def _given(table: Table, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Put rows into a table that are there from the beginning."""
    for id, values in rows:
        table.rows[id] = Row(id, Sent(msgspec.json.encode(values)))


def _tables_named(query: str) -> list[dict[str, str]]:
    """The definitions of the tables that a filter names, of all when it names none."""
    named = _NAMED.search(query)
    return [
        {"LogicalName": table, "EntitySetName": entity, "PrimaryIdAttribute": key, "MetadataId": guid(6)}
        for entity, (table, key) in _LOGICAL.items()
        if named is None or named[2] == (entity if named[1] == "EntitySetName" else table)
    ]


def _choices() -> list[dict[str, Any]]:
    return [
        {
            "LogicalName": column,
            "OptionSet": {
                "Options": [
                    {"Value": value, "Label": {"UserLocalizedLabel": {"Label": label, "LanguageCode": 1033}}}
                    for value, label in enumerate(labels, 1)
                ]
            },
            "GlobalOptionSet": None,
        }
        for column, labels in CHOICES.items()
    ]
