"""What the CRM insists on for each table beyond types and lengths (reference/apis.md section 2)."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from sandbox.crm.entities import Entity, logical_name
from sandbox.crm.refusals import duplicate_key, in_use, invalid
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError

CreateRule = Callable[[Store, Row], None]
UpdateRule = Callable[[Store, Row, Row], None]
DeleteRule = Callable[[Store, Row], None]

_ACTIVE, _DRAFT = 0, 2
_PRICE_LINE_KEY = ("_pricelevelid_value", "_productid_value", "_uomid_value")
_PRODUCT_NEEDS = ("_defaultuomscheduleid_value", "_defaultuomid_value", "quantitydecimal", "producttypecode")


def prepare_create(store: Store, entity: Entity, row: Row) -> None:
    """Check a new row and complete it with defaults and computed columns; raises ODataError when it is refused."""
    for name, value in _defaults(entity.set):
        if row.get(name) is None:
            row[name] = value
    for name in _required(entity.set):
        if row.get(name) is None:
            raise invalid(f"The '{logical_name(name)}' attribute of the '{entity.logical}' entity is required.")
    if entity.states:
        born = _DRAFT if entity.logical == "product" else _ACTIVE
        row.setdefault("statecode", born)
        _settle_status(entity, {}, row, row[entity.key])
    if (rule := _CREATE.get(entity.logical)) is not None:
        rule(store, row)


def prepare_update(store: Store, entity: Entity, old: Row, changes: Row) -> None:
    """Check the changes of a row and complete them; raises ODataError when they are refused."""
    if "statecode" in changes or "statuscode" in changes:
        _settle_status(entity, old, changes, old[entity.key])
    if (rule := _UPDATE.get(entity.logical)) is not None:
        rule(store, old, changes)


def check_delete(store: Store, entity: Entity, row: Row) -> None:
    """Refuse with an ODataError to delete a row that the organization cannot do without."""
    if (rule := _DELETE.get(entity.logical)) is not None:
        rule(store, row)


def born_with(entity: Entity, row: Row) -> Iterable[tuple[str, Row]]:
    """The rows, by set name, that the server itself makes together with a new one."""
    if entity.logical == "uomschedule" and row.get("baseuomname"):
        group = row[entity.key]
        yield (
            "uoms",
            {"name": row["baseuomname"], "quantity": 1, "isschedulebaseuom": True, "_uomscheduleid_value": group},
        )


@cache
def _defaults(set: str) -> tuple[tuple[str, Any], ...]:
    return tuple((name, one.default) for name, one in ENTITIES[set].columns.items() if one.default is not None)


@cache
def _required(set: str) -> tuple[str, ...]:
    return tuple(name for name, column in ENTITIES[set].columns.items() if column.required)


def _settle_status(entity: Entity, old: Mapping[str, object], changes: Row, id: str) -> None:
    state = changes.get("statecode", old.get("statecode"))
    if state is None:
        raise invalid(f"The 'statecode' attribute of the '{entity.logical}' entity cannot be set to NULL.")
    label, allowed = entity.states[state]
    if changes.get("statuscode") is None:
        changes["statuscode"] = old.get("statuscode") if state == old.get("statecode") else next(iter(allowed))
    if changes["statuscode"] not in allowed:
        raise ODataError(
            400,
            "0x80048408",
            f"{changes['statuscode']} is not a valid status code for state code {entity.logical.capitalize()}State."
            f"{label} on {entity.logical} with Id {id}.",
        )


def _create_currency(store: Store, row: Row) -> None:
    if store.tables["transactioncurrencies"].find("isocurrencycode", row["isocurrencycode"]):
        raise ODataError(
            400, "0x80048cf3", f"A currency with the ISO code '{row['isocurrencycode']}' is in the system already."
        )


def _update_currency(store: Store, old: Row, changes: Row) -> None:
    changed = [name for name, value in changes.items() if old.get(name) != value]
    if old["transactioncurrencyid"] != store.base_currency_id or not changed:
        return
    if "statecode" in changed:
        raise ODataError(400, "0x80048cf4", "The base currency cannot be deactivated.")
    raise invalid(f"The base currency cannot be changed: {', '.join(changed)}.")


def _delete_currency(store: Store, row: Row) -> None:
    if row["transactioncurrencyid"] == store.base_currency_id:
        raise ODataError(400, "0x80048cff", "The base currency of an organization cannot be deleted.")


def _base_unit(store: Store, group: str) -> Row | None:
    return next(
        (row for row in store.tables["uoms"].find("_uomscheduleid_value", group) if row["isschedulebaseuom"]), None
    )


def _create_unit(store: Store, row: Row) -> None:
    base = _base_unit(store, row["_uomscheduleid_value"])
    if not row["isschedulebaseuom"] and row.get("_baseuom_value") is None and base is not None:
        row["_baseuom_value"] = base["uomid"]
    _check_base_of_unit(store, row)


def _update_unit(store: Store, old: Row, changes: Row) -> None:
    if changes.get("_baseuom_value") is not None:
        _check_base_of_unit(store, {**old, **changes})


def _check_base_of_unit(store: Store, row: Row) -> None:
    base = store.get("uoms", row["_baseuom_value"]) if row.get("_baseuom_value") else None
    if base is not None and base["_uomscheduleid_value"] != row["_uomscheduleid_value"]:
        raise invalid("The base unit does not belong to the unit group of the unit.")


def _delete_unit(_store: Store, row: Row) -> None:
    if row["isschedulebaseuom"]:
        raise in_use("uom")


def _name_contact(row: Row) -> None:
    row["fullname"] = " ".join(filter(None, (row.get("firstname"), row.get("middlename"), row.get("lastname")))) or None


def _update_contact(store: Store, old: Row, changes: Row) -> None:
    _refuse_no_owner(store, old, changes)
    named = {**old, **changes}
    _name_contact(named)
    if named["fullname"] != old.get("fullname"):
        changes["fullname"] = named["fullname"]


def _create_product(store: Store, row: Row) -> None:
    _default_currency(store, row)
    for name in _PRODUCT_NEEDS:
        if row.get(name) is None:
            raise invalid(f"The product needs a value for '{logical_name(name)}'.")
    _check_product(store, row)


def _update_product(store: Store, old: Row, changes: Row) -> None:
    new = {**old, **changes}
    for name in ("productnumber", *_PRODUCT_NEEDS):
        if new.get(name) is None:
            raise invalid(f"The product needs a value for '{logical_name(name)}'.")
    _check_product(store, new)
    if new["statecode"] == old["statecode"]:
        return
    if new["statecode"] == _DRAFT:
        raise invalid("A product that was published cannot be a draft again.")
    if new["statecode"] == _ACTIVE and not store.tables["productpricelevels"].find(
        "_productid_value", old["productid"]
    ):
        raise invalid("The product cannot be published: it is in no price list.")


def _check_product(store: Store, row: Row) -> None:
    unit = store.get("uoms", row["_defaultuomid_value"])
    if unit is None or unit["_uomscheduleid_value"] != row["_defaultuomscheduleid_value"]:
        raise invalid("The default unit of the product does not belong to its unit group.")
    same = store.tables["products"].find("productnumber", row["productnumber"])
    if any(other["productid"] != row["productid"] for other in same):
        raise duplicate_key()


def _create_price_line(store: Store, row: Row) -> None:
    product = store.tables["products"].rows[row["_productid_value"]]
    unit = store.tables["uoms"].rows[row["_uomid_value"]]
    if unit["_uomscheduleid_value"] != product["_defaultuomscheduleid_value"]:
        raise invalid("The unit of the price list item does not belong to the unit group of the product.")
    wanted = tuple(row[name] for name in _PRICE_LINE_KEY)
    for other in store.tables["productpricelevels"].find("_productid_value", row["_productid_value"]):
        if other["productpricelevelid"] != row["productpricelevelid"] and wanted == tuple(
            other[n] for n in _PRICE_LINE_KEY
        ):
            raise ODataError(400, "0x80043b08", "The price list has a price for this product and unit already.")
    price_list = store.tables["pricelevels"].rows[row["_pricelevelid_value"]]
    row["_uomscheduleid_value"] = unit["_uomscheduleid_value"]
    row["_transactioncurrencyid_value"] = price_list["_transactioncurrencyid_value"]
    row["productnumber"] = product["productnumber"]


def _update_price_line(store: Store, old: Row, changes: Row) -> None:
    new = {**old, **changes}
    _create_price_line(store, new)
    changes.update({name: value for name, value in new.items() if old.get(name) != value})


def _default_currency(store: Store, row: Row) -> None:
    if row.get("_transactioncurrencyid_value") is None:
        row["_transactioncurrencyid_value"] = store.base_currency_id


def _default_owner(store: Store, row: Row) -> None:
    if row.get("_ownerid_value") is None:
        row["_ownerid_value"] = store.user_id


def _refuse_no_owner(_store: Store, _old: Row, changes: Row) -> None:
    if changes.get("_ownerid_value", "") is None:
        raise invalid("The 'ownerid' attribute cannot be set to NULL.")


def _create_account(store: Store, row: Row) -> None:
    _default_owner(store, row)
    _default_currency(store, row)


def _create_contact(store: Store, row: Row) -> None:
    _create_account(store, row)
    _name_contact(row)


_CREATE: Mapping[str, CreateRule] = {
    "transactioncurrency": _create_currency,
    "uom": _create_unit,
    "account": _create_account,
    "contact": _create_contact,
    "product": _create_product,
    "productpricelevel": _create_price_line,
}
_UPDATE: Mapping[str, UpdateRule] = {
    "transactioncurrency": _update_currency,
    "uom": _update_unit,
    "account": _refuse_no_owner,
    "contact": _update_contact,
    "product": _update_product,
    "productpricelevel": _update_price_line,
}
_DELETE: Mapping[str, DeleteRule] = {"transactioncurrency": _delete_currency, "uom": _delete_unit}
