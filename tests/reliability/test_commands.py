"""Names of records and words of servers do nothing to the terminal of whoever types a command."""

import pytest

from tests.reliability.commands import in_commands, left_out
from tests.reliability.payloads import SAMPLE
from tests.runs.company import QUIETLY
from tui import cli


def test_every_command_is_tried_or_cannot_meet_a_text() -> None:
    assert left_out() == []


def test_a_command_that_is_new_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli._COMMANDS, "newest", ("tui.commands.couplings:couplings_group", ""))
    assert left_out() == ["coupler newest", "coupler newest import", "coupler newest show"]


def test_no_name_and_no_word_of_a_server_does_anything_in_what_commands_say() -> None:
    records = (("run", *QUIETLY), ("errors", "--records"), ("EDIT",), ("sync",), ("conflicts",), ("check",))
    refused = (("connection", "test"), ("check",), ("schedule",))
    shown = in_commands([*SAMPLE, *(f"\x1b[{at}m" for at in range(30))], SAMPLE[1:2], records, refused)
    assert shown.faults == []
    names = {"errors --records", "conflicts", "check", "connection test", "schedule", "schedule list"}
    assert {f"coupler {one}" for one in names} <= shown.telling, "these show the texts, else nothing was tried"
