"""Products: units, the default price list with a line per product, and publishing (reference/domain.md sections 1.6,
1.7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.connectors.protocol import ETAG, Reference, Result, Row, Status, Write, WriteKind
from engine.mapping.transfer import TO
from engine.mapping.values import Value, rounded
from engine.model.errors import ConnectionLost
from engine.model.mapping import Condition
from engine.model.outcome import Problem
from engine.sync.handling.base import Handling, Prepared
from engine.sync.handling.units import read_units
from engine.sync.item import Item
from engine.sync.single import create_one

_UNITS = "UNITOFMEASURE"
_LISTS, _LINES = "pricelevels", "productpricelevels"
_LINE_FIELDS = ("productpricelevelid", "_productid_value", "_uomid_value", "amount")
_ACTIVE = {"statecode": 0, "statuscode": 1}
_DIGITS = 2
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a product is sold: its unit group and base unit."""

    group: str
    unit: str


class ProductHandling(Handling):
    """A new product is a draft; it gets its price, then it is published."""

    _price_list: str = ""

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """The base unit and the currency of each product."""
        if self.scope.direction is not TO:
            return Prepared()
        codes = sorted({str(row["Base_Unit_of_Measure"]) for row in rows.values() if row.get("Base_Unit_of_Measure")})
        groups = await self.context.store.read(
            lambda connection: self.context.couplings.partners(connection, _UNITS, TO, codes)
        )
        units = await read_units(self.context, sorted(set(groups.values())))
        derived: dict[str, dict[str, Value]] = {}
        problems: dict[str, Problem] = {}
        for id, row in rows.items():
            code = str(row.get("Base_Unit_of_Measure") or "")
            unit = units.get(groups.get(code, ""))
            if not code:
                problems[id] = _NO_UNIT
            elif isinstance(unit, Problem):
                problems[id] = unit
            else:
                derived[id] = {"transactioncurrencyid": self.context.organization.local_currency_id}
                if unit is not None:
                    derived[id]["defaultuomid"] = unit.id
        return Prepared(derived, problems)

    async def complete(self, items: Sequence[Item]) -> None:
        """Give every product its price line, then publish those that are not active."""
        if self.context.plan:
            return
        to_crm = self.scope.direction is TO
        await self._price([item for item in items if to_crm or (item.new and item.row.get("_defaultuomid_value"))])
        if to_crm:
            await self._publish([item for item in items if item.open])

    async def _price(self, items: Sequence[Item]) -> None:
        price_list = await self._default_price_list()
        left = {item.id: item for item in items}
        in_list = (Condition("_pricelevelid_value", "eq", price_list),)
        for _ in range(_ROUNDS):
            if not left:
                return
            ids = [self._product(item) for item in left.values()]
            lines: dict[str, list[Row]] = {}
            for row in await self.context.crm.find(_LINES, "_productid_value", ids, _LINE_FIELDS, in_list):
                lines.setdefault(str(row["_productid_value"]), []).append(row)
            writes = []
            for id, item in list(left.items()):
                write = self._line(item, lines.get(self._product(item), []), price_list)
                if write is None:
                    del left[id]
                else:
                    writes.append(write)
            for kind in WriteKind:
                some = [write for write in writes if write.kind is kind]
                for id, result in (await self.context.crm.write(some)).items() if some else ():
                    _note(left, id, result, "price")
        _give_up(left, "price")

    def _line(self, item: Item, lines: Sequence[Row], price_list: str) -> Write | None:
        place = _place(item)
        amount = next((value for field, value in item.wanted.values.items() if field.crm == "price"), Decimal(0))
        if self.scope.direction is not TO:
            amount = rounded(Decimal(str(item.row.get("price") or 0)), _DIGITS)
        line = next((row for row in lines if row["_uomid_value"] == place.unit), None)
        if line is None:
            values = {
                "pricelevelid": Reference(_LISTS, price_list),
                "productid": Reference("products", self._product(item)),
                "uomid": Reference("uoms", place.unit),
                "uomscheduleid": Reference("uomschedules", place.group),
                "amount": amount,
                "pricingmethodcode": 1,
                "quantitysellingcode": 1,
            }
            new = self.context.new_id(f"{self.mapping.name} price", f"{self._product(item)}|{place.unit}")
            return Write(item.id, WriteKind.CREATE, _LINES, new, values)
        if rounded(Decimal(str(line["amount"])), _DIGITS) == amount:
            return None
        return Write(
            item.id, WriteKind.UPDATE, _LINES, str(line["productpricelevelid"]), {"amount": amount}, str(line[ETAG])
        )

    def _product(self, item: Item) -> str:
        return str(item.target_id) if self.scope.direction is TO else item.id

    async def _publish(self, items: Sequence[Item]) -> None:
        left = {item.id: item for item in items if item.created or (item.target or {}).get("statecode") != 0}
        for _ in range(_ROUNDS):
            if not left:
                return
            writes = [
                Write(id, WriteKind.UPDATE, "products", item.target_id, dict(_ACTIVE)) for id, item in left.items()
            ]
            for id, result in (await self.context.crm.write(writes)).items():
                if result.status is Status.DONE:
                    left.pop(id).written = True
                else:
                    _note(left, id, result, "publish")
        _give_up(left, "publish")

    async def _default_price_list(self) -> str:
        """The price list of the local currency, made when CRM has none of its name."""
        if self._price_list:
            return self._price_list
        own = self.context.organization
        name = f"{self.context.product_name} Default Price List"
        for title in (name, f"{name} ({own.local_currency})"):
            found = await self.context.crm.find(
                _LISTS, "name", [title], ("pricelevelid", "name", "_transactioncurrencyid_value")
            )
            for row in found:
                if row["_transactioncurrencyid_value"] == own.local_currency_id:
                    self._price_list = str(row["pricelevelid"])
                    return self._price_list
            if found:
                continue
            new = self.context.new_id("price list", title)
            values = {"name": title, "transactioncurrencyid": Reference("transactioncurrencies", own.local_currency_id)}
            write = Write(title, WriteKind.CREATE, _LISTS, new, values)
            result = await create_one(self.context.crm, write, "pricelevelid")
            if result.status not in (Status.DONE, Status.EXISTS):
                break
            self._price_list = new
            return new
        raise ConnectionLost(
            f"CRM has no price list '{name}' in {own.local_currency} and does not make one.",
            "Check that the integration user may create price lists, then resume.",
        )


