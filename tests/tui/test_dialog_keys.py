"""Every key that a class of the screens binds has a case: those of actions in `test_keys`, all others, of dialogs and in
lists, here; it does something, or says why not.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import pytest
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.dom import DOMNode

import tui
from engine.model.snapshot import RunState, Wish
from tests.tui.script import ScriptedDoor
from tests.tui.test_keys import (
    CANDIDATES,
    COUPLINGS,
    GOING,
    KEYS,
    MAPPING,
    Case,
    Effect,
    asked,
    does,
    on,
    over,
    row,
    says,
)
from tui import actions
from tui.app import CouplerApp
from tui.dialogs.value import Pick
from tui.screens.page import Page
from tui.widgets.table import Table

T = TypeVar("T", bound=DOMNode)


def scrolled(lines: int) -> Effect:
    """The body of the dialog is that far down."""
    return lambda app, _: app.screen.query_one("#body", VerticalScroll).scroll_y == lines


def marked(place: int) -> Effect:
    return lambda app, _: isinstance(app.screen, Pick) and app.screen.at == place


def all_of(*effects: Effect) -> Effect:
    return lambda app, door: all(one(app, door) for one in effects)


def not_asked(app: CouplerApp, door: ScriptedDoor) -> bool:
    del app
    return not [one for one in door.calls if one[0] in ("only_coupled", "wish", "answer")]


ASKING, COUNTING = RunState.ASKING, RunState.RUNNING
HELP, SURE, LEAVE, PICK = ("question_mark>",), ("O>",), ("q>",), (*MAPPING, "tab", "j", "E>")
STAYS = all_of(on("Home"), not_asked)
OFF = asked("only_coupled", "CURRENCY", False)
YES = says("[ Yes ]")

CASES: dict[tuple[str, str], Case] = {
    ("Dialog", "escape"): Case(on("Home"), HELP, dialog="Help"),
    ("Dialog", "q"): Case(on("Home"), HELP, dialog="Help"),
    ("Dialog", "j"): Case(scrolled(1), HELP, dialog="Help"),
    ("Dialog", "down"): Case(scrolled(1), HELP, dialog="Help"),
    ("Dialog", "k"): Case(scrolled(1), (*HELP, "j", "j"), dialog="Help"),
    ("Dialog", "up"): Case(scrolled(1), (*HELP, "j", "j"), dialog="Help"),
    ("Info", "enter"): Case(on("Home"), HELP, dialog="Help"),
    ("Info", "c"): Case(says("Sent to the terminal's clipboard."), HELP, dialog="Help"),
    ("Info", "y"): Case(says("Sent to the terminal's clipboard."), HELP, dialog="Help"),
    ("Info", "l"): Case(says("Written to"), HELP, dialog="Help"),
    ("Confirm", "y"): Case(OFF, SURE, dialog="Confirm"),
    ("Confirm", "n"): Case(STAYS, SURE, dialog="Confirm"),
    ("Choice", "tab"): Case(YES, SURE, dialog="Confirm"),
    ("Choice", "shift+tab"): Case(YES, SURE, dialog="Confirm"),
    ("Choice", "left"): Case(YES, SURE, dialog="Confirm"),
    ("Choice", "right"): Case(YES, SURE, dialog="Confirm"),
    ("Choice", "enter"): Case(STAYS, SURE, dialog="Confirm"),
    ("Start", "v"): Case(on("Plan"), ("s",), dialog="Start"),
    ("Count", "k"): Case(on("Start"), ("s",), dialog="Count", plan=COUNTING),
    ("Count", "x"): Case(asked("wish", 15, Wish.CANCEL), ("s",), dialog="Count", plan=COUNTING),
    ("Leave", "d"): Case(all_of(over, not_asked), LEAVE, GOING, dialog="Leave"),
    ("Leave", "s"): Case(all_of(over, asked("wish", 16, Wish.STOP)), LEAVE, GOING, dialog="Leave"),
    ("Leave", "x"): Case(all_of(over, asked("wish", 16, Wish.CANCEL)), LEAVE, GOING, dialog="Leave"),
    ("Leave", "enter"): Case(STAYS, LEAVE, GOING, dialog="Leave"),
    ("Leave", "n"): Case(STAYS, LEAVE, GOING, dialog="Leave"),
    ("Question", "y"): Case(asked("answer", 16, True), (), ASKING, dialog="Question"),
    ("Question", "n"): Case(asked("answer", 16, False), (), ASKING, dialog="Question"),
    ("Question", "d"): Case(all_of(on("Run"), not_asked), (), ASKING, dialog="Question"),
    ("Question", "e"): Case(all_of(on("Errors"), not_asked), (), ASKING, dialog="Question"),
    ("Question", "w"): Case(says("Written to"), (), ASKING, dialog="Question"),
    ("Pick", "j"): Case(marked(1), (*PICK, *["k"] * 9), dialog="Pick"),
    ("Pick", "down"): Case(marked(1), (*PICK, *["k"] * 9), dialog="Pick"),
    ("Pick", "k"): Case(marked(0), (*PICK, *["k"] * 9, "j"), dialog="Pick"),
    ("Pick", "up"): Case(marked(0), (*PICK, *["k"] * 9, "j"), dialog="Pick"),
    ("Pick", "enter"): Case(on("Confirm"), (*PICK, "k"), dialog="Pick"),
    ("Working", "enter"): Case(on("Matches"), (*CANDIDATES, "C>", "y"), dialog="Working"),
    **{("Table", key): Case(row(int(key) - 1), (*COUPLINGS, "G")) for key in actions.ROWS},
}


def _classes(of: type[T]) -> Iterator[type[T]]:
    for one in of.__subclasses__():
        if one.__module__.startswith("tui."):
            yield one
        yield from _classes(one)


def _bound() -> set[tuple[str, str]]:
    """The keys that classes of the screens bind, found by loading all of these."""
    for one in pkgutil.walk_packages(tui.__path__, "tui."):
        if not one.name.endswith("__main__"):
            import_module(one.name)
    return {
        (one.__name__, made.key)
        for one in _classes(DOMNode)
        for made in Binding.make_bindings(vars(one).get("BINDINGS", ()))
    }


def test_every_key_that_is_bound_has_a_case_and_no_other_has() -> None:
    bound = _bound()
    owners = {one.SCOPE: one.__name__ for one in _classes(Page) if "BINDINGS" in vars(one)}
    owners |= {"lists": Table.__name__, "everywhere": CouplerApp.__name__}
    of_actions = {(owners[one.scope], key) for one in actions.ACTIONS for key in one.key.split(",")}
    assert len(of_actions) == len(KEYS)
    assert bound == {*of_actions, *CASES}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("owner", "key"), list(CASES))
async def test_a_key_of_a_dialog_or_list_does_what_it_says(
    door: ScriptedDoor, owner: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await does(door, CASES[owner, key], key)
