"""Whole runs from the command line: a real engine against the real sandbox, signals, deaths and questions included."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Coupler
from tests.cli.sandbox import COUPLER, sandbox
from tests.cli.terminal import Terminal
from tests.runs.company import QUIETLY, engine_of, signal_engine


class Servers:
    """A sandbox in a process of its own, which can be made to hang."""

    def __init__(self, config: Path, process: "subprocess.Popen[bytes]") -> None:
        self.config = config
        self.process = process

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Until the end of the block, requests are not answered."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    config = tmp_path_factory.mktemp("servers") / "sandbox.toml"
    with sandbox(config, 60) as (process, _):
        yield Servers(config, process)


@pytest.fixture
def ready(servers: Servers, tmp_path: Path) -> Path:
    """A config file with a store of its own, in the folder in which commands run."""
    text = servers.config.read_text()
    text = text.replace("file:sandbox.token", f"file:{servers.config.with_name('sandbox.token')}")
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command and does not wait for it."""
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COUPLER, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def call(*arguments: str, **more: str) -> Terminal:
        found = Terminal([*COUPLER, *arguments], cwd=tmp_path, environment={**environment, **more})
        opened.append(found)
        return found

    yield call
    for one in opened:
        one.close()


def status(coupler: Coupler, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(coupler("status", *arguments, "--json").stdout or "{}")
    return found


def eventually(check: Callable[[], object], timeout: float = 30) -> None:
    end = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_run_without_questions_for_programs(coupler: Coupler, ready: Path) -> None:
    done = coupler("run", *QUIETLY, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr  # the demo has a few broken records
    result = lines[-1]
    assert result["type"] == "result"
    assert (result["state"], result["answer"], result["exit"]) == ("finished", "no", 1)
    assert [one["job"] for one in result["jobs"]] == list(dict.fromkeys(one["job"] for one in lines[:-1]))
    assert len(result["jobs"]) == 7
    assert result["counters"]["failed"] == sum(one["failed"] for one in result["jobs"]) > 0

    failed = [json.loads(line) for line in coupler("errors", "--json").stdout.splitlines()]
    assert len([one for one in failed if one["kind"] == "failed"]) == result["counters"]["failed"]
    couplings = [json.loads(line) for line in coupler("couplings", "--json").stdout.splitlines()]
    assert all(set(one) == {"mapping", "nav_no", "nav_id", "crm_id"} for one in couplings)
    assert len({(one["mapping"], one["nav_id"]) for one in couplings}) == len(couplings) > 50
    assert len(coupler("couplings", "--mapping", "customer").stdout.splitlines()) == sum(
        one["mapping"] == "CUSTOMER" for one in couplings
    )
    assert (
        sum(json.loads(line)["failed"] for line in coupler("jobs", "--run", "1", "--json").stdout.splitlines())
        == (result["counters"]["failed"])
    )
    assert coupler("errors", "--mapping", "custmer").returncode == 2


def test_a_plan_writes_nothing_and_is_no_run(coupler: Coupler, ready: Path) -> None:
    done = coupler("plan", "--only", "customer", "--json")
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["kind"], result["state"], result["flags"] and result["answer"]) == ("plan", "finished", None)
    assert coupler("couplings").stdout == ""
    assert status(coupler) == {}


def test_one_job_only(coupler: Coupler, ready: Path) -> None:
    done = coupler("run", *QUIETLY, "--only", "CURRENCY", "--only", "salepeople", "--plain")
    assert "job=1/2 CURRENCY" in done.stdout
    assert "job=2/2 SALEPEOPLE" in done.stdout
    assert "CUSTOMER" not in done.stdout
    assert re.search(r"^\d\d:\d\d:\d\dZ run=1 state=finished .* answer=no ", done.stdout, re.MULTILINE)
    done = coupler("run", *QUIETLY, "--only", "CUSTOMR")
    assert done.returncode == 2
    assert 'did you mean "CUSTOMER"?' in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_at_a_checkpoint(
    number: int, code: int, servers: Servers, coupler: Coupler, start: Callable[..., subprocess.Popen[str]], ready: Path
) -> None:
    with servers.hanging():
        process = start("run", *QUIETLY)
        eventually(lambda: engine_of(ready))
        busy = coupler("run", *QUIETLY)
        assert busy.returncode == 4
        assert "one run at a time" in busy.stderr
        process.send_signal(number)
        time.sleep(1)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "coupler resume 1" in said
    assert status(coupler)["state"] == "stopped"
    done = coupler("resume", *QUIETLY)
    assert done.returncode in (0, 1), done.stderr
    assert status(coupler)["state"] == "finished"


def test_a_terminal_that_goes_away_does_not_stop_the_run(
    servers: Servers, coupler: Coupler, start: Callable[..., subprocess.Popen[str]], ready: Path
) -> None:
    with servers.hanging():
        process = start("run", *QUIETLY)
        eventually(lambda: engine_of(ready))
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 129
        assert engine_of(ready)
        watcher = start("attach", "--plain")
        time.sleep(1)
    assert watcher.wait(60) in (0, 1)
    assert status(coupler)["state"] == "finished"


def test_leaving_a_run_that_is_watched_does_not_stop_it(
    servers: Servers, coupler: Coupler, start: Callable[..., subprocess.Popen[str]], ready: Path
) -> None:
    with servers.hanging():
        process = start("run", *QUIETLY)
        eventually(lambda: engine_of(ready))
        watcher = start("attach")
        time.sleep(5)  # it says nothing while the servers hang
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(20) == 130
        assert engine_of(ready)
    assert process.wait(60) in (0, 1)


def test_an_engine_that_dies_is_said_and_the_run_goes_on_later(
    servers: Servers, coupler: Coupler, start: Callable[..., subprocess.Popen[str]], ready: Path
) -> None:
    with servers.hanging():
        process = start("run", *QUIETLY)
        eventually(lambda: status(coupler).get("state") == "running")
        eventually(lambda: engine_of(ready))
        signal_engine(ready)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 70
    assert "coupler resume 1" in said
    assert status(coupler)["state"] == "interrupted"
    done = coupler("resume", "1", *QUIETLY, "--json")
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "finished"
    again = coupler("resume", "1", *QUIETLY)
    assert again.returncode == done.returncode
    assert "nothing to resume" in again.stderr


def test_stop_and_cancel_from_another_terminal(
    servers: Servers, coupler: Coupler, start: Callable[..., subprocess.Popen[str]], ready: Path
) -> None:
    with servers.hanging():
        process = start("run", *QUIETLY)
        eventually(lambda: status(coupler).get("state") == "running")
        stopper = start("stop")
        time.sleep(1.5)
    assert stopper.wait(60) == 0
    assert process.wait(60) == 5
    assert status(coupler)["state"] == "stopped"
    assert coupler("stop").returncode == 2
    done = coupler("cancel")
    assert done.returncode == 0
    assert "cancelled" in done.stderr
    assert coupler("cancel", "1").returncode == 2
    assert coupler("resume", *QUIETLY).returncode == 2


def test_questions_on_a_terminal(coupler: Coupler, terminal: Callable[..., Terminal], ready: Path) -> None:
    first = terminal("run", "--only", "CURRENCY")
    first.until("Start now?")
    first.write("\n")
    assert first.ended() == 5
    assert "Nothing was started" in first.seen
    assert status(coupler) == {}

    second = terminal("run", "--only", "CURRENCY")
    second.until("Start now?")
    second.write("perhaps\n")
    second.until("perhaps\r\nStart now?")
    second.write("yes\n")
    shown = second.until("yes or no: ", 60)
    assert "CURRENCY  on      off  off     on" in shown
    second.write("\n")
    time.sleep(0.5)
    second.write("no\n")
    assert second.ended() in (0, 1)
    assert status(coupler)["answer"] == "no"


@pytest.mark.parametrize(
    ("command", "question", "said"),
    [
        (("mappings", "--use-defaults"), "Go back to the defaults?", "Nothing was changed."),
        (("uncouple", "CUSTOMER", "--all"), "Remove all couplings of CUSTOMER?", "Nothing was changed."),
        (("jobs", "--delete-older", "0"), "Delete?", "Nothing was deleted."),
    ],
)
def test_no_is_an_answer_that_does_nothing(
    command: tuple[str, ...], question: str, said: str, terminal: Callable[..., Terminal], ready: Path
) -> None:
    ready.write_text(before := f"{ready.read_text()}[mapping.CUSTOMER]\nenabled = true\n")
    shown = terminal(*command)
    shown.until(question)
    shown.write("no\n")
    assert shown.ended() == 5
    assert said in shown.seen
    assert ready.read_text() == before


def test_what_is_typed_ahead_answers_nothing_and_the_question_waits(
    coupler: Coupler, terminal: Callable[..., Terminal], ready: Path
) -> None:
    shown = terminal("run", "--only", "CURRENCY")
    shown.until("Start now?")
    shown.write("yes\nyes\nyes\n")
    shown.until("yes or no: ", 60)
    time.sleep(1)
    assert shown.process.poll() is None
    assert status(coupler)["state"] == "asking"
    shown.write("\x04")
    assert shown.ended() == 6
    assert "coupler answer 1 yes|no" in shown.seen

    assert coupler("run", *QUIETLY).returncode == 4
    assert status(coupler)["cleared"] == ["CURRENCY"]
    done = coupler("answer", "1", "yes")
    assert done.returncode == 0, done.stderr
    assert coupler("answer", "1", "no").returncode == 2
    mappings = [json.loads(line) for line in coupler("mappings", "--json").stdout.splitlines()]
    assert [one["mapping"] for one in mappings if not one["only_coupled"]] == ["CURRENCY"]
    assert coupler("mappings", "currency", "--only-coupled", "on").returncode == 0
    assert json.loads(coupler("mappings", "CURRENCY", "--json").stdout)["only_coupled"] is True


def test_resume_answers_a_run_that_only_asks(coupler: Coupler, terminal: Callable[..., Terminal], ready: Path) -> None:
    shown = terminal("run", "--only", "CURRENCY")
    shown.until("Start now?")
    shown.write("yes\n")
    shown.until("yes or no: ", 60)
    shown.write("\x03")
    assert shown.ended() == 6
    assert coupler("resume", *QUIETLY).returncode in (0, 1)
    assert status(coupler)["answer"] == "no"


def test_a_terminal_without_a_screen_is_told_how(terminal: Callable[..., Terminal], ready: Path) -> None:
    shown = terminal(TERM="dumb")
    assert shown.ended() == 2
    assert "TERM=dumb" in shown.seen
    assert "Without a screen: coupler --plain, coupler status, coupler plan, coupler run" in shown.seen.replace(
        "\r\n", ""
    )


def test_production_asks_for_its_name(coupler: Coupler, terminal: Callable[..., Terminal], ready: Path) -> None:
    ready.write_text(ready.read_text().replace('"sandbox"', '"production"'))
    shown = terminal("run", "--only", "CURRENCY")
    shown.until("Type production to start")
    shown.write("yes\n")
    assert shown.ended() == 5
    assert status(coupler) == {}


def test_a_reader_that_has_had_enough_does_not_stop_the_run(
    coupler: Coupler, ready: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    command = f"{' '.join(COUPLER)} run {' '.join(QUIETLY)} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert status(coupler)["state"] == "finished"


class Page(BaseHTTPRequestHandler):
    """A server that is something else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><body>Welcome \x1b[2J</body></html>")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def test_servers_that_are_no_use_are_one_line_with_the_address(
    coupler: Coupler, start: Callable[..., subprocess.Popen[str]], ready: Path, tmp_path: Path
) -> None:
    """One is down, one answers HTML, one refuses the token; together, because an engine is patient with the first."""
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    html = f"http://127.0.0.1:{server.server_port}"
    good = ready.read_text()
    changed = {
        "down": (
            "http://127.0.0.1:1/",
            re.sub(r"(\[crm\]\nurl = \")[^\"]*", r"\1http://127.0.0.1:1/api/data/v9.2", good),
        ),
        "html": (html, re.sub(r"(\[nav\]\nurl = \")[^\"]*", rf"\1{html}/BC/ODataV4", good)),
        "token": ("http://127.0.0.1:", re.sub(r'secret = "file:[^"]*"', 'secret = "env:COUPLER_TEST_SECRET"', good)),
    }
    running = {}
    for name, (_, text) in changed.items():
        path = tmp_path / f"{name}.toml"
        path.write_text(text.replace('"sqlite:///sandbox.db"', f'"sqlite:///{name}.db"'))
        running[name] = start("run", *QUIETLY, "--json", "--config", str(path))
    try:
        for name, process in running.items():
            out, said = process.communicate(timeout=150)
            assert process.returncode == 3, (name, said)
            assert changed[name][0] in said
            assert "hunter2" not in said + out
            assert "Traceback" not in said
            assert "\x1b" not in said
            assert said.count("\n") <= 12
            result = json.loads(out.splitlines()[-1])
            assert (result["state"], result["exit"]) == ("stopped", 3)
            assert status(coupler, "--config", str(tmp_path / f"{name}.toml"))["state"] == "stopped"
    finally:
        server.shutdown()
        server.server_close()


def test_the_screens_open_from_the_command_line(terminal: Callable[..., Terminal], ready: Path) -> None:
    shown = terminal()
    shown.until("RESOURCE-PRODUCT")
    shown.write("q")
    assert shown.ended() == 0
    assert "Traceback" not in shown.seen


def test_the_demo_opens_the_screens_on_its_servers(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    shown = terminal("demo", "--tour", "--size", "10", TMPDIR=str(tmp_path))
    shown.until("RESOURCE-PRODUCT", 60)
    shown.until("Tour 1 of 4")
    shown.write("q")
    assert shown.ended() == 0
    assert "coupler: ending the demo ..." in shown.seen
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("coupler-demo")] == []


def test_the_demo_without_a_screen_leaves_nothing(coupler: Coupler, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    done = coupler("demo", "--headless", "--size", "20", TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode in (0, 1), done.stderr
    assert "state=finished" in done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "state" / "coupler" / "log").iterdir()) == []


def test_a_demo_that_is_terminated_leaves_nothing(tmp_path: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal("demo", "--headless", "--size", "2000", TMPDIR=str(tmp_path))
    shown.until("state=", 60)
    shown.process.terminate()
    assert shown.ended(60) == 143
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("coupler-demo")] == []


def test_the_demos_servers_end_with_it(
    tmp_path: Path, environment: dict[str, str], terminal: Callable[..., Terminal]
) -> None:
    shown = terminal("demo", "--headless", "--size", "2000", TMPDIR=str(tmp_path))
    shown.until("run 1 is started", 60)
    servers = re.search(r"NAV http://127.0.0.1:(\d+)/", shown.seen)
    assert servers is not None
    shown.process.kill()
    shown.process.wait()

    def closed() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(servers[1]))) != 0

    eventually(closed)
    eventually(lambda: not [path for path in tmp_path.iterdir() if path.name.startswith("coupler-demo")])
