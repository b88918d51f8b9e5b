"""Coupling management from the command line: real engines against the real sandbox."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Coupler, config, coupler, environment
from tests.cli.sandbox import ready

__all__ = ["config", "coupler", "environment", "ready"]


def listed(call: Coupler, *arguments: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in call("couplings", "--json", *arguments).stdout.splitlines()]


def test_from_the_first_match_to_the_last_import(coupler: Coupler, ready: Path, tmp_path: Path) -> None:
    done = coupler("match", "--only", "currency", "--only", "CUSTOMER", "--create-unmatched", "--json", timeout=120)
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["type"], result["kind"], result["state"]) == ("result", "match", "finished")
    pairs = listed(coupler)
    assert pairs
    customers = [one for one in pairs if one["mapping"] == "CUSTOMER"]
    one = customers[0]

    jobs = [json.loads(line) for line in coupler("jobs", "--json").stdout.splitlines()]
    assert {job["type"] for job in jobs} == {"Coupling", "Synchronization"}

    done = coupler("couple", "CUSTOMER", "--nav", one["nav_no"], "--crm", customers[1]["crm_id"])
    assert done.returncode == 1
    assert f"because it is already coupled to account {one['crm_id']}" in done.stderr

    exported = coupler("couplings", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert rows == pairs
    (tmp_path / "all.csv").write_text(exported)

    assert coupler("uncouple", "CUSTOMER", "--all").returncode == 2, "nobody can be asked"
    done = coupler("uncouple", "CUSTOMER", "--nav", one["nav_no"], "--yes")
    assert done.returncode == 0, done.stderr
    assert "uncoupled=1" in done.stdout
    done = coupler("uncouple", "CUSTOMER", "--all", "--yes")
    assert f"uncoupled={len(customers) - 1}" in done.stdout
    assert listed(coupler, "--mapping", "customer") == []
    assert "Uncoupling (1)" in coupler("jobs").stdout

    done = coupler("couplings", "import", "all.csv", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"{len(customers)} couplings would be stored, {len(pairs) - len(customers)} known before" in done.stdout
    assert listed(coupler, "--mapping", "CUSTOMER") == []
    done = coupler("couplings", "import", "all.csv", "--yes")
    assert (done.returncode, done.stdout.split(",")[0]) == (0, f"{len(customers)} couplings stored"), done.stderr
    assert listed(coupler) == pairs

    done = coupler("broken", "--json")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no coupling is broken" in coupler("broken", "--mapping", "CUSTOMER").stderr


def test_faults_of_a_file_are_told_by_line(coupler: Coupler, ready: Path, tmp_path: Path) -> None:
    nobody = "11111111-2222-3333-4444-555555555555"
    (tmp_path / "bad.jsonl").write_text(
        "\n".join(
            json.dumps(one)
            for one in (
                {"mapping": "CUSTOMER", "nav_no": "10000\x1b[31m", "crm_id": nobody},
                {"mapping": "CUSTOMER", "nav_no": "20000", "crm_id": "x"},
            )
        )
    )
    done = coupler("couplings", "import", "bad.jsonl", "--yes", "--json")
    assert done.returncode == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one.get("line") for one in found] == [1, 2, None]
    assert found[-1] == {"type": "result", "coupled": 0, "known": 0, "faults": 2, "dry_run": True, "left_out": {}}
    done = coupler("couplings", "import", "bad.jsonl", "--yes")
    assert "\x1b" not in done.stderr + done.stdout
    assert "nothing was stored" in done.stderr
    assert coupler("couplings", "import", "missing.csv").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("couple", "CUSTOMER"),
        ("couple", "CUSTOMER", "--nav", "1"),
        ("couple", "CUSTOMER", "--nav", "1", "--crm", "2", "--create"),
        ("couple", "CUSTOMR", "--nav", "1", "--create"),
        ("uncouple", "CUSTOMER", "--yes"),
        ("uncouple", "CUSTOMER", "--all", "--nav", "1", "--yes"),
        ("broken", "--restore", "--remove"),
        ("broken", "--remove"),
        ("match", "--json", "--plain"),
        ("couplings", "--csv", "--json"),
        ("couple", "CURRENCY", "--nav", "1", "--crm", "2", "--synchronize", "from"),
    ],
)
def test_what_makes_no_sense_is_refused(coupler: Coupler, config: Path, arguments: tuple[str, ...]) -> None:
    assert coupler(*arguments).returncode == 2
