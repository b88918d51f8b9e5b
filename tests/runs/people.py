"""People who edit records on both sides while engines work, and whether an edit of theirs was lost, by the audit log."""

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Self

import httpx

from tests.runs.company import Company, Row


@dataclass(frozen=True)
class Pair:
    """Two fields that hold the same."""

    mapping: str
    page: str
    nav: str
    table: str
    crm: str

    def of(self, side: str) -> str:
        """The field on a side."""
        return self.nav if side == "nav" else self.crm


PAIRS = (
    Pair("CUSTOMER", "Customer", "Fax_No", "accounts", "fax"),
    Pair("CUSTOMER", "Customer", "Address_2", "accounts", "address1_line2"),
    Pair("CONTACTS", "Contact", "Fax_No", "contacts", "fax"),
    Pair("CONTACTS", "Contact", "Pager", "contacts", "pager"),
)
"""What people edit: nothing that `tests.runs.whole` compares, so that a run must end as it does without them."""
EXPECTED = frozenset({"conflict", "restless", "left_alone"})
"""Codes of records that people edited on both sides, or too often: they are left as they are, and shown."""
_SOME = 4
"""So many records are edited again and again."""
_OTHER = {"nav": "crm", "crm": "nav"}
_COPIES, _MOVES = 0.33, 0.06
"""How often somebody writes what the other side has, and how often people go over to it. Seldom, as an engine looks at a
record only after many edits: it is to find all of them, edits on one side, on both, and both sides the same.
"""
_MADE = "SELECT lower(hex(nav_id)), lower(hex(crm_id)), mapping FROM coupling WHERE born IS NOT NULL"
"""Of pairs that were there before, NAV's value stands at first (docs/guarantees.md)."""


class People:
    """Edit fields of records that engines have made, and of what these were made from, until the end of the block.

    `edits` are the numbers of their lines in the audit log. They write what was never there before, so that it is seen what
    becomes of each edit; or what people wrote that the other side has, which puts back an edit, or ends a conflict.
    """

    def __init__(self, company: Company, chance: Random) -> None:
        self.edits: set[int] = set()
        self.fault: Exception | None = None
        self._company, self._chance = company, chance
        self._known: list[_Edited] = []
        self._written: set[str] = set()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._over.clear()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.fault is not None:
            raise self.fault

    def _work(self) -> None:
        headers = {"Authorization": f"Bearer {self._company.token}", "If-Match": "*"}
        try:
            with httpx.Client(headers=headers, trust_env=False, timeout=30) as client:
                while not self._over.wait(self._chance.uniform(0.02, 0.08)):
                    self._look_for_more()
                    if self._known:
                        self._edit(client, self._chance.choice(self._known))
        except Exception as error:  # noqa: BLE001 - it is raised where the block ends
            self.fault = error

    def _look_for_more(self) -> None:
        if len(self._known) >= _SOME or not self._company.audit_file.stat().st_size:
            return
        with self._company.store() as store:
            made = [(_guid(nav), _guid(crm), mapping) for nav, crm, mapping in store.execute(_MADE)]
        known = {one.ids["nav"] for one in self._known}
        new = [
            _Edited(pair, {"nav": nav, "crm": crm}, self._chance.choice(("nav", "crm")))
            for nav, crm, name in made
            for pair in PAIRS
            if pair.mapping == name and nav not in known
        ]
        self._known += self._chance.sample(new, min(2, len(new)))

    def _edit(self, client: httpx.Client, one: "_Edited") -> None:
        if self._chance.random() < _MOVES:
            one.side = _OTHER[one.side]
        key, name = one.ids[one.side], one.pair.of(one.side)
        value = self._value(client, one)
        place = self._company.audit_file.stat().st_size
        client.patch(self._address(one, one.side), json={name: value}).raise_for_status()
        with self._company.audit_file.open("rb") as file:
            file.seek(place)
            lines = file.read().splitlines()
        for line in map(json.loads, (one for one in lines if one.startswith(b"{") and one.endswith(b"}"))):
            if line["key"].lower() == key and line["values"] == {name: value}:
                self.edits.add(line["n"])
                return

    def _value(self, client: httpx.Client, one: "_Edited") -> str:
        if self._chance.random() < _COPIES:
            other = _OTHER[one.side]
            answer = client.get(self._address(one, other)).raise_for_status()
            value = str(answer.json()[one.pair.of(other)])
            if value in self._written:  # what was there at first, the log does not tell
                return value
        value = f"+49 30 {len(self._written)}"
        self._written.add(value)
        return value

    def _address(self, one: "_Edited", side: str) -> str:
        if side == "nav":
            return f"{self._company.nav_url}/Company('CRONUS%20International%20Ltd.')/{one.pair.page}({one.ids['nav']})"
        return f"{self._company.crm_url}/{one.pair.table}({one.ids['crm']})"


@dataclass
class _Edited:
    """A pair of fields of a pair of records that people edit, and on which side they do now."""

    pair: Pair
    ids: Mapping[str, str]
    side: str


def codes(company: Company) -> dict[str, set[str]]:
    """What the last run says of records, by their ids on both sides."""
    said: dict[str, set[str]] = {}
    for one in company.lines("errors"):
        for side in ("nav_id", "crm_id"):
            if one[side]:
                said.setdefault(one[side].lower(), set()).add(one["code"])
    return said


