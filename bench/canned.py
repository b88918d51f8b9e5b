"""The process that serves both canned services, as the benchmark starts, asks and ends it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import msgspec


class Tally(msgspec.Struct, frozen=True):
    """What happened since the last one: rows created and updated, requests, those that write, bytes, seconds of CPU.

    `rows` and `distinct` are what there is altogether; `doubled` is how often something was created again.
    """

    rows: int
    distinct: int
    created: int
    updated: int
    doubled: int
    writes: int
    requests: int
    received: int
    sent: int
    cpu: float


class Canned:
    """Both services at one port of loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.nav = f"http://127.0.0.1:{port}/BC/ODataV4"
        self.crm = f"http://127.0.0.1:{port}/api/data/v9.2"

    def tally(self) -> Tally:
        """What happened since this was asked last."""
        return msgspec.json.decode(self._ask("/bench/tally"), type=Tally)

    def forget(self) -> None:
        """Let CRM be as it was at the beginning."""
        self._ask("/bench/forget")

    def change(self, every: int) -> int:
        """Let every so manyth customer be modified in NAV; how many that are."""
        return int(json.loads(self._ask(f"/bench/change?every={every}"))["changed"])

    def _ask(self, target: str) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request("GET", target)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def serving(size: int, *, seed: int = 1, delay: float = 0.0) -> Iterator[Canned]:
    """Both services with so many customers; each answer takes `delay` seconds."""
    command = [sys.executable, "-m", "bench.server", "--size", str(size), "--seed", str(seed), "--delay", str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the canned services did not start")
        yield Canned(json.loads(line)["port"])
        process.stdin.close()
