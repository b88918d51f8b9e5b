"""The audit log of both servers, in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.audit import Audit, Operation, Side
from tests.sim.agenda import Agenda
from tests.sim.company import Row, mapping_of, sign_of


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the audit log: an accepted write, whether the engine or a person made it, and what record it was.

    `life` is the number of the engine that sent it, 0 of a person. `heard` is false where no engine was told of it.
    """

    at: float
    by: str
    side: str
    op: str
    set: str
    key: str
    values: Mapping[str, Any]
    mapping: str | None
    sign: str
    life: int = 0
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """An update that an engine sent, whatever came of it: before which line of the log, to which row, and what went wrong
    on the way.
    """

    place: int
    key: str
    life: int
    fault: str


class Log(Audit):
    """The audit log of both servers, in memory."""

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self._agenda = agenda
        self.lines: list[Line] = []
        self.sent: list[Sent] = []
        self.by = "engine"
        self.life = 0
        self.heard = True
        self.find: Callable[[str, str, str], Row | None] = lambda *_: None

    def write(self, side: Side, op: Operation, set: str, key: str, values: Mapping[str, Any]) -> None:
        """Note an accepted write."""
        row = self.find(side, set, key) if op != "delete" else None
        mapping = mapping_of(side, set, row) if row is not None else None
        sign = sign_of(side, mapping, row) if row is not None and mapping is not None else ""
        life = self.life if self.by == "engine" else 0
        heard = self.heard or self.by == "person"
        self.lines.append(Line(self._agenda.now, self.by, side, op, set, key, dict(values), mapping, sign, life, heard))
