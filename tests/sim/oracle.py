"""The judge: compares both servers, their audit log and the state store; of what the engine says it takes only why a record failed
(docs/guarantees.md).

The invariants are those of reference/reliability.md section 3.2: I1 no duplicates, I2 created and coupled once, I3 no update
lost, I4 flags, I5 counters as in reality, I6 filters, I8 the source of a one-way mapping untouched.
"""

from collections import Counter
from collections.abc import Iterator

from tests.sim.company import ONE_WAY, PAIRS, SETS, Pair, Row, sign_of
from tests.sim.counting import EXTRAS, counters
from tests.sim.log import Line
from tests.sim.seen import Coupled, Facts, Seen
from tests.sim.world import MARKER, World

_EXPECTED = {"conflict", "restless", "left_alone"}
"""Codes of records that people edited on both sides, or too often: they are left as they are, and shown."""
_LOOK_TO_NOTE = 1.0
"""Seconds in which an engine notes what it is going to send to a row that it has looked at."""


def judge_at_end_of_run(world: World, facts: Facts) -> list[str]:
    """What must be true whenever a run has come to its end: nothing twice, and all that was made is coupled."""
    judging = _Judge(Seen(world, facts))
    return [*judging.duplicates(), *judging.coupled_once()]


def judge(world: World, facts: Facts) -> list[str]:
    """Everything that is not as it must be, one sentence each."""
    return [*world.wrong, *_Judge(Seen(world, facts)).all()]