def lost(
    audit: Sequence[Row],
    edits: Collection[int],
    couplings: Sequence[Row],
    said: Mapping[str, Collection[str]],
    calm: int = 0,
) -> list[str]:
    """Which edits were lost. `edits` are the numbers of people's lines. A person's last edit of a field stands on both
    sides, or the record is shown and people edited the field on both since both held the same; then each side holds what
    people wrote there last, or elsewhere later. On the way, an engine writes over an edit only what people wrote on the
    other side after that side had the edit. A side that was put back to what both held once counts as not edited.

    Engines were killed before the line number `calm`: what they made the same, none may have known; and of a field that was
    edited before, on whatever side, nobody can tell whether an update was put back: it may be shown as a conflict.
    """
    by_key: dict[str, list[Row]] = {}
    for line in audit:
        by_key.setdefault(line["key"].lower(), []).append(line)
    wrong = []
    for one in couplings:
        nav_id, crm_id = one["nav_id"].lower(), one["crm_id"].lower()
        lines = sorted((*by_key.get(nav_id, ()), *by_key.get(crm_id, ())), key=lambda line: int(line["n"]))
        shown = EXPECTED & {*said.get(nav_id, ()), *said.get(crm_id, ())}
        told, history = [], []
        apart = False
        for pair in (pair for pair in PAIRS if pair.mapping == one["mapping"]):
            both = _Field(pair, lines, edits, calm)
            apart = apart or both.doubtful or both.sides == {"nav", "crm"}
            told += both.wrong(shown=bool(shown))
            history += [f"{pair.nav} {one}" for one in both.history]
        if "conflict" in shown and not apart:
            told.append(
                f"shown as a conflict, but people edited no field on both sides: {history}, calm from {calm} on"
            )
        wrong += [f"{one['mapping']} {nav_id} {crm_id} {text}" for text in told]
    return wrong


@dataclass
class _Edit:
    """A person's edit of a field on a side. `back`: it was put back to what an engine may have known of both sides;
    `shared`: both sides have held it since; `later` is what people wrote on the other side after that.
    """

    side: str
    value: object
    back: bool
    shared: bool = False
    later: set[object] = field(default_factory=set)


class _Field:
    """A pair of fields of a pair of records, as the audit log has it; `sides` are those that people edited since an
    engine made both the same, `history` who wrote what. `doubtful`: an engine may have died with an edit under way, and
    none made both the same since.
    """

    def __init__(self, pair: Pair, lines: Sequence[Row], edits: Collection[int], calm: int) -> None:
        self._name = pair.nav
        self._held: dict[str, object] = {}
        self._agreed: set[object] = set()
        self._edited: list[_Edit] = []
        self._standing: dict[str, _Edit] = {}
        self._overwritten: list[str] = []
        self.sides: set[str] = set()
        self.doubtful = False
        self.history: list[str] = []
        for line in lines:
            number, side, name = line["n"], line["side"], pair.of(line["side"])
            if name not in line["values"]:
                continue
            value, person = line["values"][name], number in edits
            self.history.append(f"{number} {side} {'person' if person else 'engine'} {value}")
            if person:
                self._edit(side, value)
                self.doubtful = self.doubtful or number < calm
            else:
                self._write(number, side, value)
            self._held[side] = value
            same = self._held.get("nav") == self._held.get("crm")
            if same:
                self._agreed.add(value)
                for one in self._standing.values():
                    one.shared = True
            if same and not person and number >= calm:
                self.sides.clear()
                self.doubtful = False

    def _edit(self, side: str, value: object) -> None:
        edit = _Edit(side, value, back=value in self._agreed)
        self._edited.append(edit)
        self._standing[side] = edit
        self.sides.add(side)
        other = self._standing.get(_OTHER[side])
        if other is not None and other.shared:
            other.later.add(value)

    def _write(self, number: int, side: str, value: object) -> None:
        """An engine's write. If it was read before people edited that side, it should not have been accepted."""
        self._agreed.add(value)  # the other side held it, if not any more, and an engine may remember that
        over = self._standing.get(side)
        if over is None or over.value == value:
            return
        del self._standing[side]
        if not (over.back or value in over.later):
            self._overwritten.append(
                f"{self._name}: {side.upper()}'s {over.value!r} of people was overwritten with {value!r} in line {number}"
            )

    def wrong(self, *, shown: bool) -> list[str]:
        """What is wrong with it, in words."""
        return [*self._overwritten, *self._wrong_at_last(shown=shown)]

    def _wrong_at_last(self, *, shown: bool) -> list[str]:
        if not self._edited:
            return []
        last, held = self._edited[-1].value, self._held
        if held.get("nav") == held.get("crm") and (held["nav"] == last or self._put_back(held["nav"])):
            return []
        has = f"{self._name}: NAV has {held.get('nav')!r}, CRM {held.get('crm')!r}"
        if held.get("nav") == held.get("crm") or not shown:
            return [f"{has}, but people wrote {last!r} last"]
        return [
            f"{has}, which is older than what people wrote in {side.upper()}"
            for side in ("nav", "crm")
            if (own := [at for at, one in enumerate(self._edited) if one.side == side])
            and held.get(side) not in [one.value for one in self._edited[own[-1] :]]
        ]

    def _put_back(self, stands: object) -> bool:
        """Whether what stands was written last on one side, and the other side was put back to what both had before."""
        lasts = {one.side: one for one in self._edited}
        return any(
            one.value == stands and all(other.back for other in lasts.values() if other is not one)
            for one in lasts.values()
        )


def _guid(raw: str) -> str:
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
