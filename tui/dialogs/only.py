"""Which jobs a full synchronization has: all, or only some."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from engine.model.snapshot import MappingSnapshot
from tui.dialogs.dialog import ROOM, Dialog
from tui.look import Look
from tui.text import line
from tui.widgets.line import Line, hanging

_ABOVE = ("Which jobs run? They run in this order; the others are left out.", "")


class Only(Dialog[tuple[str, ...] | None]):
    """Gives the mappings of the jobs that are to run, in run order; None when it stays as it was."""

    HINT = "j/k Move   space Leave out, or take in again   enter Take   esc As it was"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "The next job", show=False),
        Binding("k,up", "move(-1)", "The job before", show=False),
        Binding("space", "switch", "Leave the job out, or take it in again", show=False),
        Binding("enter", "take", "Take these jobs", show=False),
    ]

    def __init__(self, look: Look, mappings: Sequence[MappingSnapshot], chosen: Collection[str]) -> None:
        super().__init__(look, "Only some jobs")
        self.mappings = mappings
        self.chosen = set(chosen)
        self.at = 0

    def write(self) -> None:
        """Puts the jobs into the body, with a cross where one is to run."""
        rows: list[Content] = []
        for index, one in enumerate(self.mappings):
            mark, cross = ">" if index == self.at else " ", "x" if one.name in self.chosen else " "
            tables = f"{one.nav_table} {one.direction.arrow} {one.crm_table}"
            row = line(f"{mark} [{cross}] {one.seq:>2} {one.name:<17} {tables}", ROOM)
            rows.append(row.stylize("bold") if index == self.at else row)
        said = without(self.mappings, self.chosen) if self.chosen else ["! At least one job must run."]
        self.query_one("#text", Line).put(*_ABOVE, *rows, "", *said)
        self.call_after_refresh(self._limit)

    def action_move(self, by: int) -> None:
        """Marks another one, and keeps it in sight."""
        self.at = max(0, min(len(self.mappings) - 1, self.at + by))
        self.write()
        body = self.query_one("#body", VerticalScroll)
        body.scroll_to(y=len(_ABOVE) + self.at - body.size.height // 2, animate=False)

    def action_switch(self) -> None:
        """Leaves the marked one out, or takes it in again."""
        self.chosen ^= {self.mappings[self.at].name}
        self.write()

    def action_take(self) -> None:
        """Gives those back that are to run, if there are any."""
        if self.chosen:
            self.dismiss(tuple(one.name for one in self.mappings if one.name in self.chosen))


def without(mappings: Sequence[MappingSnapshot], chosen: Collection[str]) -> list[str]:
    """What it means for the jobs that run that others are left out."""
    left_out_of: dict[tuple[str, ...], list[str]] = {}
    for one in mappings:
        users = tuple(each.name for each in mappings if each.name in chosen and one.name in each.lookups)
        if users and one.name not in chosen:
            left_out_of.setdefault(users, []).append(one.name)
    said = [
        f"- ! Without {', '.join(names)}: records of {', '.join(users)} fail or wait that refer to one there which "
        "is not coupled."
        for users, names in left_out_of.items()
    ]
    return [part for one in said for part in hanging(one, ROOM)]
