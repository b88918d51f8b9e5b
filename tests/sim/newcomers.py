"""People who enter records while engines work and die: new ones, some that the other side has, and some anew."""

from random import Random

from sandbox.crm import writes as crm_writes
from sandbox.crm.schema import ENTITIES
from sandbox.nav import writes as nav_writes
from sandbox.nav.schema import PAGES
from tests.sim.company import ONE_WAY, SETS, Row, crm_row, nav_record, sign_of
from tests.sim.world import World

_SIDES = {"to": ("nav",), "from": ("crm",), "both": ("nav", "crm")}


class Newcomers:
    """People who enter records. `signs` are those of all that they entered, `several` of what they entered more than once:
    these are people's own duplicates, on whatever side. `removed` are those of what they deleted.
    """

    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self._number = 59
        self.signs: set[str] = set()
        self.several: set[str] = set()
        self.removed: set[str] = set()

    def come(self) -> None:
        """Have somebody enter something soon, or when contacts are read, in the seeds that are about it."""
        if self._chance.random() >= 0.2:
            return
        for _ in range(self._chance.randint(1, 2)):
            act = self._chance.choice((self._new, self._twin, self._anew))
            if "CONTACTS" in self._world.company.jobs and self._chance.random() < 0.5:
                self._world.network.at_contacts.append(lambda: self._firm("crm"))
            else:
                self._world.agenda.after(self._chance.random() * 3, act)

    def come_between(self) -> None:
        """Sometimes somebody enters what an engine that died may have sent."""
        if self._chance.random() < 0.15:
            self._chance.choice((self._twin, self._twin, self._anew))()

    def _new(self) -> None:
        """Somebody enters a record that nobody knows."""
        mapping = self._chance.choice(self._world.company.jobs)
        side = self._chance.choice(_SIDES[ONE_WAY.get(mapping, "both")])
        if mapping in ("CUSTOMER", "CONTACTS"):
            self._firm(side)
        elif mapping != "SALEPEOPLE" and side == "nav":
            self._enter(mapping, side, self._sign())

    def _firm(self, side: str) -> None:
        """Somebody enters a firm, and somebody who works there."""
        firm = self._sign()
        if (id := self._enter("CUSTOMER", side, firm)) and "CONTACTS" in self._world.company.jobs:
            self._enter("CONTACTS", side, self._sign(), firm=id)

    def _twin(self) -> None:
        """Somebody enters a firm by hand that only the other side has so far."""
        if "CUSTOMER" not in self._world.company.jobs:
            return
        signs = {side: self._there(side) for side in ("nav", "crm")}
        side = self._chance.choice(("nav", "crm"))
        other = "crm" if side == "nav" else "nav"
        odd = self._odd()
        if alone := sorted(signs[other].keys() - signs[side].keys() - odd):
            sign = self._chance.choice(alone)
            if self._enter("CUSTOMER", side, sign, no=f"{sign}H"):
                self.several.add(sign)

    def _anew(self) -> None:
        """Somebody deletes a firm and enters it again under another number."""
        if "CUSTOMER" not in self._world.company.jobs:
            return
        side = self._chance.choice(("nav", "crm"))
        signs = self._there(side)
        odd = self._odd()
        if there := sorted(signs.keys() - odd):
            sign = self._chance.choice(there)
            if self._world.delete(side, SETS["CUSTOMER"][0 if side == "nav" else 2], signs[sign], sign):
                self.several.add(sign)
                self.removed.add(sign)
                self._enter("CUSTOMER", side, sign, no=f"{sign}N{self._number}")

    def _odd(self) -> frozenset[str]:
        """What is not entered again, as nobody could tell that it is the same."""
        company = self._world.company
        return company.outside | company.refused | company.alike | company.mute

    def _there(self, side: str) -> dict[str, str]:
        rows = self._world.records(side, SETS["CUSTOMER"][0 if side == "nav" else 2])
        return {sign: id for id, row in sorted(rows.items()) if (sign := sign_of(side, "CUSTOMER", row))}

    def _sign(self) -> str:
        self._number += 1
        return f"T{self._number}"

    def _enter(self, mapping: str, side: str, sign: str, *, firm: str = "", no: str = "") -> str:
        """The id of the new record; blank when the server refuses it."""
        entered: list[str] = []
        act = self._in_nav if side == "nav" else self._in_crm

        def enter() -> None:
            entered.append(act(mapping, sign, firm, no))

        self._world.person(side, f"enters {mapping} {sign} {no}".rstrip(), enter)
        self.signs |= {sign} if entered else set()
        return entered[0] if entered else ""

    def _in_nav(self, mapping: str, sign: str, firm: str, no: str) -> str:
        values: Row = {**nav_record(mapping, sign), **({"No": no} if no else {})}
        if mapping == "CONTACTS":
            customer = self._world.records("nav", "Customer")[firm]["No"]
            company = next(
                row for row in self._world.records("nav", "Contact").values() if row["Customer_No"] == customer
            )
            values = {name: value for name, value in values.items() if name != "Customer_No"} | {
                "Company_No": company["No"]
            }
        page = PAGES[SETS[mapping][0]]
        return str(nav_writes.create(self._world.nav, page, values)["SystemId"])

    def _in_crm(self, mapping: str, sign: str, firm: str, no: str) -> str:
        del no
        values = crm_row(mapping, sign)
        if mapping == "CONTACTS":
            del values["parentcustomerid"]
            values["_parentcustomerid_value"] = firm
        entity = ENTITIES[SETS[mapping][2]]
        return str(crm_writes.create(self._world.crm, entity, values, None)[entity.key])
