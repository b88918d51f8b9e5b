"""sync, conflicts, skipped and retry from the command line, against a sandbox in a process of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.config import load
from engine.runs import control
from engine.store.database import Store
from tests.cli.conftest import Coupler, coupler, environment
from tests.cli.sandbox import sandbox

__all__ = ["coupler", "environment"]
CONFIG = """
[mapping.CUSTOMER]
conflict = "ask"
"""


class Servers:
    """Two servers, and somebody who changes records on both."""

    def __init__(self, config: Path, ready: dict[str, Any], people: httpx.Client) -> None:
        self.config = config
        self.nav, self.crm = ready["nav"], ready["crm"]
        self._people = people

    def customer(self, id: str) -> str:
        company = self._people.get(f"{self.nav}/Company").json()["value"][0]["Name"]
        return f"{self.nav}/Company('{company}')/Customer({id})"

    def edit(self, address: str, **values: Any) -> None:
        answer = self._people.patch(address, json=values, headers={"If-Match": "*"})
        assert answer.status_code < 300, answer.text


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    config = tmp_path / "config.toml"
    with sandbox(config, 8) as (_, ready):
        config.write_text(config.read_text() + CONFIG)
        with httpx.Client(headers={"Authorization": f"Bearer {ready['token']}"}, trust_env=False) as people:
            yield Servers(config, ready, people)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_from_a_conflict_to_its_end_on_the_command_line(coupler: Coupler, servers: Servers) -> None:
    assert coupler("run", "--yes", "--keep-cleared", "no").returncode == 1
    pair = lines(coupler("couplings", "--mapping", "CUSTOMER", "--json").stdout)[0]
    servers.edit(servers.customer(pair["nav_id"]), City="Köln", Phone_No="111")
    servers.edit(f"{servers.crm}/accounts({pair['crm_id']})", address1_city="Hamburg [/] \x1b[2J", telephone1="222")

    done = coupler("sync", "--only", "customer", "--json")
    assert done.returncode in (0, 1), done.stderr
    result = lines(done.stdout)[-1]
    assert (result["kind"], result["state"], result["answer"], result["flags"]) == ("sync", "finished", None, [])
    assert result["counters"]["skipped"] >= 1

    (found,) = lines(coupler("conflicts", "--json").stdout)
    assert (found["mapping"], found["nav_no"]) == ("CUSTOMER", pair["nav_no"])
    assert {one["nav"] for one in found["fields"]} == {"City", "Phone_No"}
    shown = coupler("conflicts").stdout
    assert "Hamburg" in shown
    assert "\x1b" not in shown

    for wrong in (("City",), ("Cty=nav",), ("City=both",), ()):
        assert coupler("conflicts", "resolve", "CUSTOMER", pair["nav_no"], *wrong).returncode == 2, wrong
    assert coupler("conflicts", "resolve", "CUSTOMER", "nobody", "--all", "nav").returncode == 2
    done = coupler("conflicts", "resolve", "customer", pair["nav_no"], "address1_city=nav")
    assert done.returncode == 0, done.stderr
    assert "Phone_No" in done.stderr
    done = coupler("conflicts", "resolve", "CUSTOMER", pair["nav_no"], "City=nav", "--all", "crm", "--now")
    assert done.returncode in (0, 1), done.stderr
    assert [line for line in done.stderr.splitlines() if line != line.rstrip()] == []
    assert coupler("conflicts", "--json").stdout == ""
    jobs = lines(coupler("jobs", "--json").stdout)
    assert {one["run"] for one in jobs if one["mapping"] == "CUSTOMER"} == {1, 2, 3}


def test_skipped_records_are_listed_and_tried_again(coupler: Coupler, servers: Servers) -> None:
    assert coupler("run", "--yes", "--keep-cleared", "no").returncode == 1
    every = lines(coupler("skipped", "--all", "--json").stdout)
    assert every
    assert not any(one["skipped"] for one in every)
    assert coupler("skipped").stdout == ""
    pair = lines(coupler("couplings", "--mapping", "CUSTOMER", "--json").stdout)[0]
    servers._people.delete(f"{servers.crm}/accounts({pair['crm_id']})").raise_for_status()
    servers.edit(servers.customer(pair["nav_id"]), City="Ulm")
    assert coupler("sync", "--only", "CUSTOMER").returncode == 1
    servers.edit(servers.customer(pair["nav_id"]), City="Ulm")
    done = coupler("sync", "--only", "CUSTOMER")
    assert done.returncode == 1, "a record that was tried and failed is no success"
    (told,) = [one for one in lines(coupler("errors", "--json").stdout) if one["kind"] == "failed"]
    assert (told["run"], told["nav_no"], told["code"]) == (3, pair["nav_no"], "deleted"), "of the last sync"
    assert coupler("status").stdout.startswith("sync 3: finished")
    assert " left_alone=1 " in done.stdout
    assert "`coupler retry MAPPING NO`" in done.stderr
    (left,) = lines(coupler("skipped", "--json").stdout)
    assert (left["nav_no"], left["code"], left["skipped"]) == (pair["nav_no"], "deleted", True)
    assert pair["nav_no"] in coupler("skipped").stdout
    assert coupler("retry").returncode == 2
    assert coupler("retry", "CUSTOMER").returncode == 2
    assert coupler("retry", "CUSTOMER", "nobody").returncode == 2
    assert coupler("retry", "CUSTOMER", pair["nav_no"]).returncode == 0
    assert coupler("skipped").stdout == ""
    assert coupler("retry", "--all").returncode == 0


def test_a_schedule_is_told_to_wait_while_a_run_is_not_answered(coupler: Coupler, servers: Servers) -> None:
    settings = load(servers.config)
    store = Store.open(settings.store.url)
    number = control.start(store, settings, by="test")
    store.close()
    done = coupler("sync")
    assert done.returncode == 4
    assert f"Run {number}" in done.stderr
    assert "on hold" in done.stderr
    assert coupler("cancel").returncode == 0
    assert coupler("sync", "--plain").returncode in (0, 1)
