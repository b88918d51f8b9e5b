"""Business Central API v2.0: its addresses, and the methods that each resource takes (reference/apis.md section 3)."""

import re
from typing import Any

from sandbox.nav import metadata, reads
from sandbox.nav.api_rows import shown, values_of, view
from sandbox.nav.api_schema import API_SETS, ApiSet
from sandbox.nav.batch import Service
from sandbox.nav.exchange import Answer, Request, encode
from sandbox.nav.reads import Resource
from sandbox.nav.schema import PAGES, Column
from sandbox.nav.service import allow, body_of, unknown, wants_nothing
from sandbox.nav.state import ETAG, NavState
from sandbox.nav.writes import create, delete, existing, update
from sandbox.odata.edm import GUID, Dialect, EdmType, Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import options
from sandbox.tables import Table

_COMPANY = re.compile(rf"companies\((?P<id>{GUID})\)(?:/(?P<rest>.*))?", re.DOTALL)
_RESOURCE = re.compile(rf"(?P<set>\w+)(?:\((?P<key>{GUID})\))?(?P<count>/\$count)?")
_COMPANY_COLUMNS = {
    "id": Column(EdmType.GUID), "systemVersion": Column(EdmType.STRING, 250), "timestamp": Column(EdmType.LONG),
    "name": Column(EdmType.STRING, 30), "displayName": Column(EdmType.STRING, 250),
    "businessProfileId": Column(EdmType.STRING, 250), "systemCreatedAt": Column(EdmType.DATETIME),
    "systemCreatedBy": Column(EdmType.GUID), "systemModifiedAt": Column(EdmType.DATETIME),
    "systemModifiedBy": Column(EdmType.GUID),
}  # fmt: skip


def respond_api(state: NavState, request: Request) -> Answer:
    """Answer a request for anything below api/v2.0 but $batch; raises ODataError for every refusal."""
    path = request.path.strip("/")
    if path in ("", "$metadata"):
        allow(request, "GET")
        return _root(request, path)
    found = _COMPANY.fullmatch(path)
    if path == "companies" or (found is not None and not found["rest"]):
        allow(request, "GET")
        companies = _resource(_companies(state), request, "companies")
        if found is None:
            return reads.read_list(companies, request)
        _check_company(state, found["id"])
        return reads.read_one(companies, request, companies.table.rows[state.company_id])
    company = found["id"] if found is not None else options(request.query).get("company", "")
    if not company:
        unknown(path)
    _check_company(state, company)
    return _in_company(state, request, found["rest"] if found is not None else path)


SERVICE = Service(respond_api, "api/v2.0", "companies(")


def _root(request: Request, path: str) -> Answer:
    if path:
        sets = [(one.name, one.entity, "id", one.columns) for one in API_SETS.values()]
        document = metadata.document("Microsoft.NAV", [("companies", "company", "id", _COMPANY_COLUMNS), *sets])
        return Answer(200, document, content_type="application/xml")
    names = [{"name": name, "kind": "EntitySet", "url": name} for name in ("companies", *API_SETS)]
    return Answer(200, encode({"@odata.context": f"{request.root}/$metadata", "value": names}))


def _resource(table: Table, request: Request, path: str) -> Resource:
    return Resource(table, table.entity, f"{request.root}/{path}", f"{request.root}/$metadata#{path}")


def _companies(state: NavState) -> Table:
    table = Table("companies", _COMPANY_COLUMNS, "id", Dialect.NAV, type_name="Microsoft.NAV.company")
    blank = {name: column.empty if column.type is not EdmType.LONG else 1 for name, column in _COMPANY_COLUMNS.items()}
    names = {"id": state.company_id, "systemVersion": "24.0", "name": state.company, "displayName": state.company}
    table.insert({ETAG: 'W/"company"', **blank, **names})
    return table


def _check_company(state: NavState, id: str) -> None:
    if id.lower() != state.company_id:
        raise ODataError(404, "Internal_CompanyNotFound", f'Cannot find company with Id "{id}".')


def _in_company(state: NavState, request: Request, path: str) -> Answer:
    found = _RESOURCE.fullmatch(path.strip("/"))
    api = API_SETS.get(found["set"]) if found is not None else None
    if found is None or api is None:
        unknown(path)
    resource = _resource(view(state, api), request, f"companies({state.company_id})/{api.name}")
    if found["key"] is not None:
        if found["count"]:
            unknown(path)
        allow(request, "GET", *(("PATCH", "DELETE") if api.writable else ()))
        return _record(state, api, resource, request, found["key"].lower())
    if found["count"]:
        allow(request, "GET")
        return reads.read_count(resource, request)
    allow(request, "GET", *(("POST",) if api.writable else ()))
    return reads.read_list(resource, request) if request.method == "GET" else _create(state, api, resource, request)


def _create(state: NavState, api: ApiSet, resource: Resource, request: Request) -> Answer:
    row = create(state, PAGES[api.page], values_of(state, api, body_of(request), new=True))
    made = _now(state, api, row)
    headers = {"Location": f"{resource.url}({made['id']})", "ETag": made[ETAG]}
    return _written(resource, request, made, 201, headers)


def _record(state: NavState, api: ApiSet, resource: Resource, request: Request, id: str) -> Answer:
    row = resource.table.rows.get(id)
    if row is None:
        raise ODataError(
            404, "BadRequest_ResourceNotFound", f"The {PAGES[api.page].table} with the id '{id}' does not exist."
        )
    if request.method == "GET":
        return reads.read_one(resource, request, row)
    page = PAGES[api.page]
    key = str(state.tables[page.name].find("SystemId", id)[0][page.key])
    if request.method == "DELETE":
        delete(state, page, key, request.headers.get("if-match"))
        return Answer(204, content_type=None)
    values = values_of(state, api, body_of(request), new=False)
    made = _now(state, api, update(state, page, key, request.headers.get("if-match"), values))
    return _written(resource, request, made, 200, {"ETag": made[ETAG]})


def _now(state: NavState, api: ApiSet, row: Row) -> dict[str, Any]:
    page = PAGES[api.page]
    return shown(state, api, existing(state, page, str(row[page.key]))) or {}


def _written(resource: Resource, request: Request, row: Row, status: int, headers: dict[str, str]) -> Answer:
    if wants_nothing(request):
        return Answer(204, headers=headers, content_type=None)
    return reads.single(resource, row, status, headers)
