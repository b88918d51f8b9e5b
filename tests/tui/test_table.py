"""What a table paints."""

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.coordinate import Coordinate
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from tui.widgets.table import Column, Row, Table


class _One(App[None]):
    def compose(self) -> ComposeResult:
        yield Table([Column("Job", 12), Column("Records", 9, right=True)], id="table")


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The rows that the library has made anew; none for the heading."""
    rows: list[str | None] = []
    made = DataTable._render_line_in_row

    def noted(
        table: DataTable[object], key: RowKey, line: int, base: Style, at: Coordinate, hover: Coordinate
    ) -> object:
        rows.append(key.value)
        return made(table, key, line, base, at, hover)

    monkeypatch.setattr(DataTable, "_render_line_in_row", noted)
    return rows


def _lines(table: Table) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(4)]


async def test_a_row_is_painted_anew_only_where_one_of_its_cells_or_the_mark_has_changed(
    painted: list[str | None],
) -> None:
    async with _One().run_test(size=(40, 10)) as pilot:
        table = pilot.app.query_one(Table)
        table.show([Row(name, (name, "1")) for name in ("CURRENCY", "CUSTOMER", "CONTACTS")])
        await pilot.pause()
        assert _lines(table)[1:] == ["> CURRENCY           1", "  CUSTOMER           1", "  CONTACTS           1"]
        painted.clear()

        table.show(
            [Row(name, (name, "2" if name == "CUSTOMER" else "1")) for name in ("CURRENCY", "CUSTOMER", "CONTACTS")]
        )
        assert _lines(table)[1:] == ["> CURRENCY           1", "  CUSTOMER           2", "  CONTACTS           1"]
        assert painted == ["CUSTOMER"]
        painted.clear()

        table.jump(2)
        assert _lines(table)[1:] == ["  CURRENCY           1", "  CUSTOMER           2", "> CONTACTS           1"]
        assert painted == ["CURRENCY", "CONTACTS"]


async def test_a_row_is_painted_anew_in_the_colours_of_another_theme(painted: list[str | None]) -> None:
    async with _One().run_test(size=(40, 10)) as pilot:
        table = pilot.app.query_one(Table)
        table.show([Row("CURRENCY", ("CURRENCY", "1"))])
        await pilot.pause()
        _lines(table)
        painted.clear()
        pilot.app.theme = "textual-light"
        await pilot.pause()
        _lines(table)
        assert "CURRENCY" in painted
