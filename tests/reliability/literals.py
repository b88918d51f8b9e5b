"""Texts on their way into addresses: whatever they hold, a server reads each as one literal with just that text."""

import asyncio
import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from engine.config import load
from engine.connectors import filters, urls
from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.connectors.nav_writes import Key
from engine.connectors.protocol import Query, Write, WriteKind
from engine.model.errors import ConfigError
from engine.model.mapping import Condition
from sandbox.odata.edm import Dialect
from sandbox.odata.errors import ODataError
from sandbox.odata.lexer import tokens
from sandbox.odata.query import options
from tests.reliability.line import Line, Measured

NUMBER = 10_000
_PIECES = (
    "'", "''", "'''", '"', "\\", "\\'", "%27", "%2527", "%", "%zz", "&", "+", "#", "?", "/", "=", ";", ",", "(", ")", "$filter=",
    " or 1 eq 1", "' or true or 'a' eq '", "') or (No eq '", "null", "true", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "@p1", "&$top=0",
    "\x00", "\t", "\r\n", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "é", "ß", "İ", "ı", "ǅ", "Ω", "株", "😀", "\U0010ffff",
    "e\u0301", "’", "ʹ", "＇", "\uff02", "/*", "--", "<x>", "{0}", "${x}", "]", "[", "a", "B", "0", " ", "x'41'", "2026-01-01", "1e5", "Name eq",
)  # fmt: skip

NAMES = (
    "", " ", "a b", "a'", "a''b", "a/b", "a,b", "a;b", "a&b", "a=b", "a?b", "a#b", "a%20b", "a.b", "a-b", "a$b", "$filter", "a(b)", "1a", "-a",
    "a\n", "\na", "a\tb", "a\x00b", "a\x1b[2J", "a eq 1 or b", "Ä", "éa", "aé", "аccounts", "a\u200b", "a\u202e", "a" * 129, "a)/x", "../a", "a\\b", '"a"', "*", "@p1",
)  # fmt: skip
"""What is no identifier."""

_PLACES = (
    'nav = {{ entity = {0}, number = "No", name = "Name" }}\ncrm = {{ entity = "accounts", key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = {0}, name = "Name" }}\ncrm = {{ entity = "accounts", key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = {0} }}\ncrm = {{ entity = "accounts", key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = "Name", key = {0} }}\ncrm = {{ entity = "accounts", key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = "Name", modified = {0} }}\ncrm = {{ entity = "accounts", key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = "Name", extra = [{0}] }}\ncrm = {{ entity = "accounts", key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = "Name" }}\ncrm = {{ entity = {0}, key = "accountid", name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = "Name" }}\ncrm = {{ entity = "accounts", key = {0}, name = "name" }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'nav = {{ entity = "Vendor", number = "No", name = "Name" }}\ncrm = {{ entity = "accounts", key = "accountid", name = {0} }}\nfields = [{{ nav = "Name", crm = "name" }}]',
    'like = "CUSTOMER"\nfields = [{{ nav = {0}, crm = "name", direction = "to" }}]',
    'like = "CUSTOMER"\nfields = [{{ nav = "Name", crm = {0}, direction = "to" }}]',
    'like = "CUSTOMER"\nfields = [{{ nav = "X", crm = "y", lookup = "CURRENCY", target = {0} }}]',
    'like = "CUSTOMER"\nfields = [{{ nav = "X", crm = "y", lookup = "CURRENCY", navigation = {0} }}]',
    'like = "CUSTOMER"\nnav_filter = [[{0}, "eq", "x"]]',
    'like = "CUSTOMER"\ncrm_filter = [["name", {0}, "x"]]',
    'like = "CUSTOMER"\nmatch = [[[{0}, "name"]]]',
    'like = "CUSTOMER"\ntemplates = [{{ side = "crm", values = {{ {0} = "x" }} }}]',
)  # fmt: skip
"""Places in config.toml that name tables and fields."""

