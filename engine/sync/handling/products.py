"""Products: units, the default price list with a line per product, and states.

Reference/domain.md sections 1.6 and 1.7.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from engine.connectors.protocol import ETAG, Reference, Row, Status, Write, WriteKind
from engine.mapping.transfer import TO
from engine.mapping.values import Value, lenient
from engine.model.errors import ConnectionLost, Refused
from engine.model.mapping import Condition, FieldKind
from engine.model.outcome import Problem
from engine.store.runs import job_rows
from engine.store.traces import Extra
from engine.sync.handling.base import Handling, Prepared
from engine.sync.handling.states import ACTIVE, DRAFT, RETIRED, set_states
from engine.sync.handling.steps import give_up, note, record
from engine.sync.handling.units import read_units
from engine.sync.item import Item
from engine.sync.single import create_one

_UNITS = "UNITOFMEASURE"
LISTS, LINES = "pricelevels", "productpricelevels"
_LINE_FIELDS = ("productpricelevelid", "_productid_value", "_uomid_value", "amount", "pricingmethodcode")
_AMOUNT_METHOD = 1
_DIGITS = 2
_NAME_LENGTH = 100
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a product is sold: its unit group and base unit."""

    group: str
    unit: str


class ProductHandling(Handling):
    """A new product is a draft; it gets its price, then it is published. Blocked and retired go together.

    Which of both sides changed is told by the remembered values, as for any bidirectional field. A draft blocks
    nothing that is coupled: it waits to be published.
    """

    _price_list: str = ""
    _vendors: bool = True

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """To CRM the base unit, currency, vendor and state of each product, from CRM whether it is blocked."""
        if self.scope.direction is not TO:
            known = {id: row.get("statecode") for id, row in rows.items()}
            return Prepared(
                {id: {"Blocked": state != ACTIVE} for id, state in known.items() if state not in (None, DRAFT)}
            )
        codes = sorted({str(row["Base_Unit_of_Measure"]) for row in rows.values() if row.get("Base_Unit_of_Measure")})
        groups = await self.context.store.read(
            lambda connection: self.context.couplings.partners(connection, _UNITS, TO, codes)
        )
        units = await read_units(self.context, sorted(set(groups.values())))
        vendors = await self._vendor_names(rows.values())
        named = await self._will_be_named()
        derived: dict[str, dict[str, Value]] = {}
        problems: dict[str, Problem] = {}
        for id, row in rows.items():
            code = str(row.get("Base_Unit_of_Measure") or "")
            unit = units.get(groups.get(code, ""))
            if not code:
                problems[id] = _NO_UNIT
            elif isinstance(unit, Problem):
                problems[id] = unit
            elif unit is not None and unit.name.casefold() != code.casefold() and not named:
                problems[id] = _other_unit(code, unit.name)
            else:
                derived[id] = {
                    "transactioncurrencyid": self.context.organization.local_currency_id,
                    "statecode": RETIRED if row.get("Blocked") else ACTIVE,
                    **vendors.get(str(row.get("Vendor_No") or ""), {}),
                }
                if unit is not None:
                    derived[id]["defaultuomid"] = unit.id
        return Prepared(derived, problems)

    async def before_create(self, items: Sequence[Item]) -> None:
        """An item made from a draft is blocked until the product is published."""
        await super().before_create(items)
        for item in items:
            if item.row.get("statecode") == DRAFT:
                item.extra = {"Blocked": True}

    async def complete(self, items: Sequence[Item]) -> None:
        """Give every product its price line, then publish drafts and set the states that were decided."""
        if self.context.plan:
            for item in items:
                item.written = item.written or (bool(item.late) and not item.created)
            return
        to_crm = self.scope.direction is TO
        if to_crm:
            await self._price([item for item in items if item.late or (item.target or {}).get("statecode") != RETIRED])
            await set_states(self.context, self.scope, [item for item in items if item.open])
        else:
            await self._price([item for item in items if item.new and item.row.get("_defaultuomid_value")])

    async def _will_be_named(self) -> bool:
        """Whether this is a plan of a run that gives units their names before it comes to products."""
        if not self.context.plan:
            return False
        rows = await self.context.store.read(partial(job_rows, run_id=self.scope.run))
        return any(row.mapping == _UNITS for row in rows)

    async def _vendor_names(self, rows: Iterable[Row]) -> dict[str, dict[str, Value]]:
        """By number, the names of vendors; none when NAV does not publish the page of vendors."""
        numbers = sorted({str(row.get("Vendor_No") or "") for row in rows} - {""})
        if not numbers or not self._vendors:
            return {}
        try:
            found = await self.context.nav.find("Vendor", "No", numbers, ("No", "Name"))
        except Refused:
            self._vendors = False
            return {}
        return {str(row["No"]): {"vendorname": str(row.get("Name") or "")[:_NAME_LENGTH].rstrip()} for row in found}

    async def _price(self, items: Sequence[Item]) -> None:
        price_list = await self._default_price_list()
        left = {item.id: item for item in items}
        in_list = (Condition("_pricelevelid_value", "eq", price_list),)
        for _ in range(_ROUNDS):
            if not left:
                return
            ids = [self._product(item) for item in left.values()]
            lines: dict[str, list[Row]] = {}
            for row in await self.context.crm.find(LINES, "_productid_value", ids, _LINE_FIELDS, in_list):
                lines.setdefault(str(row["_productid_value"]), []).append(row)
            writes = []
            for id, item in list(left.items()):
                write = self._line(item, lines.get(self._product(item), []), price_list)
                if write is None:
                    del left[id]
                else:
                    writes.append(write)
            known = {row["productpricelevelid"]: row for rows in lines.values() for row in rows}
            updates = [(known[one.id], one) for one in writes if one.kind is WriteKind.UPDATE]
            new = [
                Extra(LINES, str(one.id), self._product(left[one.key]))
                for one in writes
                if one.kind is WriteKind.CREATE
            ]
            await record(self.context, self.scope, updates, new)
            for kind in WriteKind:
                some = [write for write in writes if write.kind is kind]
                for id, result in (await self.context.crm.write(some)).items() if some else ():
                    note(left, id, result, "price", self.scope.direction)
        give_up(left, "price", self.scope.direction)

    def _line(self, item: Item, lines: Sequence[Row], price_list: str) -> Write | None:
        place = _place(item)
        amount = next((value for field, value in item.wanted.values.items() if field.crm == "price"), Decimal(0))
        if self.scope.direction is not TO:
            amount = lenient(FieldKind.DECIMAL, _DIGITS, item.row.get("price"))
        line = next((row for row in lines if row["_uomid_value"] == place.unit), None)
        if line is None:
            values = {
                "pricelevelid": Reference(LISTS, price_list),
                "productid": Reference("products", self._product(item)),
                "uomid": Reference("uoms", place.unit),
                "uomscheduleid": Reference("uomschedules", place.group),
                "amount": amount,
                "pricingmethodcode": _AMOUNT_METHOD,
                "quantitysellingcode": 1,
            }
            new = self.context.new_id(f"{self.mapping.name} price", f"{self._product(item)}|{place.unit}")
            return Write(item.id, WriteKind.CREATE, LINES, new, values)
        held = line["amount"]
        if held is not None and lenient(FieldKind.DECIMAL, _DIGITS, held) == amount:
            return None
        # a line that counts a percentage of something has no amount
        changes = {"amount": amount} if held is not None else {"amount": amount, "pricingmethodcode": _AMOUNT_METHOD}
        return Write(item.id, WriteKind.UPDATE, LINES, str(line["productpricelevelid"]), changes, str(line[ETAG]))

    def _product(self, item: Item) -> str:
        return str(item.target_id) if self.scope.direction is TO else item.id

    async def _default_price_list(self) -> str:
        """The price list of the local currency, made when CRM has none of its name."""
        if self._price_list:
            return self._price_list
        own = self.context.organization
        name = f"{self.context.product_name} Default Price List"
        for title in (name, f"{name} ({own.local_currency})"):
            found = await self.context.crm.find(
                LISTS, "name", [title], ("pricelevelid", "name", "_transactioncurrencyid_value")
            )
            for row in found:
                if row["_transactioncurrencyid_value"] == own.local_currency_id:
                    self._price_list = str(row["pricelevelid"])
                    return self._price_list
            if found:
                continue
            new = self.context.new_id("price list", title)
            values = {"name": title, "transactioncurrencyid": Reference("transactioncurrencies", own.local_currency_id)}
            write = Write(title, WriteKind.CREATE, LISTS, new, values)
            await record(self.context, self.scope, (), [Extra(LISTS, new, title)])
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


def _other_unit(code: str, name: str) -> Problem:
    return Problem(
        "unit_name",
        "the unit of the group has another name",
        f"The unit of group 'NAV {code}' in CRM is named '{name}', not '{code}'.",
        "Run UNITOFMEASURE, which names it, and run again.",
    )


_NO_UNIT = Problem(
    "no_base_unit",
    "no base unit of measure",
    "Base Unit of Measure must have a value.",
    "Give the record a base unit of measure in NAV and run again.",
)
