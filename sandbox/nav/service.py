"""What a request asks for: the path of a company's page services, and the methods each resource takes."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sandbox.nav import metadata, reads
from sandbox.nav.exchange import Answer, Request, decode, encode, quoted
from sandbox.nav.schema import PAGES, PageService
from sandbox.nav.state import ETAG, NavState
from sandbox.nav.writes import create, delete, existing, update
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError

_COMPANY = re.compile(
    r"Company\((?:(?:Name=)?'(?P<name>(?:[^']|'')*)'|(?:Id=)?(?P<id>[0-9a-fA-F-]{36}))\)(?:/(?P<rest>.*))?", re.DOTALL
)
_RESOURCE = re.compile(r"(?P<set>\w+)(?:\((?P<key>.+)\))?(?P<count>/\$count)?", re.DOTALL)
_KEY = re.compile(r"(?:(?P<field>\w+)=)?(?:'(?P<text>(?:[^']|'')*)'|(?P<guid>[0-9a-fA-F-]{36}))", re.DOTALL)


def respond(state: NavState, request: Request) -> Answer:
    """Answer a request for anything below ODataV4 but $batch; raises ODataError for every refusal."""
    path = request.path.strip("/")
    if path in ("$metadata", "") or path == "Company":
        _allow(request, "GET")
        return _root(state, request, path)
    found = _COMPANY.fullmatch(path)
    if found is None:
        return _in_company(state, request, path) if "company" in request.headers else _unknown(path)
    _check_company(state, found["name"], found["id"])
    rest = found["rest"]
    if rest == "$metadata":
        _allow(request, "GET")
        return _root(state, request, rest)
    if rest:
        return _in_company(state, request, rest)
    _allow(request, "GET")
    return Answer(200, encode({"@odata.context": f"{request.root}/$metadata#Company/$entity", **_company(state)}))


def _root(state: NavState, request: Request, path: str) -> Answer:
    context = f"{request.root}/$metadata"
    if path == "$metadata":
        return Answer(200, metadata.edmx(), content_type="application/xml")
    if path == "Company":
        return Answer(200, encode({"@odata.context": f"{context}#Company", "value": [_company(state)]}))
    names = ["Company", *PAGES]
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
    return Answer(200, encode({"@odata.context": context, "value": sets}))


def _company(state: NavState) -> Row:
    return {"Name": state.company, "Evaluation_Company": False, "Display_Name": state.company, "Id": state.company_id}


def _check_company(state: NavState, name: str | None, company_id: str | None) -> None:
    if name is not None and name.replace("''", "'") != state.company:
        raise ODataError(404, "Internal_CompanyNotFound", f'The company "{name}" does not exist.')
    if company_id is not None and company_id.lower() != state.company_id:
        raise ODataError(404, "Internal_CompanyNotFound", f'The company "{company_id}" does not exist.')


def _in_company(state: NavState, request: Request, path: str) -> Answer:
    if "company" in request.headers:
        _check_company(state, request.headers["company"], None)
    found = _RESOURCE.fullmatch(path.strip("/"))
    page = PAGES.get(found["set"]) if found is not None else None
    if found is None or page is None:
        return _unknown(path)
    if found["count"] and not found["key"]:
        _allow(request, "GET")
        return reads.read_count(state, page, request)
    if found["key"] is None:
        _allow(request, "GET", "POST")
        return reads.read_list(state, page, request) if request.method == "GET" else _create(state, page, request)
    if found["count"]:
        return _unknown(path)
    _allow(request, "GET", "PATCH", "DELETE")
    return _record(state, page, request, _key(state, page, found["key"]))


def _create(state: NavState, page: PageService, request: Request) -> Answer:
    row = create(state, page, _object(request))
    url = f"{reads.company_url(state, request)}/{page.name}({quoted(row[page.key])})"
    if _wants_nothing(request):
        return Answer(204, headers={"Location": url, "ETag": row[ETAG]}, content_type=None)
    return reads.single(state, page, request, row, 201, {"Location": url})


def _record(state: NavState, page: PageService, request: Request, key: str) -> Answer:
    match request.method:
        case "GET":
            return reads.read_one(state, page, request, existing(state, page, key))
        case "PATCH":
            row = update(state, page, key, request.headers.get("if-match"), _object(request))
            if _wants_nothing(request):
                return Answer(204, headers={"ETag": row[ETAG]}, content_type=None)
            return reads.single(state, page, request, row)
        case _:
            delete(state, page, key, request.headers.get("if-match"))
            return Answer(204, content_type=None)


def _key(state: NavState, page: PageService, text: str) -> str:
    """The primary key that a key in an address names; one that finds nothing stays as it is."""
    found = _KEY.fullmatch(text)
    if found is not None and found["guid"] is not None and found["field"] in (None, "SystemId"):
        rows = state.tables[page.name].find("SystemId", found["guid"].lower())
        return str(rows[0][page.key]) if rows else found["guid"]
    if found is not None and found["text"] is not None and found["field"] in (None, page.key):
        return found["text"].replace("''", "'").strip().upper()
    raise ODataError(400, "BadRequest", f"The key '{text}' does not match the key of type 'NAV.{page.name}'.")


def _object(request: Request) -> Mapping[str, Any]:
    try:
        body = decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ODataError(400, "BadRequest", f"Invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise ODataError(400, "BadRequest", "The body of the request is not an object.")
    return body


def _wants_nothing(request: Request) -> bool:
    return request.prefers("return") == "minimal" or request.prefers("return-no-content") is not None


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ODataError(405, "BadRequest_MethodNotAllowed", f"'{request.method}' requests are not allowed here.")


def _unknown(path: str) -> Answer:
    raise ODataError(404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{path}'.")
