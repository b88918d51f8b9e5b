"""What the screens show, in lines: for screen readers, and where there is no screen."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.model.snapshot import RunState
from tests.cli.conftest import ROOT, Coupler, Done
from tests.cli.pictures import HOSTILE, home, run
from tests.cli.sandbox import sandbox
from tests.cli.terminal import Terminal
from tui import cli, plain
from tui.commands.home import attention

TWIN = "Twin & Sons"


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[str]:
    """A sandbox in which one customer matches two accounts; the number of the customer."""
    config = tmp_path / "config.toml"
    with (
        sandbox(config, 8) as (_, ready),
        httpx.Client(headers={"Authorization": f"Bearer {ready['token']}"}, trust_env=False) as people,
    ):
        company = people.get(f"{ready['nav']}/Company").json()["value"][0]["Name"]
        mail = "twin@x.example"
        made = people.post(f"{ready['nav']}/Company('{company}')/Customer", json={"Name": TWIN, "E_Mail": mail})
        for city in ("Bonn", "Ulm"):
            account = {"name": TWIN, "emailaddress1": mail, "customertypecode": 3, "address1_city": city}
            people.post(f"{ready['crm']}/accounts", json=account).raise_for_status()
        yield made.raise_for_status().json()["No"]


@pytest.fixture
def coupler(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Coupler:
    """Runs `coupler` in this process: most of these commands only read."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Done:
        code = cli.main(list(arguments))
        written = capsys.readouterr()
        return Done(arguments, code, written.out, written.err)

    return call


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_from_the_plan_to_both_records_of_a_coupling(coupler: Coupler, twins: str) -> None:
    only = ("--only", "CUSTOMER")
    assert "No plan came to its end yet" in coupler("plan", "--records").stderr
    assert "never synchronized" in coupler("--plain").stdout

    assert "coupler plan 1 --records" in coupler("plan", *only).stderr
    listed = coupler("plan", "1", "--records").stdout
    records = objects(coupler("plan", "--records", *only, "--json").stdout)
    new = next(one for one in records if (one["effect"], one["direction"]) == ("inserted", "ToIntegrationTable"))
    assert f"\n  {new['nav_no']}  {new['name']}\n" in listed
    assert listed.startswith("CUSTOMER to CRM: ")
    (ambiguous,) = [one for one in records if one["nav_no"] == twins]
    assert f"  {twins}  {TWIN}: {ambiguous['message']}\n" in listed

    shown = coupler("plan", "--fields", new["nav_no"]).stdout
    assert f"CUSTOMER to CRM: {new['nav_no']}  {new['name']}\nA new CRM record with " in shown
    assert f"  Name = name: would become: {new['name']}\n" in shown
    (compared,) = objects(coupler("plan", "--fields", new["nav_no"], "--json").stdout)
    assert compared["would_be"] == "inserted"
    (name,) = [one for one in compared["fields"] if one["nav"] == "Name"]
    assert (name["crm"], name["source"], name["then"]) == ("name", new["name"], new["name"])
    assert coupler("plan", "--fields", "nobody").returncode == 2
    assert coupler("plan", "7", "--records").returncode == 2
    assert coupler("plan", "1").returncode == 2

    assert f"CUSTOMER in NAV: {twins}  {TWIN}: " in coupler("matches").stdout
    beside = coupler("matches", twins).stdout
    assert "  = Name = name: Twin & Sons\n" in beside
    assert "  ! City = address1_city: the record has (blank); the candidate has Ulm\n" in beside
    (review,) = objects(coupler("matches", twins, "--json").stdout)
    crm = next(one["id"] for one in review["candidates"] if one["id"] in beside)
    command = f"coupler couple CUSTOMER --nav {twins} --crm {crm}"
    assert f"  To couple: {command}\n" in beside
    assert coupler("matches", "nobody").returncode == 2
    first = coupler("--plain").stdout
    assert "several others match: coupler matches" in first

    assert coupler(*command.split()[1:]).returncode == 0
    pair = coupler("couplings", "show", twins).stdout
    assert pair.startswith(f"CUSTOMER {twins}\nNAV ")
    assert [f"{id}  {TWIN}" in pair for id in (twins, crm[:8])] == [True, True]
    assert "  = Name = name: Twin & Sons\n" in pair
    assert "  ! differs City = address1_city: NAV (blank); CRM " in pair
    by_id = objects(coupler("couplings", "show", crm, "--json").stdout)
    assert [(one["nav_no"], one["crm"]["id"], one["crm"]["found"]) for one in by_id] == [(twins, crm, True)]
    assert coupler("couplings", "show", twins[:-1]).returncode == 2, "the beginning of a number is none"
    assert (
        "CUSTOMER: Customer with account, both ways, Synch. Only Coupled Records on, 1 coupled, "
        in coupler("--plain").stdout
    )


@pytest.mark.usefixtures("twins")
def test_lists_fit_a_terminal_of_80_columns_and_are_whole_elsewhere(
    coupler: Coupler, tmp_path: Path, environment: dict[str, str]
) -> None:
    assert coupler("run", "--yes", "--keep-cleared", "no", "--only", "CUSTOMER").returncode == 1
    for command in ("jobs", "errors", "mappings"):
        terminal = Terminal(
            [sys.executable, "-P", "-m", "tui", command], cwd=tmp_path, environment={**environment, "COLUMNS": "80"}
        )
        try:
            assert terminal.ended() == 0
        finally:
            terminal.close()
        rows = [line.rstrip() for line in terminal.seen.splitlines() if "CUSTOMER " in line]
        assert rows, command
        assert max(map(len, rows)) <= 80, rows
        whole = [line for line in coupler(command).stdout.splitlines() if "CUSTOMER " in line]
        assert max(map(len, whole)) > 80, whole


def test_they_load_no_screens() -> None:
    modules = ", ".join(f"tui.commands.{name}" for name in ("home", "plan", "matches", "couplings"))
    code = f"import {modules}, sys; sys.exit('textual' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-P", "-c", code], env={"PYTHONPATH": str(ROOT)}, check=False).returncode == 0
    )


def test_what_needs_attention_names_the_command_for_it() -> None:
    asking = replace(run(RunState.ASKING), left_alone=2)
    picture = replace(home(), active=asking, conflicts=3)
    told = attention(picture, 1)
    assert told[0].startswith("! Run 16 asks: ")
    assert told[1:] == [
        "! 6 records failed in run 16: coupler errors 16",
        f"! {plain.left_alone(2)}",
        "! Conflicts of 3 records wait: coupler conflicts",
        "! Of 1 record, several others match: coupler matches",
    ]


def test_while_a_run_goes_the_lines_that_follow_it_are_named() -> None:
    picture = replace(home(), active=run(RunState.RUNNING))
    assert "coupler attach 16 --plain follows it" in attention(picture, 0)[0]


def test_nothing_of_a_message_leaves_its_line() -> None:
    stopped = run(RunState.STOPPED, code="brake", message=HOSTILE, hint=HOSTILE)
    told = attention(replace(home(), active=stopped), 0)
    assert not [line for line in told if "\x1b" in line or "\n" in line]
