"""A store that cannot grow any more, and a log that cannot be written."""

import contextlib
import json
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config import load
from engine.runs import control
from engine.store.database import Store
from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

Make = Callable[..., Company]
SMALL = ("--demo-size", "120")


def store_of(company: Company) -> Path:
    """The file of the store, which is made."""
    url = load(company.config).store.url
    Store.open(url).close()
    return Path(url.removeprefix("sqlite:///"))


@pytest.mark.parametrize("command", ["run", "sync"])
def test_a_full_disk_under_the_store_ends_with_3_and_nothing_is_lost(make: Make, tmp_path: Path, command: str) -> None:
    company = make(*SMALL)
    arguments = (command, *(QUIETLY if command == "run" else ()))
    limit = store_of(company).stat().st_size + 60_000
    done = subprocess.run(
        company.command(*arguments),
        env=company.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 3, done.stderr
    assert "The engine could not read or write the state store, and ended." in done.stderr
    assert "disk space" in done.stderr
    assert "Traceback" not in done.stderr
    again = "coupler resume 1" if command == "run" else "start it again"
    assert again in done.stderr
    done = company.coupler("resume", *QUIETLY) if command == "run" else company.coupler("sync")
    assert done.returncode in (0, 1), done.stderr
    lines = [json.loads(line) for line in company.coupler("check", "--json").stdout.splitlines()]
    found = {one["what"] for one in lines if "what" in one}
    assert found == {"duplicates"}, "the demo has some; but nothing is open, uncoupled or lost"
    (tmp_path / "undisturbed").mkdir()
    with contextlib.closing(Company(tmp_path / "undisturbed", *SMALL)) as undisturbed:
        undisturbed.coupler(*arguments)
        expected, ended = Whole(undisturbed), Whole(company)
    assert (ended.created, ended.coupled) == (expected.created, expected.coupled)
    assert (ended.values, ended.apart) == (expected.values, [])


def test_an_engine_whose_log_is_full_works_all_the_same(make: Make) -> None:
    company = make("--demo-size", "3")
    settings = load(company.config)
    store = Store.open(settings.store.url)
    number = control.start(store, settings, by="test")
    store.close()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            company.command("engine", str(number)), env=company.environment, stdout=full, stderr=full, check=False
        )
    assert done.returncode == 0
    assert company.status()["state"] == "asking"


def test_a_run_whose_engine_cannot_have_a_log_is_not_started_and_says_so(make: Make) -> None:
    company = make("--demo-size", "3")
    company.coupler("plan")
    (log,) = (company.folder / "state" / "coupler" / "log").glob("engine-sandbox-*.log")
    log.unlink()
    log.symlink_to("/nowhere")
    for number, command in enumerate((("plan",), ("run", *QUIETLY)), 2):
        done = company.coupler(*command)
        assert done.returncode == 3, done.stderr
        assert f"{log.name} cannot be written" in done.stderr
        assert f"`coupler status {number}` says how to go on" in " ".join(done.stderr.split())
