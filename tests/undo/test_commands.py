"""`coupler undo` from the command line: real engines against the real sandbox."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Coupler, config, coupler, environment
from tests.cli.sandbox import COUPLER, ready
from tests.cli.terminal import Terminal

__all__ = ["config", "coupler", "environment", "ready"]


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Runs `coupler` on a terminal, with its output in a file where one is named."""
    opened: list[Terminal] = []

    def call(*arguments: str, into: str | None = None) -> Terminal:
        shell = [] if into is None else ["sh", "-c", f'exec "$0" "$@" > {into}']
        opened.append(Terminal([*shell, *COUPLER, *arguments], cwd=tmp_path, environment=environment))
        return opened[-1]

    yield call
    for one in opened:
        one.close()


def undone(text: str) -> dict[str, int]:
    """The sums over all mappings."""
    found = [json.loads(line) for line in text.splitlines()]
    lines = [one for one in found if one["type"] == "undo"]
    return {name: sum(one[name] for one in lines) for name in ("removed", "restored", "uncoupled", "left")}


def test_undo_looks_first_and_asks_or_is_told(coupler: Coupler, ready: Path) -> None:
    assert ready.exists()
    done = coupler("run", "--yes", "--keep-cleared", "no", timeout=120)
    assert done.returncode in (0, 1), done.stderr
    asked = coupler("undo", "1")
    assert asked.returncode == 2
    assert "no terminal to ask on" in asked.stderr
    assert coupler("undo", "7", "--yes").returncode == 2

    dry = coupler("undo", "1", "--dry-run", "--json", timeout=120)
    assert dry.returncode == 0, dry.stderr
    would = undone(dry.stdout)
    assert would["removed"] > 20
    assert coupler("couplings").stdout
    assert "Run 1 is finished.\n" in coupler("--plain").stdout

    real = coupler("undo", "1", "--yes", "--json", timeout=120)
    assert real.returncode == 0, real.stderr
    assert undone(real.stdout) == would
    assert json.loads(real.stdout.splitlines()[0])["type"] == "job"
    assert not coupler("couplings").stdout
    assert "Run 1 is finished, and was taken back by run 3.\n" in coupler("--plain").stdout

    checked = coupler("check", "--json", timeout=120)
    found = [json.loads(line) for line in checked.stdout.splitlines()]
    faults = [(one["mapping"], one["what"], one["nav_no"]) for one in found if one["type"] == "fault"]
    assert faults == [("CUSTOMER", "duplicates", "10110")], "the demo has two accounts for one customer"
    assert (found[-1], checked.returncode) == ({"type": "result", "faults": 1, "notes": 1, "exit": 1}, 1)
    plainly = coupler("check", "--only", "customer", timeout=120).stdout.splitlines()
    assert plainly[0] == "FAULT  CUSTOMER  duplicates  1"
    assert plainly[-1] == "1 fault, 1 note"
    assert coupler("check", "--only", "currency", timeout=120).returncode == 0

    again = coupler("undo", "1", "--dry-run", timeout=120)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1].split() == ["all", "0", "0", "0", "0"]


def test_on_a_terminal_it_asks_and_the_default_is_no(
    coupler: Coupler, terminal: Callable[..., Terminal], ready: Path
) -> None:
    assert ready.exists()
    assert coupler("run", "--only", "CURRENCY", "--yes", "--keep-cleared", "no", timeout=120).returncode in (0, 1)
    pairs = coupler("couplings").stdout
    assert pairs
    first = terminal("undo", "1")
    shown = first.until("Undo run 1 now? yes or no [no]:", 60)
    assert "What cannot be taken back" in shown
    assert "CURRENCY" in shown
    first.write("\n")
    assert first.ended() == 5
    assert "Nothing was undone." in first.seen
    assert coupler("couplings").stdout == pairs
    second = terminal("undo", "1", "--json", into="found.jsonl")
    assert "CURRENCY" in second.until("Undo run 1 now? yes or no [no]:", 60)
    second.write("yes\n")
    assert second.ended(60) == 0, second.seen
    found = [json.loads(line) for line in (ready.parent / "found.jsonl").read_text().splitlines()]
    assert {line["type"] for line in found} == {"job", "undo", "result"}
    assert not any(line.get("dry") for line in found)
    assert not coupler("couplings").stdout