class _Judge:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._world = seen.world
        self._facts = seen.facts
        self._couplings = seen.couplings
        self._there = seen.there

    def all(self) -> Iterator[str]:
        yield from self.duplicates()
        yield from self.coupled_once()
        yield from self._left_out()
        yield from self._lost_updates()
        yield from self._flags()
        yield from counters(self._seen)
        yield from self._filters()
        yield from self._untouched()

    def duplicates(self) -> Iterator[str]:
        """I1: one record a sign and side, and one of each that comes with others."""
        alike = self._world.company.alike
        yield from self._made_for()
        for mapping, sides in self._there.items():
            for side, rows in sides.items():
                signs = Counter(sign_of(side, mapping, row) for row in rows.values() if not self._left_behind(row))
                yield from (
                    f"I1 {mapping} {sign} is {n} times in {side.upper()}"
                    for sign, n in signs.items()
                    if sign and n > 1 and sign not in alike | self._facts.several
                )
        for line in self._seen.made():
            if line.sign in alike - self._facts.removed:
                yield f"I1 {line.mapping} {line.sign} was made in {line.side.upper()}, which has two that are alike"
        crm = self._world.crm.tables
        for table, names in EXTRAS.items():
            found = Counter(tuple(str(row.get(name)) for name in names) for row in crm[table].rows.values())
            yield from (f"I1 {table} {key} is there {n} times" for key, n in found.items() if n > 1)

    def _made_for(self) -> Iterator[str]:
        """I1: what people entered more than once is theirs; each of their records gets one partner, an own one no other."""
        # without a mark, what arrives late in NAV looks as if people had entered it
        made = {line.key for line in self._seen.made() if line.side == "crm" or line.heard or self._world.setup.marker}
        for one in self._couplings:
            # once the store was lost, what was made for a record that is gone looks as if people had entered it
            if {one.nav_id, one.crm_id} <= made and not self._facts.forgotten:
                yield f"I1 {one.mapping} couples {one.nav_id} and {one.crm_id}, both of which were made"
        lines = [line for line in self._world.log.lines if line.op == "create" and line.mapping is not None]
        theirs = self._world.born | {
            line.key: (str(line.mapping), line.side, line.sign) for line in lines if line.by == "person"
        }
        ours = {line.key: (str(line.mapping), line.side, line.sign) for line in lines if line.by == "engine"}
        gone = Counter(ours.get(line.key) for line in self._world.log.lines if line.op == "delete")
        sources = Counter(theirs.values())
        for (mapping, side, sign), n in Counter(ours.values()).items():
            other = "crm" if side == "nav" else "nav"
            most = sources[mapping, other, sign] + gone[mapping, side, sign]
            orphan = self._facts.forgotten and sign in self._facts.removed  # it looks as if people had entered it
            if sign in self._facts.several and n > most and not orphan:
                yield f"I1 {mapping} {sign} was made {n} times in {side.upper()} for {most} records"

    def _left_behind(self, row: Row) -> bool:
        """Whether it is a person whose customer somebody deleted, which takes part no more; a mark would tell whose it is."""
        return (
            bool(self._facts.removed)
            and not row.get(MARKER)
            and row.get("Type") == "Person"
            and not row.get("Customer_No")
        )

    def coupled_once(self) -> Iterator[str]:
        """I2: what was made is coupled, once, to what it was made from."""
        by_nav = Counter((one.mapping, one.nav_id) for one in self._couplings)
        by_crm = Counter((one.mapping, one.crm_id) for one in self._couplings)
        doubts = self._seen.in_doubt()
        for name, counted in (("NAV", by_nav), ("CRM", by_crm)):
            yield from (
                f"I2 {mapping} {id} of {name} is coupled {n} times" for (mapping, id), n in counted.items() if n > 1
            )
        for line in self._seen.made():
            if line.mapping is None or line.key not in self._there[line.mapping][line.side]:
                continue
            times = (by_nav if line.side == "nav" else by_crm)[line.mapping, line.key]
            if times == 0 and self._facts.forgotten and line.sign in self._facts.removed:
                continue  # nothing is left that it could be matched with
            if times == 0 and self._facts.forgotten and self._facts.removed and self._without_company(line):
                continue
            alike = line.sign in self._facts.several or (line.mapping == "CONTACTS" and self._facts.several)
            if times == 0 and alike and self._seen.said(line.key):
                continue  # it waits for people to decide, or its company does
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

    def _without_company(self, line: Line) -> bool:
        """Whether what was made is a person whose customer somebody deleted, and the one it was made from went with its
        company, or waits for that, as the engine says: once the store was lost, a person is found again after its company.
        """
        row = self._there[str(line.mapping)][line.side][line.key]
        if row.get("Type") != "Person" or row.get("Customer_No"):
            return False
        side = "nav" if line.side == "crm" else "crm"
        sources = [
            id for id, row in self._there["CONTACTS"][side].items() if sign_of(side, "CONTACTS", row) == line.sign
        ]
        return line.mapping == "CONTACTS" and all(self._seen.said(id) == "company_not_coupled" for id in sources)

    def _left_out(self) -> Iterator[str]:
        """I2: nothing that takes part was left out."""
        by_nav = Counter((one.mapping, one.nav_id) for one in self._couplings)
        by_crm = Counter((one.mapping, one.crm_id) for one in self._couplings)
        doubts = self._seen.in_doubt()
        excused = self._world.company.outside | (self._facts.removed - self._facts.several) | doubts
        hindered = self._world.company.refused | self._world.company.alike | self._facts.several
        for mapping in self._facts.jobs:
            for side, counted, way in (("nav", by_nav, "to"), ("crm", by_crm, "from")):
                if ONE_WAY.get(mapping, way) != way or (mapping == "CONTACTS" and (self._facts.removed or doubts)):
                    continue  # a contact whose account was deleted, or is in doubt, cannot be made
                for id, row in self._there[mapping][side].items():
                    sign = sign_of(side, mapping, row)
                    if sign and sign not in excused and not counted[mapping, id]:
                        said = self._seen.said(id)
                        if not said or sign not in hindered:
                            yield f"I2 {mapping} {sign} of {side.upper()} has no partner: {said or 'nothing said'}"

    def _lost_updates(self) -> Iterator[str]:
        """I3: both sides hold the last edit; where people edited both sides at once, each side holds its own."""
        for one in self._couplings:
            there = one.nav_id in self._there[one.mapping]["nav"] and one.crm_id in self._there[one.mapping]["crm"]
            if one.mapping not in self._facts.jobs or self._facts.forgotten or not there:
                continue
            code = self._seen.said(one.nav_id) or self._seen.said(one.crm_id)
            if code == "left_alone" and (why := self._seen.left_alone_for(one) - _EXPECTED):
                if not (one.mapping == "CONTACTS" and self._facts.removed):
                    yield f"I3 {one.mapping} {one.nav_id} is left alone: {', '.join(sorted(why))}"
                continue
            if code in _EXPECTED and not (self._edited_on_both_sides(one, code) or self._may_be_put_back(one)):
                yield f"I3 {one.mapping} {one.nav_id}: {code}, but people edited no field on both sides"
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
                code = self._seen.said(one.nav_id) or self._seen.said(one.crm_id)
                what = f"I3 {one.mapping} {sign} {pair.nav}"
                if ours == theirs:
                    if edits and ours not in self._may_stand(one, pair) and not self._base_unknown(one):
                        yield f"{what}: both have {ours!r}, but {edits[-1][1]!r} was written last"
                elif not code:
                    yield f"{what}: NAV has {ours!r}, CRM {theirs!r}"
                elif code not in _EXPECTED:
                    yield f"{what}: failed at last with {code}"
                else:
                    for side, value in (("nav", ours), ("crm", theirs)):
                        may = _may_hold(edits, side)
                        if may and self._base_unknown(one) and side == "crm":  # NAV's value stood for a while
                            may += [text for by, text in edits if by == "nav"]
                        if may and value not in may:
                            yield f"{what}: {side.upper()} has {value!r}, which is older than what was written there ({code})"

    def _edited_on_both_sides(self, one: Coupled, code: str) -> bool:
        """Whether people edited a field of a pair on both sides since both held the same, so that it is a conflict; of
        what was edited too often, whether they edited any.
        """
        apart = [self._apart(one, pair) for pair in PAIRS if pair.mapping == one.mapping]
        return {"nav", "crm"} in apart or (code != "conflict" and set().union(*apart) == {"nav", "crm"})

    def _may_be_put_back(self, one: Coupled) -> bool:
        """Whether people wrote to a row after an update of it by an engine that died, or did not hear what came of it, and
        before a run came to its end: what stands there may be what it was before that update, or what they put back after it.
        It need not have been sent: an engine may die between the note of it and that. What came between the look at the
        row and that note is after it too: the update was for the version that was looked at.
        """
        log = self._world.log
        unharmed = {work.life for work in self._facts.works}
        heard = {(line.key, line.life) for line in log.lines if line.by == "engine" and line.heard}
        lost = [
            sent
            for sent in log.sent
            if sent.key in (one.nav_id, one.crm_id)
            and (sent.life not in unharmed or (sent.key, sent.life) not in heard)
        ]
        since = [(sent.key, sent.place, sent.place) for sent in lost]
        for key, at in self._seen.noted():
            looked, noted = (sum(line.at <= moment for line in log.lines) for moment in (at - _LOOK_TO_NOTE, at))
            since.append((key, looked, noted))
        return any(
            key in (one.nav_id, one.crm_id) and (line.by, line.key) == ("person", key)
            for key, begin, place in since
            for line in log.lines[begin : self._looked(place)]
        )

    def _looked(self, place: int) -> int:
        """Before which line of the log a run came to its end that has looked at what was sent before another one."""
        return min(
            (work.behind for work in self._facts.works if work.behind > place), default=len(self._world.log.lines)
        )

    def _apart(self, one: Coupled, pair: Pair) -> set[str]:
        """The sides on which people edited a pair of fields since both were the same for the last time.

        What a killed engine made the same does not count as such until another one has seen it, nor what an engine never
        heard the answer of: if somebody edits it before, nobody can tell whether the update ever arrived.
        """
        ends = {work.behind for work in self._facts.works}
        unharmed = {work.life for work in self._facts.works}
        held = {"nav": self._origin(one.nav_id, pair.nav), "crm": self._origin(one.crm_id, pair.crm)}
        sides: set[str] = set()
        for number, line in enumerate(self._world.log.lines):
            same = held["nav"] == held["crm"]
            if same and number in ends:
                sides.clear()
            side = {one.nav_id: "nav", one.crm_id: "crm"}.get(line.key, "")
            name = pair.of(side)
            if not side or (name not in line.values and line.op != "create"):
                continue
            held[side] = str(line.values.get(name) or "")
            if line.by == "person" and line.op == "update":
                sides.add(side)
            if held["nav"] == held["crm"] and line.life in unharmed and line.heard:
                sides.clear()
        return sides

    def _may_stand(self, one: Coupled, pair: Pair) -> set[str]:
        """What a pair of fields may hold on both sides: what was written last.

        Values repeat. What somebody put back before an engine saw anything else is no edit: each side counts as edited where
        it holds something else than the `bases`, which an engine may know as the last that both held.
        """
        held = {"nav": self._origin(one.nav_id, pair.nav), "crm": self._origin(one.crm_id, pair.crm)}
        bases = {value for value in held.values() if value is not None}
        edits: list[tuple[str, str]] = []
        stand: set[str] = set()
        for line in self._world.log.lines:
            side = {one.nav_id: "nav", one.crm_id: "crm"}.get(line.key, "")
            if not side or (pair.of(side) not in line.values and line.op != "create"):
                continue
            value = held[side] = str(line.values.get(pair.of(side)) or "")
            if line.by == "person" and line.op == "create":
                bases.add(value)
            elif line.by == "person":
                edits.append((side, value))
            same = held["nav"] == held["crm"]
            if same and line.by == "engine" and line.heard:
                stand = _last(edits, bases) if edits else stand
                edits, bases = [], {value}
            elif same or line.by == "engine":
                bases.add(value)
        return _last(edits, bases) if edits else stand

    def _origin(self, id: str, field: str) -> str | None:
        first = self._world.origins.get(id)
        return None if first is None else str(first.get(field) or "")

    def _edits(self, one: Coupled, nav: str, crm: str) -> list[tuple[str, str]]:
        """What people wrote into a pair of fields, in order."""
        found = []
        for line in self._world.log.lines:
            if line.by == "person" and line.op == "update":
                if line.key == one.nav_id and nav in line.values:
                    found.append(("nav", str(line.values[nav] or "")))
                elif line.key == one.crm_id and crm in line.values:
                    found.append(("crm", str(line.values[crm] or "")))
        return found

    def _base_unknown(self, one: Coupled) -> bool:
        """Whether an edit came before the engine knew the pair: then NAV's value stands, as documented."""
        if self._facts.forgotten:
            return True
        made = [line for line in self._seen.made() if line.key in (one.nav_id, one.crm_id)]
        if made and (made[0].side == "crm" or self._world.setup.marker):
            return False  # without a mark, what was made in NAV may be found by its key only, as if it were another's
        first = min(
            (
                line.at
                for line in self._world.log.lines
                if (line.by, line.op) == ("person", "update") and line.key in (one.nav_id, one.crm_id)
            ),
            default=one.at,
        )
        return first < one.at

    def _flags(self) -> Iterator[str]:
        """I4: as they were, or as answered."""
        found = {row["mapping"]: bool(row["only_coupled"]) for row in self._world.rows("SELECT * FROM flag")}
        if found != dict(self._facts.flags):
            yield f"I4 the flags are {found}, but must be {dict(self._facts.flags)}"

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

    def _excused(self, one: Coupled) -> bool:
        nav = self._there[one.mapping]["nav"][one.nav_id]
        return sign_of("nav", one.mapping, nav) in self._facts.removed


def _last(edits: list[tuple[str, str]], bases: set[str]) -> set[str]:
    """What may stand after some edits, for each value that both sides may have been known to hold before them."""
    own = dict(edits)
    found = set()
    for base in bases:
        edited = [side for side, value in own.items() if value != base]
        found.add({0: base, 1: own[edited[0]] if edited else base}.get(len(edited), edits[-1][1]))
    return found


def _may_hold(edits: list[tuple[str, str]], side: str) -> list[str]:
    """What a side holds that people edited: their last value, or one that was written elsewhere after it."""
    own = [number for number, (by, _) in enumerate(edits) if by == side]
    return [text for _, text in edits[own[-1] :]] if own else []
