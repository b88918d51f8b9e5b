"""Notifications of real runs: engines and notifiers in processes of their own, which are killed, against real servers."""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.notify.receiver import Receiver, receiving
from tests.runs.between import Between, slowly
from tests.runs.company import QUIETLY, Company, eventually

TINY = ("--demo-size", "40")
SOME = ("--demo-size", "150")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def company(tmp_path: Path, receiver: Receiver) -> Iterator[Company]:
    with contextlib.closing(Company(tmp_path, *TINY)) as one:
        told_by(one, receiver.url)
        yield one
        for pid in notifiers(one):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def unhurried(tmp_path: Path, receiver: Receiver) -> Iterator[Company]:
    """One whose CRM takes its time, so that there is a middle of a run."""
    with contextlib.closing(Company(tmp_path, *SOME)) as one:
        with contextlib.closing(Between(one.port("crm"), slowly)) as between:
            one.lead("crm", between.port, "page_size = 20")
            told_by(one, receiver.url)
            yield one
        for pid in notifiers(one):
            os.kill(pid, signal.SIGKILL)


def told_by(company: Company, url: str) -> None:
    company.environment["HOOK_KEY"] = "hunter2-hook"
    with company.config.open("a") as file:
        file.write(f'\n[notify.ops]\nwebhook = "{url}/pathsecret"\nheaders = {{ X-Key = "env:HOOK_KEY" }}\n')


def change(company: Company, *lines: str) -> None:
    """Give the notification other lines."""
    kept = company.config.read_text().partition("[notify.ops]")[0]
    company.config.write_text("\n".join((kept, "[notify.ops]", *lines, "")))


def notifiers(company: Company) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode().split("\0") if entry.name.isdigit() else []
            if "notifier" in words and str(company.config) in words:
                found.append(int(entry.name))
    return found


def logged(company: Company) -> str:
    return "".join(path.read_text() for path in (company.folder / "state" / "coupler" / "log").glob("engine-*.log"))


def working(company: Company) -> bool:
    return company.audit_file.exists() and company.audit_file.stat().st_size > 4_000


def test_the_question_is_told_and_so_is_the_answer(company: Company, receiver: Receiver) -> None:
    terminal = Terminal(
        company.command("run", "--only", "CURRENCY"), cwd=company.folder, environment=company.environment
    )
    terminal.until("Start now?")
    terminal.write("yes\n")
    terminal.until("yes or no: ")
    eventually(lambda: receiver.told)
    assert receiver.events == [(1, "asking")]
    assert receiver.told[0]["go_on"] == [
        f"coupler answer 1 {answer} --config {company.config}" for answer in ("yes", "no")
    ]
    terminal.close()
    assert company.coupler("answer", "no").returncode == 0
    eventually(lambda: len(receiver.told) == 2)
    assert [(one["event"], one["answer"]) for one in receiver.told] == [("asking", None), ("ended", "no")]
    eventually(lambda: not notifiers(company))


def test_a_run_that_is_cancelled_later_is_told(unhurried: Company, receiver: Receiver) -> None:
    process = unhurried.start("run", *QUIETLY)
    eventually(lambda: working(unhurried))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    eventually(lambda: receiver.told)
    assert unhurried.coupler("cancel", "1").returncode == 0
    eventually(lambda: len(receiver.told) == 2)
    assert [one["state"] for one in receiver.told] == ["stopped", "cancelled"]


def test_an_engine_that_is_killed_is_told_and_so_is_how_it_goes_on(unhurried: Company, receiver: Receiver) -> None:
    process = unhurried.start("run", *QUIETLY)
    eventually(lambda: working(unhurried))
    unhurried.signal_engine(signal.SIGKILL)
    told = eventually(lambda: receiver.told)
    process.communicate(timeout=60)
    assert [(one["event"], one["state"], one["go_on"][0]) for one in told] == [
        ("failed", "interrupted", f"coupler resume 1 --config {unhurried.config}")
    ]
    assert told[0]["counters"]["read"] > 0
    assert unhurried.coupler("resume", *QUIETLY).returncode == 1
    eventually(lambda: len(receiver.told) == 2)
    assert receiver.events == [(1, "failed"), (1, "ended")]


def test_a_notifier_that_is_to_end_with_its_engine_tells_that_first(unhurried: Company, receiver: Receiver) -> None:
    process = unhurried.start("run", *QUIETLY)
    eventually(lambda: working(unhurried))
    for pid in notifiers(unhurried):
        os.kill(pid, signal.SIGTERM)
    unhurried.signal_engine(signal.SIGTERM)
    process.communicate(timeout=60)
    eventually(lambda: not notifiers(unhurried))
    assert [(one["event"], one["state"]) for one in receiver.told] == [("ended", "stopped")]


