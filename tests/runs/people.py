"""People who edit records on both sides while engines work, and whether an edit of theirs was lost, by the audit log."""

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
_MADE = "SELECT lower(hex(nav_id)), lower(hex(crm_id)), mapping FROM coupling WHERE born IS NOT NULL"
"""Of pairs that were there before, NAV's value stands at first (docs/guarantees.md)."""


class People:
    """Edit fields of records that engines have made, and of what these were made from, until the end of the block.

    `edits` are the numbers of their lines in the audit log. Values come again, also those that were there before.
    """

    def __init__(self, company: Company, chance: Random) -> None:
        self.edits: set[int] = set()
        self.fault: Exception | None = None
        self._company, self._chance = company, chance
        self._known: list[tuple[Pair, str, str]] = []
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
                        self._edit(client, *self._chance.choice(self._known))
        except Exception as error:  # noqa: BLE001 - it is raised where the block ends
            self.fault = error

    def _look_for_more(self) -> None:
        if len(self._known) >= _SOME or not self._company.audit_file.stat().st_size:
            return
        with self._company.store() as store:
            made = [(_guid(nav), _guid(crm), mapping) for nav, crm, mapping in store.execute(_MADE)]
        known = {nav for _, nav, _ in self._known}
        new = [
            (pair, nav, crm) for nav, crm, name in made for pair in PAIRS if pair.mapping == name and nav not in known
        ]
        self._known += self._chance.sample(new, min(2, len(new)))

    def _edit(self, client: httpx.Client, pair: Pair, nav_id: str, crm_id: str) -> None:
        value = f"+49 30 {self._chance.randrange(3)}"
        if self._chance.random() < 0.5:
            key, field = nav_id, pair.nav
            address = f"{self._company.nav_url}/Company('CRONUS%20International%20Ltd.')/{pair.page}({nav_id})"
        else:
            key, field = crm_id, pair.crm
            address = f"{self._company.crm_url}/{pair.table}({crm_id})"
        place = self._company.audit_file.stat().st_size
        client.patch(address, json={field: value}).raise_for_status()
        with self._company.audit_file.open("rb") as file:
            file.seek(place)
            lines = file.read().splitlines()
        for line in map(json.loads, (one for one in lines if one.startswith(b"{") and one.endswith(b"}"))):
            if line["key"].lower() == key and line["values"] == {field: value}:
                self.edits.add(line["n"])
                return


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
    people wrote there last, or elsewhere later. A side that was put back to what both held once counts as not edited.

    Engines were killed before the line number `calm`: what they made the same, none may have known.
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
            field = _Field(pair, lines, edits, calm)
            apart = apart or field.sides == {"nav", "crm"}
            told += field.wrong(shown=bool(shown))
            history += [f"{pair.nav} {one}" for one in field.history]
        if "conflict" in shown and not apart:
            told.append(
                f"shown as a conflict, but people edited no field on both sides: {history}, calm from {calm} on"
            )
        wrong += [f"{one['mapping']} {nav_id} {crm_id} {text}" for text in told]
    return wrong


class _Field:
    """A pair of fields of a pair of records, as the audit log has it; `sides` are those that people edited since an
    engine made both the same, `history` who wrote what.
    """

    def __init__(self, pair: Pair, lines: Sequence[Row], edits: Collection[int], calm: int) -> None:
        self._name = pair.nav
        self._held: dict[str, object] = {}
        self._agreed: set[object] = set()
        self._edited: list[tuple[str, object]] = []
        self.sides: set[str] = set()
        self.history: list[str] = []
        for line in lines:
            side, name = line["side"], pair.nav if line["side"] == "nav" else pair.crm
            if name not in line["values"]:
                continue
            self._held[side] = line["values"][name]
            self.history.append(
                f"{line['n']} {side} {'person' if line['n'] in edits else 'engine'} {line['values'][name]}"
            )
            if self._held.get("nav") == self._held.get("crm"):
                self._agreed.add(self._held["nav"])
            if line["n"] in edits:
                self._edited.append((side, line["values"][name]))
                self.sides.add(side)
            elif line["n"] >= calm and self._held.get("nav") == self._held.get("crm"):
                self.sides.clear()

    def wrong(self, *, shown: bool) -> list[str]:
        """What is wrong with it, in words."""
        if not self._edited:
            return []
        last, held = self._edited[-1][1], self._held
        if held.get("nav") == held.get("crm") and (held["nav"] == last or self._put_back(held["nav"])):
            return []
        has = f"{self._name}: NAV has {held.get('nav')!r}, CRM {held.get('crm')!r}"
        if held.get("nav") == held.get("crm") or not shown:
            return [f"{has}, but people wrote {last!r} last"]
        return [
            f"{has}, which is older than what people wrote in {side.upper()}"
            for side in ("nav", "crm")
            if (own := [at for at, (by, _) in enumerate(self._edited) if by == side])
            and held.get(side) not in [value for _, value in self._edited[own[-1] :]]
        ]

    def _put_back(self, stands: object) -> bool:
        """Whether what stands was written last on one side, and the other side was put back to what both had once."""
        lasts = dict(self._edited)
        return any(
            value == stands and all(other in self._agreed for at, other in lasts.items() if at != side)
            for side, value in lasts.items()
        )


def _guid(raw: str) -> str:
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
