"""Records as API v2.0 shows and takes them, over the tables that page services read and write."""

from collections.abc import Mapping
from typing import Any

from sandbox.nav.api_schema import ApiSet, Kind, Property
from sandbox.nav.schema import PAGES, PageService
from sandbox.nav.state import ETAG, NavState
from sandbox.odata.edm import Dialect, Row
from sandbox.odata.errors import ODataError
from sandbox.tables import Table

NO_RECORD = "00000000-0000-0000-0000-000000000000"


def view(state: NavState, api: ApiSet) -> Table:
    """The table of a set; made when it is first asked for, and from then on a follower of the page's own, and of those
    whose ids it shows.
    """
    found = state.views.get(api.name)
    if found is None:
        found = Table(api.name, api.columns, "id", Dialect.NAV, type_name=f"Microsoft.NAV.{api.entity}")
        table, source = found, state.tables[api.page]
        for row in source.rows.values():
            if (made := shown(state, api, row)) is not None:
                table.insert(made)

        def follow(old: Row | None, new: Row | None) -> None:
            if old is not None and old["SystemId"] in table.rows:
                table.delete(old["SystemId"])
            if new is not None and (made := shown(state, api, new)) is not None:
                table.insert(made)

        def look_into(column: str, related: PageService) -> None:
            def again(old: Row | None, new: Row | None) -> None:
                codes = {row[related.key] for row in (old, new) if row is not None}
                if old is None or new is None or len(codes) > 1:
                    for row in (row for code in codes for row in source.find(column, code)):
                        follow(row, row)

            state.tables[related.name].follow(again)

        source.follow(follow)
        for one in api.properties.values():
            if one.kind is Kind.RELATED:
                look_into(one.column, _related(api, one))
        state.views[api.name] = found
    return found


def shown(state: NavState, api: ApiSet, row: Row) -> Row | None:
    """A record as the set shows it; None when it is not in the set."""
    if api.needs and not row[api.needs]:
        return None
    return {ETAG: row[ETAG], **{name: _value(state, api, one, row) for name, one in api.properties.items()}}


def values_of(state: NavState, api: ApiSet, body: Mapping[str, Any], *, new: bool) -> Row:
    """The fields that a body sets, in its order; raises ODataError for what the API does not take."""
    values: Row = {}
    for name, value in body.items():
        if name.startswith("@") or "@odata." in name:
            continue
        one = api.properties.get(name)
        if one is None:
            raise ODataError(
                400,
                "BadRequest",
                f"The property '{name}' does not exist on type 'Microsoft.NAV.{api.entity}'. "
                "Make sure to only use property names that are defined by the type.",
            )
        _take(state, api, name, one, value, values)
    for name, one in api.properties.items():
        if one.required and not values.get(one.column, "" if new else " "):
            text = (
                f'A "{name}" must be provided.' if new and name not in body else f'The blank "{name}" is not allowed.'
            )
            raise ODataError(400, "Application_DialogException", text)
    return values


def _value(state: NavState, api: ApiSet, one: Property, row: Row) -> Any:
    match one.kind:
        case Kind.FIXED:
            return one.fixed
        case Kind.LOCAL:
            return row[one.column] or local_currency(state)
        case Kind.RELATION:
            return "Customer" if row[one.column] else "None"
        case Kind.RELATED:
            related = state.tables[_related(api, one).name].rows.get(row[one.column])
            return NO_RECORD if related is None else related["SystemId"]
    return row[one.column]


def _take(state: NavState, api: ApiSet, name: str, one: Property, value: Any, values: Row) -> None:
    match one.kind:
        case Kind.FIXED | Kind.RELATION:
            if one.read_only or one.kind is Kind.RELATION:
                raise ODataError(400, "BadRequest", f"The property '{name}' is read-only.")
            if value != one.fixed:
                raise ODataError(
                    400, "Application_FieldValidationException", f"This sandbox keeps '{one.fixed}' in {name} only."
                )
        case Kind.LOCAL:
            values[one.column] = "" if value == local_currency(state) else value
        case Kind.RELATED:
            values[one.column] = _code_of(state, api, name, one, value)
        case Kind.SAME:
            values[one.column] = value


def _code_of(state: NavState, api: ApiSet, name: str, one: Property, value: Any) -> str:
    if value in (None, NO_RECORD):
        return ""
    page = _related(api, one)
    rows = state.tables[page.name].find("SystemId", str(value).lower()) if isinstance(value, str) else []
    if not rows:
        raise ODataError(400, "Application_DialogException", f'The "{name}" does not match to a {page.table}.')
    return str(rows[0][page.key])


def _related(api: ApiSet, one: Property) -> PageService:
    """The page of the records that a field names by their codes."""
    return PAGES[PAGES[api.page].columns[one.column].relation]


def local_currency(state: NavState) -> str:
    """The code of the local currency, which the API writes where pages leave a currency blank."""
    rows = state.tables["General_Ledger_Setup"].rows.values()
    return next((str(row["LCY_Code"]) for row in rows), "")
