"""What a judge looks at: records, couplings and the audit log, with what the plot knows and what the state store says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from tests.sim.agenda import START
from tests.sim.company import SETS, SIGN, Row, mapping_of, sign_of
from tests.sim.log import Line
from tests.sim.world import World

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """Runs that brought one work to its end; `first` and `behind` are places in the audit log.

    `kind` is that of the last run, `there` the ids that there were when it was started, by mapping and side; blank when it is
    one of a state store that was put back. `life` is the number of the engine that brought it to its end, `lives` says how
    many worked on it.
    """

    runs: tuple[int, ...]
    first: int
    behind: int
    kind: str
    there: Mapping[tuple[str, str], frozenset[str]]
    life: int
    lives: int


@dataclass(slots=True)
class Facts:
    """What the plot knows, and the judge cannot see.

    `works` are runs, with the lines of the audit log that belong to them: one, and those that it had to be started anew
    after. `last` is the last run. `forgotten`: the state store was lost or set back. `flags` are the flags as they must
    be, `removed` the signs of records that people deleted, `several` of those that they entered more than once.
    """

    jobs: tuple[str, ...]
    works: list[Work] = field(default_factory=list)
    last: int = 0
    forgotten: bool = False
    flags: Mapping[str, bool] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    several: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Coupled:
    """A coupling, as it stands in the state store."""

    mapping: str
    nav_id: str
    crm_id: str
    at: float


class Seen:
    """All of it. `there` are the records by mapping, side and id."""

    def __init__(self, world: World, facts: Facts) -> None:
        self.world = world
        self.facts = facts
        start = (world.agenda.moment() - _EPOCH).total_seconds() - world.agenda.now
        self.couplings = [
            Coupled(row["mapping"], guid(row["nav_id"]), guid(row["crm_id"]), row["coupled_at"] / 1000 - start)
            for row in world.rows("SELECT mapping, nav_id, crm_id, coupled_at FROM coupling")
        ]
        self.there: dict[str, dict[str, dict[str, Row]]] = {
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

    def made(self) -> Iterator[Line]:
        """What engines made."""
        return (line for line in self.world.log.lines if line.by == "engine" and line.op == "create")

    def entered(self, mapping: str, side: str) -> Iterator[Line]:
        """What people entered."""
        return (
            line
            for line in self.world.log.lines
            if (line.by, line.op, line.mapping, line.side) == ("person", "create", mapping, side)
        )

    def said(self, id: str) -> str:
        """The code under which a record is listed in the last run, or among those to retry; blank when it is not."""
        rows = self.world.rows(
            "SELECT code FROM outcome WHERE run_id = ? AND kind IN ('failed', 'skipped') AND (nav_id = ? OR crm_id = ?) "
            "UNION SELECT code FROM trouble WHERE source_id = ? AND code <> 'unanswered'",
            self.facts.last,
            *[UUID(id).bytes] * 3,
        )
        return str(rows[0]["code"]) if rows else ""

    def left_alone_for(self, one: Coupled) -> set[str]:
        """The codes with which either record of a pair failed too often."""
        rows = self.world.rows(
            "SELECT code FROM trouble WHERE skipped AND source_id IN (?, ?)",
            *[UUID(id).bytes for id in (one.nav_id, one.crm_id)],
        )
        return {str(row["code"]) for row in rows}

    def noted(self) -> list[tuple[str, float]]:
        """Rows to which an engine was about to send an update, of which no page tells what came of it, and when."""
        rows = self.world.rows("SELECT target_id, at FROM overwritten WHERE unsettled")
        return [(guid(row["target_id"]), row["at"] / 1000 - START.timestamp()) for row in rows]

    def in_doubt(self) -> set[str]:
        """Signs of records that are shown as in doubt, as they may be without a marker."""
        if self.world.setup.marker:
            return set()
        rows = self.world.rows("SELECT mapping, crm_id, name FROM outcome WHERE code = 'in_doubt'")
        found = set()
        for row in rows:
            crm = self.there[row["mapping"]]["crm"].get(guid(row["crm_id"])) if row["crm_id"] is not None else None
            if crm is not None:
                found.add(sign_of("crm", row["mapping"], crm))
            elif one := SIGN.search(row["name"]):  # somebody deleted it meanwhile
                found.add(one[0])
        return found


def guid(raw: bytes) -> str:
    """An id as both servers write it."""
    return str(UUID(bytes=raw))
