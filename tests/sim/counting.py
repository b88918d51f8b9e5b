"""I5: whether the counters of jobs are what the audit log, the records and the outcomes say.

Of a run that came to its end: every record that was there was read, and what was read has one outcome. What is inserted,
modified and coupled happened. What an engine modified before it was killed may count as unchanged: the one that goes on
finds it as it should be.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.sim.company import ONE_WAY, sign_of
from tests.sim.faults import UNTOLD
from tests.sim.log import Line
from tests.sim.seen import Seen, Work, guid

EXTRAS = {
    "pricelevels": ("name",), "productpricelevels": ("_productid_value", "_uomid_value", "_pricelevelid_value"),
    "uoms": ("name", "_uomscheduleid_value"),
}  # fmt: skip
"""What comes with records of mappings, and what there is only one of."""
_OWNERS = {"productpricelevels": "_productid_value", "uoms": "_uomscheduleid_value"}
_LINKS = {"primarycontactid", "_primarycontactid_value", "Primary_Contact_No"}
"""What is written once a record of another mapping is there; the counters of the record stand by then."""
_OUTCOMES = ("inserted", "modified", "unchanged", "skipped", "failed")
_ALL = ("read", *_OUTCOMES, "coupled")


def counters(seen: Seen) -> Iterator[str]:
    """Every counter that is not what it must be."""
    for work in seen.facts.works:
        counting = _Counting(seen, work)
        for mapping in seen.facts.jobs:
            for side in ("nav", "crm"):
                if ONE_WAY.get(mapping) != {"nav": "to", "crm": "from"}[side]:
                    yield from counting.of(mapping, side)
    yield from _matched(seen)


@dataclass(frozen=True, slots=True)
class _Page:
    """A row of what was counted; `side` is where its job writes. What is made `on_the_spot` is made for another mapping,
    once its own has been done.
    """

    run: int
    mapping: str
    side: str
    on_the_spot: bool
    number: Counter[str]

    @property
    def outcomes(self) -> int:
        return sum(self.number[name] for name in _OUTCOMES)


class _Counting:
    """The counters of one work."""

    def __init__(self, seen: Seen, work: Work) -> None:
        self._seen = seen
        self._work = work
        self._pages = _pages(seen, work.runs)
        self._lines = [line for line in seen.world.log.lines[work.first : work.behind] if line.by == "engine"]
        self._unsure = seen.in_doubt() | seen.facts.removed
        self._removed = seen.facts.removed

    def of(self, mapping: str, side: str) -> Iterator[str]:
        """What is wrong with one mapping and one direction."""
        what = f"I5 run {self._work.runs} {mapping} to {side.upper()}"
        pages = [page for page in self._pages if (page.mapping, page.side) == (mapping, side)]
        last = [page for page in pages if page.run == self._work.runs[-1]]
        found = [*self._read(last, mapping, side), *self._outcomes(last, mapping, side)]
        if not self._seen.facts.forgotten:
            found += [*self._inserted(pages, mapping, side), *self._modified(pages, mapping, side)]
        yield from (f"{what}: {text}" for text in found)

    def _read(self, pages: list[_Page], mapping: str, side: str) -> Iterator[str]:
        """Whatever takes part was read, and nothing twice. A product that failed may be a draft, which does not."""
        if not self._work.there:
            return
        source = "crm" if side == "nav" else "nav"
        there = self._work.there[mapping, source]
        made = {line.key for line in self._touched("create", mapping, source)}
        entered = {line.key for line in self._seen.entered(mapping, source)}
        read = _sum(pages, "read")
        if read > len(there | made | entered):
            yield f"{read} are read, there are {len(there | made | entered)}"
        if self._work.kind != "run" or self._broken(mapping) or (mapping == "CONTACTS" and self._removed):
            return
        rows = self._seen.there[mapping][source]
        if side == "nav" and self._work.lives == 1 and not self._for_others(mapping):
            there |= made  # by the pass to CRM, which comes first
        drafts = {id for id in there if rows.get(id, {}).get("statecode")} | self._failed(mapping)
        signs = {sign_of(source, mapping, rows[id]) for id in there - drafts if id in rows}
        due = signs - {""} - self._seen.world.company.outside - self._removed
        if read < len(due):
            yield f"{read} are read, but {len(due)} take part"

    def _outcomes(self, pages: list[_Page], mapping: str, side: str) -> Iterator[str]:
        """One for each that was read, and for those that were not: made for others, or made before and not counted."""
        own = [page for page in pages if not page.on_the_spot]
        read, outcomes = _sum(pages, "read"), sum(page.outcomes for page in own)
        if not read <= outcomes <= read + len(self._unread(mapping, side)) + self._doubtful(mapping, side):
            yield f"{read} are read, but {outcomes} have an outcome"
        spot = [page for page in pages if page.on_the_spot]
        made = {line.key for line in self._touched("create", mapping, side)}
        if spot and (_sum(spot, "read") or _sum(spot, "inserted") > len(made) or not self._for_others(mapping)):
            yield f"{_sum(spot, 'inserted')} were made on the spot, but only {len(made)} were made"
        if (matched := _sum(spot, "modified") + _sum(spot, "unchanged")) != _sum(spot, "coupled"):
            yield f"{matched} were coupled on the spot, but {_sum(spot, 'coupled')} are counted"
        failed, listed = _sum(pages, "failed"), len(self._listed(mapping, side))
        if failed != listed:
            yield f"{failed} failed, but {listed} are listed"

    def _doubtful(self, mapping: str, side: str) -> int:
        """How many are told of that may have been made from records which are gone, and that nobody could read anew."""
        query = "SELECT source_id, direction FROM outcome WHERE run_id = ? AND mapping = ? AND code = 'in_doubt'"
        rows = self._seen.world.rows(query, self._work.runs[-1], mapping)
        there = self._seen.there[mapping]["crm" if side == "nav" else "nav"]
        return sum(_side(row["direction"]) == side and guid(row["source_id"]) not in there for row in rows)

    def _unread(self, mapping: str, side: str) -> set[str]:
        """What was made before and may be counted without being read: for an earlier run, where a synchronization reads what
        was modified only, or from a record that vanished before it was read again.
        """
        source = "crm" if side == "nav" else "nav"
        there = {sign_of(source, mapping, row) for row in self._seen.there[mapping][source].values()}
        there -= self._seen.facts.several & self._removed  # what was entered anew is another record
        work = self._work
        return {
            line.key
            for line in self._touched("create", mapping, side)
            if (line.life < work.life and line.sign not in there)
            or (work.kind != "run" and line.life <= work.life - work.lives)
        }

    def _inserted(self, pages: list[_Page], mapping: str, side: str) -> Iterator[str]:
        lines = list(self._touched("create", mapping, side))
        # what was made and deleted at once is made again
        unsure = {line.key for line in self._lines if line.mapping == mapping and line.sign in self._unsure}
        unsure |= {line.key for line in lines if line.sign in self._seen.facts.several}
        failed = self._failed(mapping)
        made = {line.key for line in lines}
        right = {key for key in made - unsure if not failed & {key, self._source_of(mapping, side, key)}}
        if side == "nav" and not self._seen.world.setup.marker:
            right = set()  # without a mark nobody can tell whose a record is that is found later
        inserted = _sum(pages, "inserted")
        if not len(right) <= inserted <= len(made):
            yield f"{inserted} are inserted, made were {len(made)}, of which {len(right)} are to be counted"

    def _modified(self, pages: list[_Page], mapping: str, side: str) -> Iterator[str]:
        """What the last engine modified is counted, and nothing that was not modified."""
        lines = [line for line in self._touched("update", mapping, side) if not set(line.values) <= _LINKS]
        own = Counter(line.key for line in lines)
        own.update(owner for owner in map(self._owner, self._lines) if side == "crm" and owner)
        most = sum(min(n, len(self._work.runs)) for n in own.values()) + len(self._perhaps(mapping, side) - own.keys())
        made = {line.key for line in self._seen.made()}
        failed = self._failed(mapping)
        sure = {line.key for line in lines if line.life == self._work.life and line.sign not in self._unsure} - made
        right = {key for key in sure if not failed & {key, self._source_of(mapping, side, key)}}
        modified = _sum(pages, "modified")
        if not len(right) <= modified <= most:
            yield f"{modified} are modified, changed were {most}, of which {len(right)} by the last engine"

    def _perhaps(self, mapping: str, side: str) -> set[str]:
        """What counts as modified, as an engine did not hear what came of its update and somebody wrote to the row since."""
        log, rows = self._seen.world.log, self._seen.there[mapping][side]
        places = range(self._work.first, self._work.behind + 1)
        unheard = [one for one in log.sent if one.place in places and one.fault in UNTOLD]
        return {
            sent.key
            for sent in unheard
            if sent.key in rows
            and any((line.by, line.key) == ("person", sent.key) for line in log.lines[sent.place : self._work.behind])
        }

    def _touched(self, op: str, mapping: str, side: str) -> Iterator[Line]:
        return (line for line in self._lines if (line.op, line.mapping, line.side) == (op, mapping, side))

    def _owner(self, line: Line) -> str:
        """The record that a price or a unit belongs to."""
        column = _OWNERS.get(line.set)
        row = self._seen.world.crm.tables[line.set].rows.get(line.key) if column else None
        return str(row[column]) if row is not None and column else ""

    def _for_others(self, mapping: str) -> bool:
        """Whether records may be made on the spot, because one of another mapping needs them."""
        return mapping == "CUSTOMER" and "CONTACTS" in self._seen.facts.jobs

    def _broken(self, mapping: str) -> bool:
        query = "SELECT state FROM job WHERE run_id = ? AND mapping = ? AND state IN ('FAIL', 'SKIP')"
        return bool(self._seen.world.rows(query, self._work.runs[-1], mapping))

    def _listed(self, mapping: str, side: str) -> set[str]:
        """The records that are listed as failed in the last run."""
        query = "SELECT source_id, direction FROM outcome WHERE run_id = ? AND mapping = ? AND kind = 'failed'"
        rows = self._seen.world.rows(query, self._work.runs[-1], mapping)
        return {guid(row["source_id"]) for row in rows if _side(row["direction"]) == side}

    def _failed(self, mapping: str) -> set[str]:
        marks = ",".join("?" * len(self._work.runs))
        query = f"SELECT * FROM outcome WHERE run_id IN ({marks}) AND mapping = ? AND kind = 'failed'"
        rows = self._seen.world.rows(query, *self._work.runs, mapping)
        return {guid(row[name]) for row in rows for name in ("source_id", "nav_id", "crm_id") if row[name] is not None}

    def _source_of(self, mapping: str, side: str, key: str) -> str:
        for one in self._seen.couplings:
            if one.mapping == mapping and key in (one.nav_id, one.crm_id):
                return one.crm_id if side == "nav" else one.nav_id
        return ""


def _matched(seen: Seen) -> Iterator[str]:
    """Whatever was coupled, and was not made, counts as coupled in the page that did it."""
    if seen.facts.forgotten or seen.facts.removed:
        return
    made = {line.key for line in seen.made()}
    counted: Counter[str] = Counter()
    for page in _pages(seen, tuple(row["id"] for row in seen.world.rows("SELECT id FROM run"))):
        counted[page.mapping] += page.number["coupled"]
    found: dict[str, list[bool]] = defaultdict(list)
    for one in seen.couplings:
        found[one.mapping].append(bool(made & {one.nav_id, one.crm_id}))
    for mapping in seen.facts.jobs:
        right = found[mapping].count(False)
        lost = 0 if seen.world.setup.marker else found[mapping].count(True)  # made without a mark, and found later
        if not right <= counted[mapping] <= right + lost:
            yield f"I5 {counted[mapping]} {mapping} records count as coupled, {right} were"


def _pages(seen: Seen, runs: tuple[int, ...]) -> list[_Page]:
    columns = ", ".join(f"page.{name}" for name in _ALL)
    rows = seen.world.rows(
        f"SELECT page.run_id, job.mapping, page.direction, page.last_key, "
        f"job.ended_at IS NOT NULL AND page.committed_at > job.ended_at AS later, {columns} FROM page JOIN job ON job.run_id = page.run_id "
        f"AND job.seq = page.seq AND job.direction = page.direction WHERE page.run_id IN ({','.join('?' * len(runs))})",
        *runs,
    )
    return [
        _Page(
            row["run_id"],
            row["mapping"],
            _side(row["direction"]),
            row["last_key"].startswith("for ") or bool(row["later"]),
            Counter({name: row[name] for name in _ALL}),
        )
        for row in rows
    ]


def _side(direction: str) -> str:
    return "crm" if direction.startswith("To") else "nav"


def _sum(pages: list[_Page], name: str) -> int:
    return sum(page.number[name] for page in pages)