def test_a_notifier_that_is_to_end_while_it_waits_ends_at_once(company: Company, receiver: Receiver) -> None:
    receiver.answers = [429]
    receiver.headers = {"Retry-After": "600"}
    assert company.coupler("run", *QUIETLY, "--only", "CURRENCY").returncode == 1
    eventually(lambda: receiver.told)
    (pid,) = notifiers(company)
    time.sleep(0.5)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not notifiers(company), 10)
    receiver.headers = {}
    assert "1 sent" in company.coupler("notify", "send").stderr
    assert receiver.events == [(1, "ended")] * 2


def test_what_is_killed_with_its_notifier_is_told_when_that_is_asked_for(
    unhurried: Company, receiver: Receiver
) -> None:
    process = unhurried.start("run", *QUIETLY)
    eventually(lambda: working(unhurried))
    for pid in notifiers(unhurried):
        os.kill(pid, signal.SIGKILL)
    unhurried.signal_engine(signal.SIGKILL)
    process.communicate(timeout=60)
    assert receiver.told == []
    assert "1 sent" in unhurried.coupler("notify", "send").stderr
    assert receiver.events == [(1, "failed")]
    assert "0 sent" in unhurried.coupler("notify", "send").stderr


def test_a_webhook_that_cannot_be_reached_changes_nothing_about_the_run(company: Company) -> None:
    with receiving() as gone:
        pass
    change(company, f'webhook = "{gone.url}/pathsecret"', "tries = 1")
    assert company.coupler("run", *QUIETLY, "--only", "CURRENCY").returncode == 1
    eventually(lambda: not notifiers(company))
    warnings = [one for line in logged(company).splitlines() if (one := json.loads(line))["level"] == "warning"]
    assert [(one["event"], one["target"]) for one in warnings] == [("notification failed", "ops")]
    assert "hunter2" not in logged(company)
    assert "pathsecret" not in logged(company)
    assert company.status()["state"] == "finished"


def test_a_webhook_that_hangs_does_not_keep_the_run(company: Company) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        change(company, f'webhook = "http://127.0.0.1:{silent.getsockname()[1]}/"')
        before = time.monotonic()
        assert company.coupler("run", *QUIETLY, "--only", "CURRENCY").returncode == 1
        assert time.monotonic() - before < 25, "it does not wait for the 30 seconds of the webhook"
        assert company.coupler("sync").returncode in (0, 1), "nor does the next one"
        assert notifiers(company)


def test_a_command_is_told_of_a_real_run(company: Company) -> None:
    change(company, 'command = ["/bin/sh", "-c", "cat > told.part; env > env.txt; mv told.part told.json"]')
    assert company.coupler("run", *QUIETLY, "--only", "CURRENCY").returncode == 1
    path = company.folder / "told.json"
    eventually(path.exists)
    assert json.loads(path.read_text())["event"] == "ended"
    environment = (company.folder / "env.txt").read_text()
    assert "COUPLER_RUN=1\n" in environment
    assert company.token not in environment


def test_without_notifications_nothing_goes_with_an_engine(tmp_path: Path) -> None:
    with contextlib.closing(Company(tmp_path, *TINY)) as company:
        process = company.start("run", *QUIETLY)
        eventually(company.engine)
        assert notifiers(company) == []
        process.communicate(timeout=60)


# The commands.


def test_a_test_is_sent_and_says_whether_it_arrived(company: Company, receiver: Receiver) -> None:
    done = company.coupler("notify", "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ops  ok  webhook {receiver.url.removesuffix('/hook')}/***: answered 204\n"
    receiver.answers = [503]
    said = json.loads(company.coupler("notify", "test", "ops", "--json").stdout)
    assert (said["arrived"], said["said"]) == (False, "the webhook answers 503")
    receiver.answers = [404]
    assert company.coupler("notify", "test").returncode == 3
    assert [one["event"] for one in receiver.told] == ["test"] * 3
    assert company.coupler("notify", "test", "opps").returncode == 2
    assert company.coupler("config", "check", "--offline").returncode == 0
    del company.environment["HOOK_KEY"]
    done = company.coupler("config", "check", "--offline")
    assert done.returncode == 2
    assert "notify.ops.headers.X-Key: The environment variable HOOK_KEY is not set" in done.stderr
    shown = company.coupler("config", "show").stdout
    assert "[notify.ops]" in shown
    assert "pathsecret" not in shown