_HEAD = """\
environment = "test"
nav = {{ url = "https://nav.example/BC/ODataV4", company = "CRONUS", secret = "env:TOKEN"{0} }}
crm = {{ url = "https://crm.example", secret = "env:TOKEN" }}
store = {{ url = "sqlite:///store.db" }}

"""


@dataclass
class Read:
    """`equal` texts, of `tried` ones, were read back as what they are in every place."""

    tried: int = 0
    equal: int = 0
    faults: list[str] = field(default_factory=list)


def texts(number: int, seed: int) -> Iterator[str]:
    """Texts of one to twelve pieces, no two the same but for case."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < number:
        text = "".join(chance.choice(_PIECES) for _ in range(chance.randint(1, 12)))
        if text.casefold() not in seen:
            seen.add(text.casefold())
            yield text


class _Kept(httpx.AsyncBaseTransport):
    """Answers everything with nothing, and keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[httpx.URL] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(httpx.URL(str(request.url)))
        return httpx.Response(200, stream=httpx.ByteStream(b'{"value": [], "@odata.count": 0}'))


def read_back(number: int, seed: int) -> Read:
    """Send texts in every place where one becomes part of an address, and read them as the sandbox does."""
    return asyncio.run(_read_back(list(texts(number, seed))))


async def _read_back(values: Sequence[str]) -> Read:
    kept = _Kept()
    more: dict[str, Any] = {"limits": Limits(patience=0.0), "transport": lambda: kept}
    crm = Dataverse("http://127.0.0.1:1/api", "t", gate=Gate("CRM", 8), **more)
    nav = NavPages("http://127.0.0.1:1/ODataV4", "t", "C", gate=Gate("NAV", 8), **more)
    found = Read()
    for start in range(0, len(values), 40):
        some = values[start : start + 40]
        try:
            wrong = await _lists(kept, nav, crm, some)
        except (ValueError, KeyError, ODataError, httpx.InvalidURL) as error:
            wrong = dict.fromkeys(some, f"a list is not read: {error}")
        for value in some:
            found.tried += 1
            try:
                one = wrong.get(value) or await _alone(kept, nav, crm, value)
            except (ValueError, KeyError, ODataError, httpx.InvalidURL) as error:
                one = f"it is not read: {error}"
            if one is None:
                found.equal += 1
            else:
                found.faults.append(f"{value!r}: {one}")
    await nav.close()
    await crm.close()
    return found


async def _alone(kept: _Kept, nav: NavPages, crm: Dataverse, value: str) -> str | None:
    """What is wrong with a text as a condition of either dialect, as a key, and as a company; None when nothing is."""
    for side, entity, dialect in ((nav, "Customer", Dialect.NAV), (crm, "accounts", Dialect.CRM)):
        kept.asked.clear()
        await side.count(entity, (Condition("Name", "eq", value),))
        query = kept.asked[0].query.decode("ascii")
        if set(options(query)) != {"$filter", "$count", "$top"}:
            return f"the query is {query}"
        words = [(one.kind, one.value) for one in tokens(options(query)["$filter"], dialect)]
        if words != [("name", "Name"), ("name", "eq"), ("string", value), ("end", None)]:
            return f"{dialect} reads {words}"
    for segment in (urls.key_segment(value), Key("No", text=True).segment(value).strip("()")):
        path = httpx.URL(f"http://x/ODataV4/Company({segment})/Customer").raw_path
        if path.count(b"/") != 3 or b"?" in path:
            return f"the path is {path!r}"
        (name, literal) = (httpx.URL(f"http://x/{segment}").path[1:], filters.literal(value))
        words = [(one.kind, one.value) for one in tokens(name, Dialect.NAV)]
        if words != [("string", value), ("end", None)]:
            return f"the key is read as {words}, and not as {literal}"
    return None


