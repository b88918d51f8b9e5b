"""The engine as a process: signals, terminals, servers that are not there, questions, and two operators at once."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.runs.between import Between, slowly
from tests.runs.company import QUIETLY, Company, eventually, job, result
from tests.runs.made import made_twice
from tests.runs.whole import Whole

Make = Callable[..., Company]
TINY = ("--demo-size", "40")
SOME = ("--demo-size", "400")


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def call(company: Company, *arguments: str) -> Terminal:
        opened.append(Terminal(company.command(*arguments), cwd=company.folder, environment=company.environment))
        return opened[-1]

    yield call
    for one in opened:
        with contextlib.suppress(OSError):
            one.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    with contextlib.closing(Company(tmp_path_factory.mktemp("whole"), *SOME)) as company:
        assert company.coupler("run", *QUIETLY).returncode == 1
        return Whole(company)


def working(company: Company) -> bool:
    """Whether the engine has written something."""
    return company.audit_file.exists() and company.audit_file.stat().st_size > 10_000


@pytest.fixture
def unhurried(make: Make) -> Iterator[Company]:
    """A company whose CRM takes its time, so that there is a middle of a run to do something in."""
    company = make(*SOME)
    with contextlib.closing(Between(company.port("crm"), slowly)) as between:
        company.lead("crm", between.port, "page_size = 100")
        yield company


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_the_run_at_a_checkpoint_and_resuming_finishes_it(
    unhurried: Company, whole: Whole, number: int, code: int
) -> None:
    company = unhurried
    process = company.start("run", *QUIETLY)
    eventually(lambda: working(company))
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    eventually(lambda: not company.engine())
    found = company.status()
    assert found["state"] == "stopped"
    assert found["counters"]["read"] < whole.read
    with company.store() as store:
        assert store.execute("SELECT count(*) FROM intent").fetchone() == (0,), "a checkpoint leaves nothing open"
    assert company.coupler("resume", *QUIETLY).returncode == 1
    assert whole.differences(Whole(company)) == ""


def test_an_engine_whose_store_is_moved_away_sends_nothing_more_and_all_goes_on_once_it_is_back(
    unhurried: Company, whole: Whole
) -> None:
    company = unhurried
    process = company.start("run", *QUIETLY)
    eventually(lambda: working(company))
    store = company.config.with_suffix(".db")
    away = store.rename(company.folder / "elsewhere.db")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert "sandbox.db was moved, deleted or replaced" in " ".join(said.split())
    eventually(lambda: not company.engine(), 10)
    sent = len(company.audit())
    done = company.coupler("status")
    assert (done.returncode, store.exists()) == (3, False), "no empty store takes its place"
    away.rename(store)
    assert company.status()["state"] == "interrupted"
    assert company.status()["counters"]["read"] < whole.read
    assert company.coupler("resume", *QUIETLY).returncode == 1
    assert len(company.audit()) > sent
    assert whole.differences(Whole(company)) == ""


def test_a_signal_to_the_engine_itself_stops_it_at_a_checkpoint(unhurried: Company, whole: Whole) -> None:
    company = unhurried
    process = company.start("run", *QUIETLY)
    eventually(lambda: working(company))
    company.signal_engine(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 5
    assert company.status()["state"] == "stopped"
    with company.store() as store:
        assert store.execute('SELECT deed, "by" FROM decision').fetchall() == [("stop", "signal")]
    assert company.coupler("resume", *QUIETLY).returncode == 1
    assert whole.differences(Whole(company)) == ""


def test_a_terminal_that_is_closed_in_the_middle_leaves_the_run_alone_and_the_question_waits(
    make: Make, whole: Whole, terminals: Callable[..., Terminal]
) -> None:
    company = make(*SOME)
    shown = terminals(company, "run")
    shown.until("Start now?")
    shown.write("yes\n")
    eventually(lambda: working(company))
    os.close(shown.master)
    pid = company.engine()
    assert pid
    assert shown.process.wait(20) != 0
    assert company.engine() == pid, "the engine goes on"
    eventually(lambda: not company.engine(), 60)
    found = company.status()
    assert (found["state"], found["answer"]) == ("asking", None)
    assert "CUSTOMER" in found["cleared"]
    again = terminals(company, "resume")
    assert "yes or no: " in again.until("yes or no: ")
    again.write("no\n")
    assert again.ended() == 1
    assert whole.differences(Whole(company)) == ""


def test_a_killed_command_leaves_the_engine_alone(make: Make) -> None:
    company = make(*TINY)
    with company.hanging():
        process = company.start("run", *QUIETLY)
        pid = eventually(company.engine)
        process.kill()
        process.wait()
        time.sleep(0.3)
        assert company.engine() == pid
    eventually(lambda: not company.engine())
    assert company.status()["state"] == "finished"


# answers


def cleared(company: Company) -> list[str]:
    """The mappings whose flag is stored cleared."""
    return [one["mapping"] for one in company.lines("mappings") if not one["only_coupled"]]


@pytest.mark.parametrize(("answer", "expected"), [("yes", ["CURRENCY", "UNITOFMEASURE"]), ("no", [])])
def test_the_answer_may_be_given_in_advance(make: Make, answer: str, expected: list[str]) -> None:
    company = make(*TINY)
    only = ("--only", "CURRENCY", "--only", "UNITOFMEASURE")
    done = company.coupler("run", "--yes", "--keep-cleared", answer, *only, "--json")
    assert (result(done)["state"], result(done)["answer"]) == ("finished", answer)
    assert cleared(company) == expected


def test_a_run_in_progress_leaves_the_stored_flags_alone_and_an_operators_edit_wins(make: Make) -> None:
    company = make(*TINY)
    company.coupler("mappings", "UNITOFMEASURE", "--only-coupled", "off")
    only = ("--only", "CURRENCY", "--only", "UNITOFMEASURE", "--only", "SALEPEOPLE")
    with company.hanging():
        process = company.start("run", "--yes", "--keep-cleared", "yes", *only, "--json")
        eventually(company.engine)
        assert cleared(company) == ["UNITOFMEASURE"], "only an answer changes what is stored"
        assert company.coupler("mappings", "CURRENCY", "--only-coupled", "on").returncode == 0
    out, _ = process.communicate(timeout=60)
    flags = {one["mapping"]: one for one in json.loads(out.splitlines()[-1])["flags"]}
    assert (flags["CURRENCY"]["edited"], flags["CURRENCY"]["now"]) == (True, True)
    assert (flags["SALEPEOPLE"]["edited"], flags["SALEPEOPLE"]["now"]) == (False, False)
    assert cleared(company) == ["SALEPEOPLE", "UNITOFMEASURE"]


def test_a_cancelled_run_leaves_the_flags_as_they_were(make: Make) -> None:
    company = make(*TINY)
    with company.hanging():
        process = company.start("run", "--yes", "--keep-cleared", "yes")
        eventually(company.engine)
        canceller = company.start("cancel")
        time.sleep(1)
    process.communicate(timeout=60)
    canceller.communicate(timeout=60)
    assert company.status()["state"] == "cancelled"
    assert cleared(company) == []


def test_of_two_who_start_at_once_one_runs(make: Make) -> None:
    company = make(*TINY)
    started = [company.start("run", *QUIETLY) for _ in range(4)]
    codes = sorted(process.wait(90) for process in started)
    assert codes == [1, 4, 4, 4]
    assert [one["run"] for one in company.lines("jobs")] == [1] * len(company.lines("jobs"))
    assert made_twice(company.audit()) == ()


def test_two_engines_for_one_run_are_one(make: Make) -> None:
    company = make(*TINY)
    with company.hanging():
        process = company.start("run", *QUIETLY)
        eventually(company.engine)
        time.sleep(0.5)
        second = subprocess.run(
            company.command("engine", "1"),
            env=company.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 4
        assert "locked" in second.stderr
    assert process.wait(60) == 1
    assert job(company.status(), "CUSTOMER")["inserted"] > 0
