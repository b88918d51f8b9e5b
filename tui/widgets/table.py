"""A table of fixed widths whose current row is marked with `>`, so that it is seen without colours."""

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual._types import SegmentLines
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from tui import actions
from tui.text import COPIED, cell, safe
from tui.widgets.columns import Column, Row

__all__ = ["Column", "Row", "Table", "widened"]

_COLOURS = {"OK": "green", "RUN": "cyan", "PART": "yellow", "PAUSE": "yellow", "STOP": "yellow", "FAIL": "red"}
_MARK = 2


def widened(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Column]:
    """The columns, with the room that a terminal of that width has left for those whose texts would be cut: most is
    given to what is cut most. Numbers and states have theirs already.
    """
    made = list(columns)
    longest = [max((cell_len(safe(row.cells[at])) for row in rows), default=0) for at in range(len(made))]
    growing = [at for at, one in enumerate(made) if not (one.right or one.states)]
    for _ in range(width - _MARK - sum(one.width for one in made)):
        most = max(growing, key=lambda at: longest[at] + 1 - made[at].width)
        if longest[most] < made[most].width:
            break
        made[most] = replace(made[most], width=made[most].width + 1)
    return made


class Table(DataTable[Text], inherit_bindings=False):
    """Rows are compared with what is shown, and only cells that differ are painted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("lists"),
        *(Binding(key, f"row({key})", show=False) for key in actions.ROWS),
    ]

    class Moved(Message):
        """Another row is the current one now."""

        def __init__(self, table: "Table") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "Table":
            """The table, for `@on` with a selector."""
            return self.table

    def __init__(self, columns: Sequence[Column], *, id: str, ascii_only: bool = True) -> None:
        self._painted: dict[RowKey, tuple[tuple[Any, ...], list[Text], tuple[SegmentLines, SegmentLines]]] = {}
        super().__init__(id=id, cursor_type="row", cell_padding=0, zebra_stripes=False, show_row_labels=False)
        self._layout: tuple[Column, ...] = ()
        self._shown: tuple[Row, ...] = ()
        self._marked: str | None = None
        self.set_class(ascii_only, "ascii")
        self._begin = tuple(columns)

    def on_mount(self) -> None:
        """Sets the columns that it was made with."""
        self._lay_out(self._begin)

    @property
    def current(self) -> str | None:
        """The key of the current row."""
        return self._shown[self.cursor_row].key if 0 <= self.cursor_row < len(self._shown) else None

    @property
    def current_text(self) -> str:
        """What the current row says, whole, as one harmless line; blank when there is none."""
        there = 0 <= self.cursor_row < len(self._shown)
        return "  ".join(safe(one, COPIED) for one in self._shown[self.cursor_row].cells if one) if there else ""

    @property
    def texts(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The headings, and all rows with whole cells."""
        return tuple(one.label for one in self._layout), [row.cells for row in self._shown]

    @property
    def numbers(self) -> frozenset[int]:
        """The columns whose values stand right."""
        return frozenset(at for at, one in enumerate(self._layout) if one.right)

    @property
    def below(self) -> int:
        """How many rows are below what can be seen."""
        return max(0, len(self._shown) - int(self.scroll_y) - max(0, self.size.height - 1))

    def show(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """Shows the rows. The current one stays current as long as its key is there."""
        new, old = tuple(rows), self._shown
        if columns is not None and tuple(columns) != self._layout:
            current = self.current
            self._lay_out(tuple(columns))
            self._fill(new, current)
            return
        if new == old:
            return
        if [row.key for row in new] == [row.key for row in old]:
            self._shown = new
            for was, now in zip(old, new, strict=True):
                for index, (before, after) in enumerate(zip(was.cells, now.cells, strict=True)):
                    if before != after:
                        self.update_cell(now.key, str(index), self._cell(after, self._layout[index]))
            return
        self._fill(new, self.current)

    def jump(self, row: int) -> None:
        """Makes a row the current one."""
        self.move_cursor(row=row)

    def watch_cursor_coordinate(self, old_coordinate: Coordinate, new_coordinate: Coordinate) -> None:
        """Moves the mark along."""
        super().watch_cursor_coordinate(old_coordinate, new_coordinate)
        self._mark()

    def _render_line_in_row(
        self, row_key: RowKey, line_no: int, base_style: Style, cursor_location: Coordinate, hover_location: Coordinate
    ) -> tuple[SegmentLines, SegmentLines]:
        """The line as it was painted the last time, while its cells are the same ones: where one cell changes,
        the library makes those of the whole table anew, which is several times a second while a run goes on.
        """
        cells = [one.label for one in self.ordered_columns]
        index = -1
        if row_key != self._header_row_key:
            cells, index = list(self._data[row_key].values()), self.get_row_index(row_key)
        marked, hover = index == cursor_location.row, hover_location if self._show_hover_cursor else None
        about = (index, base_style, marked, self.show_cursor, hover, self._pseudo_class_state, self.size.width)
        kept = self._painted.get(row_key)
        if kept is not None and kept[0] == about and all(map(operator.is_, kept[1], cells)):
            return kept[2]
        made = super()._render_line_in_row(row_key, line_no, base_style, cursor_location, hover_location)
        self._painted[row_key] = (about, cells, made)
        return made

    def notify_style_update(self) -> None:
        """All is painted anew."""
        super().notify_style_update()
        self._painted.clear()

    def action_row(self, number: int) -> None:
        """`1` to `9` go to that row."""
        if number <= len(self._shown):
            self.jump(number - 1)

    def _lay_out(self, columns: tuple[Column, ...]) -> None:
        self._layout = columns
        self._forget()
        self.clear(columns=True)
        self.add_column(Text(""), width=_MARK, key="mark")
        for index, column in enumerate(columns):
            self.add_column(self._cell(column.label, column, heading=True), width=column.width, key=str(index))

    def _fill(self, rows: tuple[Row, ...], current: str | None) -> None:
        top = self.scroll_y
        self._forget()
        self.clear()
        self._shown = rows
        for row in rows:
            cells = (self._cell(text, column) for text, column in zip(row.cells, self._layout, strict=True))
            self.add_row(Text("  "), *cells, key=row.key)
        keys = [row.key for row in rows]
        if current in keys:
            self.move_cursor(row=keys.index(current), scroll=False)
            self.scroll_y = top
        self._mark()
        self.post_message(self.Moved(self))

    def _forget(self) -> None:
        # Clearing moves the cursor, and moving it must not mark rows that are gone.
        self._shown = ()
        self._marked = None
        self._painted.clear()

    def _mark(self) -> None:
        current = self.current
        if current == self._marked:
            return
        if self._marked is not None and any(row.key == self._marked for row in self._shown):
            self.update_cell(self._marked, "mark", Text("  "))
        if current is not None:
            self.update_cell(current, "mark", Text("> "))
        self._marked = current
        self.post_message(self.Moved(self))

    def _cell(self, text: str, column: Column, *, heading: bool = False) -> Text:
        made = cell(text)
        made.end = ""
        room = column.width - 1
        if made.cell_len > room:
            made.truncate(room - 1, overflow="crop")
            made.append("…")
        if column.right:
            made.align("right", room)
        if column.states and not heading:
            made.stylize(_COLOURS.get(text.rpartition(" ")[2], ""))
        return made
