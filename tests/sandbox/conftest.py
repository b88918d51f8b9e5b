"""Servers on loopback, started once, each test with an organization of its own."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn

from sandbox.audit import Audit
from sandbox.crm.app import create_app
from sandbox.crm.state import CrmState
from sandbox.load import Seeds, nav_state
from sandbox.serve import running
from tests.sandbox.crm_tools import CRM_TOKEN, Crm, Switch, TestClock
from tests.sandbox.nav_tools import ROWS, Nav


@pytest.fixture(scope="session")
def crm_server() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    server = uvicorn.Server(uvicorn.Config(switch, port=0, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield switch, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def crm(crm_server: tuple[Switch, str], tmp_path: Path) -> Iterator[Crm]:
    switch, origin = crm_server
    clock, path = TestClock(), tmp_path / "audit.jsonl"
    with Audit(path, clock) as audit:
        state = CrmState.build(clock=clock, audit=audit)
        switch.app = create_app(state, CRM_TOKEN)
        headers = {"Authorization": f"Bearer {CRM_TOKEN}", "Accept": "application/json"}
        with httpx.Client(base_url=f"{origin}/api/data/v9.2/", headers=headers, timeout=10) as http:
            yield Crm(state, http, clock, path)


@pytest_asyncio.fixture
async def nav(tmp_path: Path) -> AsyncIterator[Nav]:
    path = tmp_path / "audit.jsonl"
    with Audit(path) as audit:
        state = nav_state(Seeds(ROWS, {}), audit=audit)
        async with running(state, CrmState.build()) as sandbox:
            headers = {"Authorization": f"Bearer {sandbox.token}"}
            async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
                yield Nav(sandbox, client, path)
