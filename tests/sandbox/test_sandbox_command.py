"""`coupler sandbox` starts both servers, says where they are, and ends when told to."""

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.crm.state import CrmState
from sandbox.demo import demo_seeds
from sandbox.load import nav_state
from sandbox.serve import start_in_thread

START = [
    sys.executable,
    "-W",
    "error",
    "-c",
    "from sandbox.command import sandbox_command; sandbox_command()",
    "--demo-size",
    "5",
]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
Process = subprocess.Popen[str]


@contextmanager
def started(*options: str, cwd: Path | None = None) -> Iterator[tuple[Process, dict[str, Any]]]:
    process = subprocess.Popen([*START, *options], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=cwd)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def refused(*options: str) -> str:
    done = subprocess.run([*START, *options], capture_output=True, text=True, env=ENVIRONMENT, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_json_line_says_where_the_servers_are_and_a_signal_ends_them(number: signal.Signals) -> None:
    with started() as (process, ready):
        assert set(ready) == {"nav", "crm", "token", "config"}
        assert ready["config"] is None
        headers = {"Authorization": f"Bearer {ready['token']}"}
        with httpx.Client(headers=headers, trust_env=False) as client:
            customers = client.get(f"{ready['nav']}/Company('CRONUS%20International%20Ltd.')/Customer").json()["value"]
            assert len(customers) == 5
            assert client.get(f"{ready['crm']}/WhoAmI").status_code == 200
            process.send_signal(number)
            assert process.wait(timeout=5) == 0


def test_each_start_has_a_token_of_its_own_unless_a_file_has_one(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("chosen-token\n")
    with started() as (_, first), started("--token-file", str(file)) as (_, second):
        assert len(first["token"]) >= 32
        assert second["token"] == "chosen-token"
    file.write_text("")
    assert str(file) in refused("--token-file", str(file))


def test_the_config_leads_to_the_servers_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").touch(mode=0o644)
    with started("--write-config", "demo.toml", "--company", 'Smith "&" Søn', "--instance", "NAV", cwd=tmp_path) as (
        _,
        ready,
    ):
        config = tomllib.loads((tmp_path / "demo.toml").read_text())
        assert config == {
            "environment": "sandbox",
            "nav": {
                "url": ready["nav"], "company": 'Smith "&" Søn', "secret": "file:demo.token", "marker_field": "CRM_Id",
                "settle_wait": 5,
            },
            "crm": {"url": ready["crm"], "secret": "file:demo.token", "settle_wait": 5},
            "store": {"url": "sqlite:///demo.db"},
        }  # fmt: skip
        assert ready["config"] == "demo.toml"
        assert ready["nav"].endswith("/NAV/ODataV4")
        assert (tmp_path / "demo.token").read_text().strip() == ready["token"]
        for name in ("demo.toml", "demo.token"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_nav_answers_to_the_names_that_it_is_given_and_to_no_others() -> None:
    with started("--nav-host", "api.example") as (_, ready):
        for host, status in (("api.example", 200), ("evil.example", 400)):
            headers = {"Authorization": f"Bearer {ready['token']}", "Host": host}
            assert httpx.get(f"{ready['nav']}/Company", headers=headers, trust_env=False).status_code == status


def test_an_older_nav_is_served_and_named_in_the_config(tmp_path: Path) -> None:
    with started("--nav-version", "2016", "--write-config", "old.toml", cwd=tmp_path) as (_, ready):
        assert tomllib.loads((tmp_path / "old.toml").read_text())["nav"]["version"] == "2016"
        headers = {"Authorization": f"Bearer {ready['token']}"}
        assert "SystemId" not in httpx.get(f"{ready['nav']}/$metadata", headers=headers, trust_env=False).text


def test_ports_are_those_asked_for_and_a_taken_one_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port}: Address already in use" in refused("--crm-port", port)


def test_faulty_data_is_named_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "nav").mkdir()
    (tmp_path / "nav" / "General_Ledger_Setup.csv").write_text("LCY_Code,Extra\nEUR,x\n")
    assert "nav/General_Ledger_Setup.csv line 2, column Extra" in refused("--data", str(tmp_path))


def test_the_audit_log_numbers_the_writes_of_both_servers(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    with started("--audit", str(log)) as (_, ready):
        assert log.read_text() == "", "what a start puts in is no write"
        with httpx.Client(headers={"Authorization": f"Bearer {ready['token']}"}, trust_env=False) as client:
            item = client.post(
                f"{ready['nav']}/Company('CRONUS%20International%20Ltd.')/Item", json={"No": "x1"}
            ).json()
            client.post(f"{ready['crm']}/accounts", json={"name": "Zoé"})
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["n"], line["side"], line["op"], line["set"]) for line in lines] == [
        (1, "nav", "create", "Item"),
        (2, "crm", "create", "accounts"),
    ]
    assert lines[0]["key"] == item["SystemId"]
    assert lines[0]["values"] == {"No": "X1"}