def _place(item: Item) -> _Place:
    if "_defaultuomid_value" in item.row:
        return _Place(str(item.row["_defaultuomscheduleid_value"]), str(item.row["_defaultuomid_value"]))
    values = {field.crm: value for field, value in item.wanted.values.items()}
    return _Place(str(values["defaultuomscheduleid"]), str(values["defaultuomid"]))


def _note(left: dict[str, Item], id: str, result: Result, step: str) -> None:
    """Take what is done or refused off the list; what is stale or unknown stays for another look."""
    if result.status is Status.DONE:
        left[id].written = True
    elif result.status in (Status.REJECTED, Status.MISSING):
        _fail(left.pop(id), step, result.message)


def _give_up(left: Mapping[str, Item], step: str) -> None:
    for item in left.values():
        _fail(item, step, "CRM did not settle on an answer.")


def _fail(item: Item, step: str, message: str) -> None:
    what = {"price": "the price list line cannot be written", "publish": "the product cannot be published"}[step]
    problem = Problem(
        f"product_{step}",
        what,
        f"The product is in CRM and coupled, but {what}: {message}",
        "Mend the cause in CRM and run again; the product itself is not repeated.",
    )
    item.fail(problem, one_way=TO)


_NO_UNIT = Problem(
    "no_base_unit",
    "no base unit of measure",
    "Base Unit of Measure must have a value.",
    "Give the record a base unit of measure in NAV and run again.",
)
