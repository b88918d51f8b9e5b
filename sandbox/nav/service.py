"""What a request asks for: the path of a company's page services, and the methods each resource takes."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from sandbox.nav import metadata, reads
from sandbox.nav.exchange import Answer, Request, decode, encode, quoted
from sandbox.nav.reads import Resource
from sandbox.nav.schema import PageService
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
        allow(request, "GET")
        return _root(state, request, path)
    found = _COMPANY.fullmatch(path)
    if found is None:
        return _in_company(state, request, path) if "company" in request.headers else unknown(path)
    _check_company(state, found["name"], found["id"])
    rest = found["rest"]
    if rest == "$metadata":
        allow(request, "GET")
        return _root(state, request, rest)
    if rest:
        return _in_company(state, request, rest)
    allow(request, "GET")
    return Answer(200, encode({"@odata.context": f"{request.root}/$metadata#Company/$entity", **_company(state)}))


def _root(state: NavState, request: Request, path: str) -> Answer:
    context = f"{request.root}/$metadata"
    if path == "$metadata":
        return Answer(200, metadata.edmx(state.pages.values()), content_type="application/xml")
    if path == "Company":
        return Answer(200, encode({"@odata.context": f"{context}#Company", "value": [_company(state)]}))
    names = ["Company", *state.pages]
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
    return Answer(200, encode({"@odata.context": context, "value": sets}))


def _company(state: NavState) -> Row:
    if state.version != "bc":
        return {"Name": state.company}
    return {"Name": state.company, "Evaluation_Company": False, "Display_Name": state.company, "Id": state.company_id}


def _resource(state: NavState, page: PageService, request: Request) -> Resource:
    path = f"Company({quoted(state.company)})/{page.name}"
    entity = state.published[page.name]
    return Resource(state.tables[page.name], entity, f"{request.root}/{path}", f"{request.root}/$metadata#{path}")


def _check_company(state: NavState, name: str | None, company_id: str | None) -> None:
    if name is not None and name.replace("''", "'") != state.company:
        raise ODataError(404, "Internal_CompanyNotFound", f'The company "{name}" does not exist.')
    if company_id is not None and company_id.lower() != state.company_id:
        raise ODataError(404, "Internal_CompanyNotFound", f'The company "{company_id}" does not exist.')


def _in_company(state: NavState, request: Request, path: str) -> Answer:
    if "company" in request.headers:
        _check_company(state, request.headers["company"], None)
    found = _RESOURCE.fullmatch(path.strip("/"))
    page = state.pages.get(found["set"]) if found is not None else None
    if found is None or page is None:
        unknown(path)
    resource = _resource(state, page, request)
    if found["count"] and not found["key"]:
        allow(request, "GET")
        return reads.read_count(resource, request)
    if found["key"] is None:
        allow(request, "GET", "POST")
        return (
            reads.read_list(resource, request) if request.method == "GET" else _create(state, page, resource, request)
        )
    if found["count"]:
        unknown(path)
    allow(request, "GET", "PATCH", "DELETE")
    return _record(state, page, resource, request, _key(state, page, found["key"]))


def _create(state: NavState, page: PageService, resource: Resource, request: Request) -> Answer:
    row = create(state, page, body_of(request))
    url = f"{resource.url}({quoted(row[page.key])})"
    if wants_nothing(request):
        return Answer(204, headers={"Location": url, "ETag": row[ETAG]}, content_type=None)
    return reads.single(resource, row, 201, {"Location": url})


def _record(state: NavState, page: PageService, resource: Resource, request: Request, key: str) -> Answer:
    match request.method:
        case "GET":
            return reads.read_one(resource, request, existing(state, page, key))
        case "PATCH":
            row = update(state, page, key, request.headers.get("if-match"), body_of(request))
            if wants_nothing(request):
                return Answer(204, headers={"ETag": row[ETAG]}, content_type=None)
            return reads.single(resource, row)
        case _:
            delete(state, page, key, request.headers.get("if-match"))
            return Answer(204, content_type=None)


def _key(state: NavState, page: PageService, text: str) -> str:
    """The primary key that a key in an address names; one that finds nothing stays as it is."""
    found = _KEY.fullmatch(text)
    if "SystemId" in page.columns and found is not None and found["guid"] and found["field"] in (None, "SystemId"):
        rows = state.tables[page.name].find("SystemId", found["guid"].lower())
        return str(rows[0][page.key]) if rows else found["guid"]
    if found is not None and found["text"] is not None and found["field"] in (None, page.key):
        return found["text"].replace("''", "'").strip().upper()
    raise ODataError(400, "BadRequest", f"The key '{text}' does not match the key of type 'NAV.{page.name}'.")


def body_of(request: Request) -> Mapping[str, Any]:
    """The JSON object that a request brings; raises ODataError."""
    try:
        body = decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ODataError(400, "BadRequest", f"Invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise ODataError(400, "BadRequest", "The body of the request is not an object.")
    return body


def wants_nothing(request: Request) -> bool:
    """Whether a write is to be answered without the record."""
    return request.prefers("return") == "minimal" or request.prefers("return-no-content") is not None


def allow(request: Request, *methods: str) -> None:
    """Raises ODataError for any other method."""
    if request.method not in methods:
        raise ODataError(405, "BadRequest_MethodNotAllowed", f"'{request.method}' requests are not allowed here.")


def unknown(path: str) -> NoReturn:
    """Raises ODataError: there is nothing at this path."""
    raise ODataError(404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{path}'.")
