"""`python -m bench.server`: serve until the standard input ends; one JSON line says where."""

import argparse
import asyncio
import gc
import json
import sys
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from bench.company import Company
from bench.server import crm, nav
from bench.server.wire import Answer, Request, Traffic, Wire


class Services:
    """Both services, and what the benchmark itself asks under /bench."""

    def __init__(self, size: int, seed: int) -> None:
        self._company = Company(size, seed)
        self._nav, self._crm = nav.Nav(self._company), crm.Crm()
        self._changes = 0
        self.traffic = Traffic()
        self._began = time.process_time()

    def answer(self, request: Request) -> Answer:
        """The answer of the service that is meant."""
        if request.target.startswith(crm.ROOT):
            return self._crm.answer(request)
        if request.target.startswith(nav.ROOT):
            return self._nav.answer(request)
        place = urlsplit(request.target.decode())
        told: dict[str, float | int] = {}
        if place.path == "/bench/forget":
            self._crm.forget()
        elif place.path == "/bench/change":
            self._changes += 1
            every = int(parse_qs(place.query)["every"][0])
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            told = {"changed": self._company.change(every, self._changes, now)}
        else:
            told = self._tally()
        self._count_anew()
        return Answer(json.dumps(told).encode())

    def _tally(self) -> dict[str, float | int]:
        accounts, traffic = self._crm.accounts, self.traffic
        return {
            "rows": len(accounts.rows),
            "distinct": len(accounts.distinct),
            "created": accounts.created,
            "updated": accounts.updated,
            "doubled": accounts.doubled,
            "writes": self._crm.writes,
            "requests": traffic.requests,
            "received": traffic.received,
            "sent": traffic.sent,
            "cpu": time.process_time() - self._began,
        }

    def _count_anew(self) -> None:
        self._crm.count_anew()
        self.traffic.requests = self.traffic.received = self.traffic.sent = 0
        self._began = time.process_time()


async def serve(services: Services, delay: float) -> None:
    """Serve on loopback until the standard input ends, as it does with whoever started this."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Wire(services.answer, services.traffic, delay), "127.0.0.1", 0, backlog=1024
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Make the company, then serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.server")
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each answer takes")
    wanted = parser.parse_args()
    services = Services(wanted.size, wanted.seed)
    gc.collect()
    gc.freeze()
    gc.disable()  # rows are many and hold no cycles
    asyncio.run(serve(services, wanted.delay))


if __name__ == "__main__":
    main()
