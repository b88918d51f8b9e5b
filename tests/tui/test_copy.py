"""The row under the cursor as plain text for the terminal's clipboard (OSC 52)."""

import base64
import re
from dataclasses import replace

import pytest

from tests.tui.conftest import Play
from tests.tui.made.runs import made_run
from tests.tui.screens import see, showing, shown, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_hostile import NAMES
from tests.tui.test_keys import OPENINGS, opened
from tui import actions
from tui.app import CouplerApp
from tui.screens.errors import Errors
from tui.screens.page import Page
from tui.widgets.table import Table

pytestmark = pytest.mark.usefixtures("quick")

_SENT = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


LISTS: list[tuple[actions.Scope, str, str]] = [
    ("home", "", "1  CURRENCY  Currency  ->  transactioncurrency"),
    ("run", "", "4  CUSTOMER  RUN  [#########........]  2,210/4,105  38.1  00:50"),
    ("history", "", "16  full  CUSTOMER  ->  12:00:34  1,368  1,026  1,632  79  PART"),
    ("errors", "", "CUSTOMER  failed  CRM 412 duplicate accountnumber  77  12:04:34"),
    ("errors", "tab", "CUSTOMER 01450000 New Concepts Furniture  00000000-0000-4000-8000-000000000000"),
    ("conflicts", "", "CUSTOMER  01450001  New Concepts Furniture"),
    ("conflicts", "enter", "Name  New Concepts Furniture  New Concepts Ltd.  -"),
    ("schedule", "", "CURRENCY  every 30 min  ready"),
    ("couplings", "", "CURRENCY  EUR  coupled  3b07d244"),
    ("records", "j", "Name  <>  New Concepts Furniture  New Concepts Ltd.  differs"),
    ("mapping", "j", "Tables  Currency -> transactioncurrency"),
    ("plan", "", "CURRENCY  CRM  17  3  6  1  0  10"),
    ("planned", "", "New  2,052  no match: a new CRM record would be made of each"),
    ("planned", "tab", "01450000  New Concepts Furniture  00000000  new"),
    ("difference", "6", f"Home_Page  http://{'long/' * 60}  www.x.example"),
    ("matches", "", "CUSTOMER  NAV  01450000  New Concepts Furniture  12:04:34"),
    ("candidates", "", "AC-17  New Concepts Furniture  0000000a  4 of 5"),
    ("candidates", "enter", "Name  =  New Concepts Furniture  new concepts furniture"),
    ("connections", "", "-  Environment  uat"),
    ("trial", "1", "ok  token  found (env)"),
    ("left_alone", "", "CUSTOMER  ->  01450000  New Concepts Furniture  14  12:04:34"),
    ("broken", "", "CUSTOMER  01450000  CRM record"),
    ("log", "G", "Traceback (most recent call last):"),
]
"""A list of each screen, or each of its lists: the keys that lead there, and how a row of it begins."""


@pytest.mark.parametrize(("scope", "more", "copied"), LISTS)
async def test_a_row_of_every_list_is_copied_whole(
    door: ScriptedDoor, scope: actions.Scope, more: str, copied: str
) -> None:
    if scope == "run":
        door.put(made_run())
    async with showing(door) as (app, pilot):
        await opened(app, pilot, OPENINGS[scope])
        if more:
            await pilot.press(more)
        tables = list(app.screen.query(Table))
        await until(pilot, lambda: all(one.current is not None for one in tables))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard)
        assert " ".join(app.clipboard.split()).startswith(" ".join(copied.split()))
        assert "…" not in app.clipboard
        await see(pilot, "Sent to the terminal's clipboard: ")


def test_every_screen_has_a_list_that_is_copied_from() -> None:
    assert {scope for scope, _, _ in LISTS} == set(OPENINGS)


def _ready(app: CouplerApp) -> bool:
    page = app.screen
    return isinstance(page, Page) and page.shown > 0 and (not isinstance(page, Errors) or bool(page.records))


async def test_of_a_record_the_whole_ids_and_the_message_are_copied(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("tab", "j", "c")
        await until(pilot, lambda: app.clipboard)
    assert app.clipboard == (
        "CUSTOMER 01450001 Progressive Home Furnishings  00000001-0000-4000-8000-000000000000  crm.duplicate  "
        "A record with matching key values already exists: accountnumber=01450001"
    )


async def test_without_a_row_nothing_is_sent(door: ScriptedDoor) -> None:
    door.causes_found = []
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await see(pilot, "No errors.")
        await pilot.press("c")
        await see(pilot, "There is no row to copy.")
        assert app.clipboard == ""


@pytest.mark.parametrize("name", NAMES)
async def test_hostile_text_is_copied_as_one_harmless_line_that_has_an_end(door: ScriptedDoor, name: str) -> None:
    made = door.outcome_of
    door.outcome_of = lambda number, cause: replace(made(number, cause), name=name, message=name * 900, nav_no=name)
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("tab", "c")
        await until(pilot, lambda: app.clipboard)
        assert all(len(line) <= 80 for line in shown(app))
    assert len(app.clipboard) <= 2_000
    assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 for char in app.clipboard)
    assert not {"\u202e", "\u2066", "\u200f", "\ufeff"} & set(app.clipboard)
    app.clipboard.encode()


def test_what_reaches_the_terminal_is_base64_that_nothing_breaks_out_of(play: Play) -> None:
    terminal = play("hostile")
    terminal.until("Acme")
    terminal.type("e")
    terminal.until("page 1/2")
    terminal.type("\t")
    terminal.until("in: records")
    terminal.type("c")
    terminal.until("clipboard")
    (sent,) = _SENT.findall(terminal.raw)
    copied = base64.b64decode(sent).decode()
    assert copied.startswith("CUSTOMER 01450000 Acme [/] \u241b]0;x\u2407")
    assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 for char in copied)
    assert b"\x1b]0;x" not in terminal.raw
    assert len(re.findall(rb"\x1b\]52", terminal.raw)) == 1
