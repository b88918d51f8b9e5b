"""One try to tell somebody: what a command and a webhook get, and what it is called when they do not."""

import asyncio
import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.config import Secret, Settings
from engine.config.notify import Notification
from engine.runs.sending import Undelivered, environment, send
from sandbox.tls import server_context
from tests.notify.receiver import receiving
from tests.runs_store.tools import settings_of

VALUES = {"id": "uat-7-asking", "event": "asking", "run": 7, "company": "CRONUS Ünternational", "code": None}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def script(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "tell"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return ("./tell", "ops team")


async def tried(settings: Settings, to: Notification, seconds: float = 20) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        await send(settings, to, VALUES, seconds=seconds)
    return caught.value


# Commands.


async def test_a_command_gets_the_event_on_standard_input_and_in_its_environment(
    settings: Settings, tmp_path: Path
) -> None:
    command = script(tmp_path, 'cat > content; env > environment; echo "$1" > argument')
    assert await send(settings, Notification("ops", command=command), VALUES, seconds=20) == "exit code 0"
    assert json.loads((tmp_path / "content").read_text()) == VALUES
    assert (tmp_path / "argument").read_text() == "ops team\n", "no shell takes it apart"
    lines = (tmp_path / "environment").read_text().splitlines()
    assert {"COUPLER_EVENT=asking", "COUPLER_RUN=7", "COUPLER_COMPANY=CRONUS Ünternational"} <= {*lines}
    assert f"COUPLER_CONFIG={tmp_path}/config.toml" in lines
    assert not any(line.startswith("COUPLER_CODE") for line in lines)


def test_a_command_does_not_inherit_our_secrets(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOT_SET", "HOOK_KEY", "PGPASSWORD", "OTHER"):
        monkeypatch.setenv(name, "hunter2")
    hook = Notification("chat", webhook="https://x.example", headers={"A": Secret("env:HOOK_KEY", tmp_path)})
    found = environment(replace(settings, notify=(hook,)), VALUES)
    assert [name for name, value in found.items() if value == "hunter2"] == ["OTHER"]
    assert found["PATH"] == os.environ["PATH"]


async def test_a_command_that_reads_nothing_has_been_told(settings: Settings, tmp_path: Path) -> None:
    long = {**VALUES, "counters": "x" * 1_000_000}
    assert await send(settings, Notification("ops", command=("true",)), long, seconds=20)


@pytest.mark.parametrize(("text", "said"), [("exit 3", "exit code 3"), ("kill -9 $$", "exit code -9")])
async def test_a_command_that_fails_is_tried_again(settings: Settings, tmp_path: Path, text: str, said: str) -> None:
    fault = await tried(settings, Notification("ops", command=script(tmp_path, text)))
    assert (said in fault.reason, fault.again) == (True, True)


async def test_a_command_that_is_not_there(settings: Settings) -> None:
    assert "cannot be started: No such file" in (await tried(settings, Notification("ops", command=("./none",)))).reason


async def test_a_command_that_hangs_is_ended_with_what_it_started(settings: Settings, tmp_path: Path) -> None:
    command = script(tmp_path, 'sleep 300 & echo "$!" > child; wait')
    fault = await tried(settings, Notification("ops", command=command), seconds=1)
    assert fault.reason == "the command took longer than 1 s"
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _lives(child):
            return
        await asyncio.sleep(0.05)
    pytest.fail("its child goes on")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Webhooks.


async def test_a_webhook_gets_the_event_as_json_with_its_headers(settings: Settings, tmp_path: Path) -> None:
    with receiving() as receiver:
        key = Secret("env:KEY", tmp_path, {"KEY": "Bearer hunter2"})
        to = Notification("chat", webhook=receiver.url, headers={"Authorization": key})
        assert await send(settings, to, VALUES, seconds=20) == "answered 204"
    ((path, headers, content),) = receiver.requests
    assert (path, content, headers["Authorization"]) == ("/hook", VALUES, "Bearer hunter2")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (408, True), (404, False), (401, False), (302, False)]
)
async def test_what_may_help_is_tried_again_and_nothing_is_followed(
    settings: Settings, status: int, again: bool
) -> None:
    with receiving() as receiver:
        receiver.answers, receiver.headers = [status], {"Location": receiver.url, "Retry-After": "7"}
        fault = await tried(settings, Notification("chat", webhook=receiver.url))
    assert (fault.reason, fault.again, fault.wait) == (f"the webhook answers {status}", again, 7)
    assert len(receiver.requests) == 1


async def test_a_webhook_that_is_not_there_or_hangs_up(settings: Settings) -> None:
    with receiving() as receiver:
        to = Notification("chat", webhook=receiver.url)
        receiver.answers = [0]
        assert (await tried(settings, to)).again
    fault = await tried(settings, to)
    assert (fault.reason, fault.again) == ("the webhook cannot be reached (ConnectError)", True)


async def test_a_webhook_that_trickles_takes_no_longer_than_it_may(settings: Settings) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    before = time.monotonic()
    fault = await tried(settings, Notification("chat", webhook=f"http://127.0.0.1:{port}/"), seconds=1)
    assert time.monotonic() - before < 15
    assert fault.again
    server.close()
    await asyncio.sleep(0.2)


async def test_a_webhook_is_trusted_by_the_authority_that_is_named_and_by_no_other(
    settings: Settings, tmp_path: Path
) -> None:
    with receiving(server_context(tmp_path / "ca.pem")) as receiver:
        fault = await tried(settings, Notification("chat", webhook=receiver.url))
        assert "no certificate that can be trusted" in fault.reason
        assert not fault.again
        assert receiver.requests == []
        to = Notification("chat", webhook=receiver.url, ca_file=str(tmp_path / "ca.pem"))
        assert await send(settings, to, VALUES, seconds=20) == "answered 204"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook": Secret("env:HOOK", Path(), {"HOOK": "https://127.0.0.1:1/hunter2?key=hunter2"})},
        {"webhook": Secret("env:HOOK", Path(), {"HOOK": "hunter2"})},
        {"webhook": Secret("env:NONE", Path(), {})},
        {"webhook": "http://127.0.0.1:1/hunter2"},
        {"headers": {"A": Secret("env:KEY", Path(), {"KEY": "hunter2 ü"})}},
    ],
)
async def test_nothing_that_goes_wrong_shows_a_secret(settings: Settings, change: dict[str, Any]) -> None:
    with receiving() as receiver:
        fault = await tried(settings, replace(Notification("chat", webhook=receiver.url), **change))
    assert fault.reason
    assert "hunter2" not in f"{fault.reason} {fault.__cause__}"