def test_a_program_without_an_event_loop_runs_them_in_a_thread() -> None:
    with start_in_thread(nav_state(demo_seeds(3)), CrmState.build()) as sandbox:
        url = f"{sandbox.nav_url}/Company"
        assert httpx.get(url, headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_tls_is_by_an_authority_that_is_made_for_the_start(tmp_path: Path) -> None:
    with started("--tls") as (process, ready):
        trust = ssl.create_default_context(cafile=ready["ca"])
        with httpx.Client(
            headers={"Authorization": f"Bearer {ready['token']}"}, verify=trust, trust_env=False
        ) as client:
            assert ready["nav"].startswith("https://127.0.0.1:")
            assert client.get(f"{ready['nav']}/Company").status_code == 200
            one = client.get(f"{ready['crm']}/accounts?$select=name", headers={"Prefer": "odata.maxpagesize=1"}).json()
            assert one["@odata.nextLink"].startswith(ready["crm"])
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{ready['crm']}/WhoAmI", trust_env=False)
        process.terminate()
        assert process.wait(timeout=5) == 0
    assert not Path(ready["ca"]).exists()
    with started("--tls", "--write-config", "demo.toml", cwd=tmp_path) as (_, ready):
        assert ready["ca"] == "demo.ca.pem"
        config = tomllib.loads((tmp_path / "demo.toml").read_text())
        assert config["crm"]["url"] == ready["crm"]
        assert config["nav"]["ca_file"] == config["crm"]["ca_file"] == "demo.ca.pem"
        assert (tmp_path / "demo.ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_tls_without_its_package_says_which_one_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trustme.py").write_text("raise ImportError")
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{tmp_path}{os.pathsep}{ENVIRONMENT['PYTHONPATH']}")
    assert "--tls needs the package trustme: pip install 'coupler[tls]'" in refused("--tls")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--nav-auth", "basic"], {"auth": "basic", "user": "sandbox"}),
        (["--nav-auth", "ntlm"], {"auth": "ntlm", "user": "SANDBOX\\sandbox"}),
    ],
)
def test_the_config_says_how_to_sign_in(tmp_path: Path, options: list[str], expected: dict[str, str]) -> None:
    with started("--write-config", "demo.toml", *options, cwd=tmp_path) as (_, ready):
        nav = tomllib.loads((tmp_path / "demo.toml").read_text())["nav"]
        assert {name: nav[name] for name in expected} == expected
        headers = {"Authorization": f"Bearer {ready['token']}"}
        assert httpx.get(f"{ready['nav']}/Company", headers=headers, trust_env=False).status_code == 401


def test_tokens_of_entra_are_to_be_had_where_the_first_line_says(tmp_path: Path) -> None:
    with started("--crm-auth", "entra", "--token-lifetime", "77", "--write-config", "demo.toml", cwd=tmp_path) as (
        _,
        ready,
    ):
        crm = tomllib.loads((tmp_path / "demo.toml").read_text())["crm"]
        assert (crm["client_id"], crm["token_url"]) == (ready["client_id"], ready["token_url"])
        form = {
            "grant_type": "client_credentials",
            "client_id": ready["client_id"],
            "client_secret": ready["token"],
            "scope": ready["crm"].removesuffix("/api/data/v9.2") + "/.default",
        }
        with httpx.Client(trust_env=False) as client:
            given = client.post(ready["token_url"], data=form).json()
            assert given["expires_in"] == 77
            headers = {"Authorization": f"Bearer {given['access_token']}"}
            assert client.get(f"{ready['crm']}/WhoAmI", headers=headers).status_code == 200


def test_limits_and_latency_are_as_asked_for() -> None:
    with (
        started("--limits", "dataverse", "--limits-scale", "600", "--latency", "30ms,1ms") as (_, ready),
        httpx.Client(headers={"Authorization": f"Bearer {ready['token']}"}, trust_env=False) as client,
    ):
        answers = [client.get(f"{ready['crm']}/WhoAmI") for _ in range(13)]
        left = [one.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] for one in answers[:3]]
        assert left == ["9", "8", "7"], "6,000 by 600"
        assert answers[0].elapsed.total_seconds() >= 0.03
        assert 429 in {one.status_code for one in answers}
        nav = client.get(f"{ready['nav']}/Company")
        assert "x-ms-ratelimit-burst-remaining-xrm-requests" not in nav.headers


@pytest.mark.parametrize("text", ["fast", "20", "1ms,2ms,3ms", "-1ms", "20ms;1ms"])
def test_a_latency_that_is_none_is_refused(text: str) -> None:
    assert "20ms,0.4ms" in refused("--latency", text)


def test_a_signal_ends_the_faults_and_says_how_often_each_happened() -> None:
    with started("--faults", "html-before:1,late:0", "--fault-seed", "7") as (process, ready):
        headers = {"Authorization": f"Bearer {ready['token']}"}
        with httpx.Client(headers=headers, trust_env=False) as client:
            assert client.get(f"{ready['crm']}/WhoAmI").status_code >= 400
            process.send_signal(signal.SIGUSR1)
            assert process.stdout is not None
            assert json.loads(process.stdout.readline()) == {"faults": {"html-before": 1, "late": 0}}
            assert client.get(f"{ready['crm']}/WhoAmI").status_code == 200


def test_a_fault_that_is_unknown_is_refused_with_those_that_are_known() -> None:
    assert "there is no fault 'latte'; there are reset-before" in " ".join(refused("--faults", "latte").split())
