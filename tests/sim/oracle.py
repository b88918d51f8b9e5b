"""The judge: compares both servers, their audit log and the state store, and takes the engine's word for nothing.

The invariants are those of reference/reliability.md section 3.2: I1 no duplicates, I2 created and coupled once, I3 no update
lost, I4 flags, I5 counters as in reality, I6 filters, I8 the source of a one-way mapping untouched.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from tests.sim.company import ONE_WAY, PAIRS, SETS, SIGN, Row, mapping_of, sign_of
from tests.sim.log import Line
from tests.sim.world import World

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXPECTED = {"conflict", "restless", "left_alone"}
"""Codes of records that people edited on both sides, or too often: they are left as they are, and shown."""


_EXTRAS = {
    "pricelevels": ("name",), "productpricelevels": ("_productid_value", "_uomid_value", "_pricelevelid_value"),
    "uoms": ("name", "_uomscheduleid_value"),
}  # fmt: skip
"""What comes with records of mappings, and what there is only one of."""


@dataclass(frozen=True, slots=True)
class Work:
    """Runs that brought one work to its end; `first` and `behind` are places in the audit log."""

    runs: tuple[int, ...]
    first: int
    behind: int


@dataclass(slots=True)
class Facts:
    """What the plot knows, and the judge cannot see.

    `works` are runs, with the lines of the audit log that belong to them: one, and those that it had to be started anew
    after. `last` is the last run. `forgotten`: the state store was lost or set back. `flags` are the flags as they must
    be, `removed` the signs of records that people deleted.
    """

    jobs: tuple[str, ...]
    works: list[Work] = field(default_factory=list)
    last: int = 0
    forgotten: bool = False
    flags: Mapping[str, bool] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Coupled:
    mapping: str
    nav_id: str
    crm_id: str
    at: float


def judge_at_end_of_run(world: World, facts: Facts) -> list[str]:
    """What must be true whenever a run has come to its end: nothing twice, and all that was made is coupled."""
    judging = _Judge(world, facts)
    return [*judging.duplicates(), *judging.coupled_once()]


def judge(world: World, facts: Facts) -> list[str]:
    """Everything that is not as it must be, one sentence each."""
    return [*world.wrong, *_Judge(world, facts).all()]


class _Judge:
    def __init__(self, world: World, facts: Facts) -> None:
        self._world = world
        self._facts = facts
        start = (world.agenda.moment() - _EPOCH).total_seconds() - world.agenda.now
        self._couplings = [
            _Coupled(row["mapping"], _guid(row["nav_id"]), _guid(row["crm_id"]), row["coupled_at"] / 1000 - start)
            for row in world.rows("SELECT mapping, nav_id, crm_id, coupled_at FROM coupling")
        ]
        self._there: dict[str, dict[str, dict[str, Row]]] = {
            mapping: {
                side: {
                    id: row
                    for id, row in world.records(side, page if side == "nav" else table).items()
                    if mapping_of(side, page if side == "nav" else table, row) == mapping
                }
                for side in ("nav", "crm")
            }
            for mapping, (page, _, table, _) in SETS.items()
        }

    def all(self) -> Iterator[str]:
        yield from self.duplicates()
        yield from self.coupled_once()
        yield from self._left_out()
        yield from self._lost_updates()
        yield from self._flags()
        yield from self._counters()
        yield from self._filters()
        yield from self._untouched()

    def duplicates(self) -> Iterator[str]:
        """I1: one record a sign and side, and one of each that comes with others."""
        for mapping, sides in self._there.items():
            for side, rows in sides.items():
                signs = Counter(sign_of(side, mapping, row) for row in rows.values() if not self._left_behind(row))
                yield from (
                    f"I1 {mapping} {sign} is {n} times in {side.upper()}" for sign, n in signs.items() if sign and n > 1
                )
        crm = self._world.crm.tables
        for table, names in _EXTRAS.items():
            found = Counter(tuple(str(row.get(name)) for name in names) for row in crm[table].rows.values())
            yield from (f"I1 {table} {key} is there {n} times" for key, n in found.items() if n > 1)

    def _left_behind(self, row: Row) -> bool:
        """Whether it is a person whose customer somebody deleted, which takes part no more."""
        return bool(self._facts.removed) and row.get("Type") == "Person" and not row.get("Customer_No")

    def coupled_once(self) -> Iterator[str]:
        """I2: what was made is coupled, once, to what it was made from."""
        by_nav = Counter((one.mapping, one.nav_id) for one in self._couplings)
        by_crm = Counter((one.mapping, one.crm_id) for one in self._couplings)
        doubts = self._in_doubt()
        for name, counted in (("NAV", by_nav), ("CRM", by_crm)):
            yield from (
                f"I2 {mapping} {id} of {name} is coupled {n} times" for (mapping, id), n in counted.items() if n > 1
            )
        for line in self._made():
            if line.mapping is None or line.key not in self._there[line.mapping][line.side]:
                continue
            times = (by_nav if line.side == "nav" else by_crm)[line.mapping, line.key]
            if times == 0 and self._facts.forgotten and line.sign in self._facts.removed:
                continue  # nothing is left that it could be matched with
            if times != 1 and line.sign not in doubts:
                yield f"I2 {line.mapping} {line.sign} was made in {line.side.upper()} and is coupled {times} times"
        for one in self._couplings:
            nav, crm = self._there[one.mapping]["nav"].get(one.nav_id), self._there[one.mapping]["crm"].get(one.crm_id)
            if nav is None or crm is None:
                known = {line.key for line in self._world.log.lines if line.op == "delete"}
                with_parent = one.mapping == "CONTACTS" and known  # CRM deletes the contacts of an account with it
                if not with_parent and not known & {one.nav_id, one.crm_id}:
                    yield f"I2 {one.mapping} couples {one.nav_id} and {one.crm_id}, which are not there"
            elif (signs := {sign_of("nav", one.mapping, nav), sign_of("crm", one.mapping, crm)}) and len(signs) > 1:
                yield f"I2 {one.mapping} couples {' and '.join(sorted(signs))}"

    def _left_out(self) -> Iterator[str]:
        """I2: nothing that takes part was left out."""
        by_nav = Counter((one.mapping, one.nav_id) for one in self._couplings)
        by_crm = Counter((one.mapping, one.crm_id) for one in self._couplings)
        doubts = self._in_doubt()
        excused = self._world.company.outside | self._facts.removed | doubts
        for mapping in self._facts.jobs:
            for side, counted, way in (("nav", by_nav, "to"), ("crm", by_crm, "from")):
                if ONE_WAY.get(mapping, way) != way or (mapping == "CONTACTS" and (self._facts.removed or doubts)):
                    continue  # a contact whose account was deleted, or is in doubt, cannot be made
                for id, row in self._there[mapping][side].items():
                    sign = sign_of(side, mapping, row)
                    if sign and sign not in excused and not counted[mapping, id]:
                        yield f"I2 {mapping} {sign} of {side.upper()} has no partner: {self._said(id) or 'nothing said'}"

    def _lost_updates(self) -> Iterator[str]:
        """I3: both sides hold the last edit; where people edited both sides at once, each side holds its own."""
        for pair in PAIRS:
            if pair.mapping not in self._facts.jobs or (pair.mapping == "CONTACTS" and self._facts.removed):
                continue  # a contact whose company was deleted fails, and says so
            for one in self._couplings:
                nav = self._there[one.mapping]["nav"].get(one.nav_id)
                crm = self._there[one.mapping]["crm"].get(one.crm_id)
                if one.mapping != pair.mapping or nav is None or crm is None or self._excused(one):
                    continue
                sign = sign_of("nav", one.mapping, nav)
                if sign in self._world.company.outside:
                    continue
                ours, theirs = str(nav[pair.nav] or ""), str(crm.get(pair.crm) or "")
                edits = self._edits(one, pair.nav, pair.crm)
                code = self._said(one.nav_id) or self._said(one.crm_id)
                what = f"I3 {one.mapping} {sign} {pair.nav}"
                if ours == theirs:
                    if edits and edits[-1][1] != ours and not self._base_unknown(one):
                        yield f"{what}: both have {ours!r}, but {edits[-1][1]!r} was written last"
                elif not code:
                    yield f"{what}: NAV has {ours!r}, CRM {theirs!r}"
                elif code not in _EXPECTED:
                    yield f"{what}: failed at last with {code}"
                else:
                    for side, value in (("nav", ours), ("crm", theirs)):
                        may = _may_hold(edits, side)
                        if may and self._facts.forgotten and side == "crm":  # NAV's value stood for a while
                            may += [text for by, text in edits if by == "nav"]
                        if may and value not in may:
                            yield f"{what}: {side.upper()} has {value!r}, which is older than what was written there ({code})"

    def _edits(self, one: _Coupled, nav: str, crm: str) -> list[tuple[str, str]]:
        """What people wrote into a pair of fields, in order."""
        found = []
        for line in self._world.log.lines:
            if line.by == "person" and line.op == "update":
                if line.key == one.nav_id and nav in line.values:
                    found.append(("nav", str(line.values[nav])))
                elif line.key == one.crm_id and crm in line.values:
                    found.append(("crm", str(line.values[crm])))
        return found

    def _base_unknown(self, one: _Coupled) -> bool:
        """Whether an edit came before the engine knew the pair: then NAV's value stands, as documented."""
        if self._facts.forgotten:
            return True
        made = [line for line in self._made() if line.key in (one.nav_id, one.crm_id)]
        if made and (made[0].side == "crm" or self._world.setup.marker):
            return False  # without a mark, what was made in NAV may be found by its key only, as if it were another's
        first = min(
            (line.at for line in self._world.log.lines if line.by == "person" and line.key in (one.nav_id, one.crm_id)),
            default=one.at,
        )
        return first < one.at

    def _flags(self) -> Iterator[str]:
        """I4: as they were, or as answered."""
        found = {row["mapping"]: bool(row["only_coupled"]) for row in self._world.rows("SELECT * FROM flag")}
        if found != dict(self._facts.flags):
            yield f"I4 the flags are {found}, but must be {dict(self._facts.flags)}"

    def _counters(self) -> Iterator[str]:
        """I5: inserted records are those of the audit log, and every record read has one outcome."""
        if self._facts.forgotten:
            return
        doubts = self._in_doubt()
        for work in self._facts.works:
            marks = ",".join("?" * len(work.runs))
            rows = self._world.rows(
                "SELECT job.mapping, page.direction, sum(page.read) AS read, sum(page.inserted) AS inserted, "
                "sum(page.modified) AS modified FROM page JOIN job ON job.run_id = page.run_id AND job.seq = page.seq "
                f"AND job.direction = page.direction WHERE page.run_id IN ({marks}) GROUP BY job.mapping, page.direction",
                *work.runs,
            )
            touched: dict[tuple[str, str, str], list[str]] = defaultdict(list)
            unsure = set[str]()
            extras = 0
            for line in self._world.log.lines[work.first : work.behind]:
                extras += line.by == "engine" and line.set in _EXTRAS
                if line.by == "engine" and line.mapping is not None:
                    if line.sign in doubts | self._facts.removed:  # what was made and deleted at once is made again
                        unsure.add(line.key)
                    touched[line.op, line.mapping, line.side].append(line.key)
            for row in rows:
                mapping, side = row["mapping"], "crm" if row["direction"].startswith("To") else "nav"
                made, changed = set(touched["create", mapping, side]), touched["update", mapping, side]
                failed = self._failed(work.runs, mapping)
                right = {key for key in made - unsure if not failed & {key, self._source_of(mapping, side, key)}}
                what = f"I5 run {work.runs} counts {{}} {mapping} records {{}} in {side.upper()}, {{}}"
                if side == "nav" and not self._world.setup.marker:
                    right = set()  # without a mark nobody can tell whose a record is that is found later
                if not len(right) <= row["inserted"] <= len(made):
                    yield what.format(row["inserted"], "inserted", f"made were {len(right)}")
                if row["modified"] > len(made) + len(changed) + extras:
                    yield what.format(row["modified"], "modified", f"changed were {len(changed)}")

    def _failed(self, runs: tuple[int, ...], mapping: str) -> set[str]:
        marks = ",".join("?" * len(runs))
        query = f"SELECT * FROM outcome WHERE run_id IN ({marks}) AND mapping = ? AND kind = 'failed'"
        rows = self._world.rows(query, *runs, mapping)
        return {_guid(row[name]) for row in rows for name in ("source_id", "nav_id", "crm_id") if row[name] is not None}

    def _source_of(self, mapping: str, side: str, key: str) -> str:
        for one in self._couplings:
            if one.mapping == mapping and key in (one.nav_id, one.crm_id):
                return one.crm_id if side == "nav" else one.nav_id
        return ""

    def _filters(self) -> Iterator[str]:
        """I6: what does not pass a table filter has no partner."""
        for mapping, sides in self._there.items():
            nav = {sign_of("nav", mapping, row) for row in sides["nav"].values()}
            crm = {sign_of("crm", mapping, row) for row in sides["crm"].values()}
            yield from (f"I6 {mapping} {sign} was to be left alone" for sign in nav & crm & self._world.company.outside)

    def _untouched(self) -> Iterator[str]:
        """I8: the engine writes nothing into the source of a one-way mapping, and deletes nothing anywhere."""
        for line in self._world.log.lines:
            if line.by != "engine":
                continue
            if line.op == "delete":
                yield f"I8 {line.set} {line.key} was deleted"
            for mapping, way in ONE_WAY.items():
                if line.set == SETS[mapping][0 if way == "to" else 2]:
                    yield f"I8 {line.op} of {line.set} {line.key}"

    # what the state store says of records

    def _said(self, id: str) -> str:
        """The code under which a record is listed in the last run, or among those to retry; blank when it is not."""
        rows = self._world.rows(
            "SELECT code FROM outcome WHERE run_id = ? AND kind IN ('failed', 'skipped') AND (nav_id = ? OR crm_id = ?) "
            "UNION SELECT code FROM trouble WHERE source_id = ? AND code <> 'unanswered'",
            self._facts.last,
            *[UUID(id).bytes] * 3,
        )
        return str(rows[0]["code"]) if rows else ""

    def _in_doubt(self) -> set[str]:
        """Signs of records that are shown as in doubt, as they may be without a marker."""
        if self._world.setup.marker:
            return set()
        rows = self._world.rows("SELECT mapping, crm_id, name FROM outcome WHERE code = 'in_doubt'")
        found = set()
        for row in rows:
            crm = self._there[row["mapping"]]["crm"].get(_guid(row["crm_id"])) if row["crm_id"] is not None else None
            if crm is not None:
                found.add(sign_of("crm", row["mapping"], crm))
            elif one := SIGN.search(row["name"]):  # somebody deleted it meanwhile
                found.add(one[0])
        return found

    def _excused(self, one: _Coupled) -> bool:
        nav = self._there[one.mapping]["nav"][one.nav_id]
        return sign_of("nav", one.mapping, nav) in self._facts.removed

    def _made(self) -> Iterator[Line]:
        return (line for line in self._world.log.lines if line.by == "engine" and line.op == "create")


def _may_hold(edits: list[tuple[str, str]], side: str) -> list[str]:
    """What a side holds that people edited: their last value, or one that was written elsewhere after it."""
    own = [number for number, (by, _) in enumerate(edits) if by == side]
    return [text for _, text in edits[own[-1] :]] if own else []


def _guid(raw: bytes) -> str:
    return str(UUID(bytes=raw))
