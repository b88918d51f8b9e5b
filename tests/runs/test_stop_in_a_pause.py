"""`coupler stop` and SIGTERM while a service has put the engine off for minutes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.runs import snapshots
from engine.store.database import Store
from tests.cli.conftest import CONFIG, Coupler, coupler, environment
from tests.runs.company import engine_of

__all__ = ["coupler", "environment"]
ARGUMENTS = ["run", "--yes", "--keep-cleared", "no", "--plain"]


class Busy(BaseHTTPRequestHandler):
    """A service that puts everybody off for five minutes."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(429)
        self.send_header("Retry-After", "300")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[str]:
    Busy.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "config.toml").write_text(CONFIG.replace("127.0.0.1:1", f"127.0.0.1:{server.server_port}"))
        yield "busy"
        server.shutdown()


def until(what: Callable[[], bool], seconds: float = 20) -> float:
    """Waits until something is so, and says how long that took."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


@pytest.mark.parametrize("how", ["stop", "SIGTERM to the engine"])
def test_it_is_heard_within_two_seconds(
    tmp_path: Path, busy: str, coupler: Coupler, environment: dict[str, str], how: str
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", *ARGUMENTS],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        until((tmp_path / "store.db").exists)
        store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
        until(lambda: "429" in (found.waiting if (found := snapshots.active(store)) is not None else ""))
        found = snapshots.active(store)
        assert found is not None
        put_off = {one.name: one.put_off > 0 and one.paused > 0 for one in found.traffic}
        assert sorted(put_off.values()) == [False, True], "what each side's requests do is told as well"
        asked = Busy.asked
        if how == "stop":
            threading.Thread(target=coupler, args=("stop",), daemon=True).start()
            until(lambda: (found := snapshots.active(store)) is not None and found.wish.value == "stop")
        else:
            pid = engine_of(tmp_path / "config.toml")
            assert pid
            os.kill(pid, signal.SIGTERM)
        assert until(lambda: (found := snapshots.active(store)) is not None and str(found.state) == "stopped") < 2
        run.communicate(timeout=20)
        assert run.returncode == 5
        assert Busy.asked == asked
        store.close()
    finally:
        run.kill()
        run.communicate()