async def _lists(kept: _Kept, nav: NavPages, crm: Dataverse, values: Sequence[str]) -> dict[str, str]:
    """What is wrong with texts as members of a list, by text."""
    kept.asked.clear()
    await crm.find("accounts", "name", values, ("name",))
    listed = [one for url in kept.asked for one in json.loads(options(url.query.decode("ascii"))["@p1"])]
    wrong = {one: f"CRM reads {other!r}" for one, other in zip(values, listed, strict=False) if one != other}
    kept.asked.clear()
    await nav.find("Customer", "Name", values, ("Name",))
    words = [
        one.value
        for url in kept.asked
        for one in tokens(options(url.query.decode("ascii"))["$filter"], Dialect.NAV)
        if one.kind == "string"
    ]
    for one, other in zip(values, words, strict=False):
        if other not in (one, one.lower()):
            wrong[one] = f"NAV reads {other!r}"
    if not len(listed) == len(words) == len(values):
        wrong |= dict.fromkeys(values, f"lists of {len(values)} are read as {len(listed)} and {len(words)}")
    return wrong


def names_refused() -> Read:
    """Give what is no identifier to every place that names a table or a field: the file and both sides."""
    found = Read()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        for place in _PLACES:
            for name in (*NAMES, "Name"):
                path.write_text(_HEAD.format("") + "[mapping.X]\n" + place.format(_quoted(name)), encoding="utf-8")
                _note(found, path, name, place)
        for name in (*NAMES, "Name"):
            path.write_text(_HEAD.format(f", marker_field = {_quoted(name)}"), encoding="utf-8")
            _note(found, path, name, "marker_field")
    asyncio.run(_sides(found))
    return found


def _note(found: Read, path: Path, name: str, place: str) -> None:
    """A file must be refused because of the name; with "Name" it must not be refused because of one."""
    found.tried += name != "Name"
    try:
        load(path, environ={"TOKEN": "x"})
    except ConfigError as error:
        if name == "Name" and any(re.search("name of|a name|no name", one) for one in error.problems):
            found.faults.append(f"{place}: 'Name' is refused: {error.problems}")
        found.equal += name != "Name"
    else:
        if name != "Name":
            found.faults.append(f"{place}: {name!r} is accepted")


async def _sides(found: Read) -> None:
    """The sides must refuse a name by themselves too, and send nothing."""
    kept = _Kept()
    more: dict[str, Any] = {"limits": Limits(patience=0.0), "transport": lambda: kept}
    crm = Dataverse("http://127.0.0.1:1/api", "t", gate=Gate("CRM", 8), **more)
    nav = NavPages("http://127.0.0.1:1/ODataV4", "t", "C", gate=Gate("NAV", 8), **more)
    for side in (crm, nav):
        for name in NAMES:
            calls = (
                _pages(side, Query(name, "id", ("a",))),
                _pages(side, Query("a", name, ("a",))),
                _pages(side, Query("a", "id", ("a", name))),
                side.find(name, "a", ["x"], ("a",)),
                side.find("a", name, ["x"], ("a",)),
                side.find("a", "a", ["x"], (name,)),
                side.count(name, ()),
                side.count("a", (Condition(name, "eq", "x"),)),
                side.count("a", (Condition("a", name, "x"),)),
                side.write([Write("k", WriteKind.CREATE, name, None, {})]),
            )
            for number, call in enumerate(calls):
                found.tried += 1
                kept.asked.clear()
                try:
                    await call
                    found.faults.append(f"{type(side).__name__} {number}: {name!r} is accepted")
                except ConfigError:
                    found.equal += not kept.asked
        await side.close()


async def _pages(side: Any, query: Query) -> list[Any]:
    return [row async for page in side.pages(query) for row in page]


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 32 or one in '"\\' else one for one in text) + '"'


def _literals() -> Measured:
    found = read_back(NUMBER, 1)
    return Measured(f"{found.equal:,}/{found.tried:,}", found.equal == found.tried == NUMBER, tuple(found.faults))


def _names() -> Measured:
    found = names_refused()
    met = found.equal == found.tried and not found.faults
    return Measured(f"{found.equal:,}/{found.tried:,}", met, tuple(found.faults))


LINES: tuple[Line, ...] = (
    Line("texts in addresses read back as one equal literal", f"{NUMBER:,}/{NUMBER:,}", _literals),
    Line("names that are no identifiers, refused", "all", _names),
)
