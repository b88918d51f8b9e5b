"""`coupler connection test` in a process of its own, against servers that are as they should be and that are not."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import trustme

from engine.config import Secret, load
from engine.runs.connection import State, Tried, try_connections, try_side
from sandbox.command import write_config
from sandbox.crm.schema import ENTITIES
from sandbox.crm.state import CrmState
from sandbox.demo import demo_seeds
from sandbox.front import Front
from sandbox.load import crm_state, nav_state
from sandbox.nav.state import NavState
from sandbox.serve import Sandbox, start_in_thread
from sandbox.tls import server_context
from tests.cli.conftest import Coupler

NAV_STEPS = ["address", "TLS", "authentication", "company CRONUS International Ltd."]
PAGES = [
    "General_Ledger_Setup",
    "Currency",
    "Salesperson_Purchaser",
    "Unit_of_Measure",
    "Customer",
    "Contact",
    "Resource",
    "Item",
]
TABLES = ["transactioncurrencies", "systemusers", "uomschedules", "accounts", "contacts", "products"]
BESIDE = ["uoms", "pricelevels", "productpricelevels"]


def states() -> tuple[NavState, CrmState]:
    seeds = demo_seeds(5)
    return nav_state(seeds), crm_state(seeds)


@contextmanager
def served(
    tmp_path: Path,
    front: Front = Front(),  # noqa: B008
    crm: CrmState | None = None,
    *,
    tls: bool = False,
) -> Iterator[Sandbox]:
    nav, own = states()
    authority = tmp_path / "config.ca.pem" if tls else None
    context = None if authority is None else server_context(authority)
    with start_in_thread(nav, crm or own, front=front, tls=context) as sandbox:
        write_config(tmp_path / "config.toml", sandbox, authority)
        yield sandbox


def tried(coupler: Coupler) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    """The exit code, and the steps by side and name; the last line must agree with them."""
    done = coupler("connection", "test", "--json")
    assert "Traceback" not in done.stderr
    *steps, result = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["type"] for one in steps} == {"step"}
    assert result == {
        "type": "result",
        "failed": sum(one["state"] == "failed" for one in steps),
        "not_tried": sum(one["state"] == "not tried" for one in steps),
        "exit": done.returncode,
    }
    for one in steps:
        assert bool(one["detail"]) == (one["state"] != "not tried")
        assert not one["hint"] or one["state"] == "failed"
    return done.returncode, {(one["side"], one["step"]): one for one in steps}


def change(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "config.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_each_step_of_both_sides_in_order_and_nothing_is_written(coupler: Coupler, tmp_path: Path) -> None:
    with served(tmp_path, Front(nav_way="basic", crm_way="entra")) as sandbox:
        before = {name: dict(table.rows) for name, table in sandbox.crm.tables.items()}
        code, steps = tried(coupler)
        assert {name: dict(table.rows) for name, table in sandbox.crm.tables.items()} == before
    assert code == 0
    assert list(steps) == [
        *(("NAV", name) for name in ["password", *NAV_STEPS, *(f"page {page}" for page in PAGES)]),
        *(("CRM", name) for name in ["client secret", "address", "TLS", "token of Entra", "authentication, WhoAmI"]),
        *(
            ("CRM", name)
            for name in ["version", "organization", "privileges", *(f"table {one}" for one in [*TABLES, *BESIDE])]
        ),
    ]
    assert {one["state"] for one in steps.values()} == {"ok"}
    assert steps["CRM", "table accounts"]["detail"] == (
        "may read, create, write; bulk: CreateMultiple UpdateMultiple UpsertMultiple"
    )
    assert steps["CRM", "table uomschedules"]["detail"] == "may read, create, write; bulk: none"
    assert steps["CRM", "table systemusers"]["detail"] == "may read, write; bulk: none"
    assert steps["NAV", "page Customer"]["detail"] == "may read, 5 records; writing cannot be asked"
    assert steps["NAV", "page Currency"]["detail"] == "may read, 10 records"
    assert sandbox.crm.user_id in steps["CRM", "authentication, WhoAmI"]["detail"]


@pytest.mark.parametrize("front", [Front(), Front(nav_way="basic", crm_way="entra")])
def test_what_the_sandbox_writes_for_https_leads_to_it(coupler: Coupler, tmp_path: Path, front: Front) -> None:
    with served(tmp_path, front, tls=True):
        code, steps = tried(coupler)
    assert code == 0
    assert {one["state"] for one in steps.values()} == {"ok"}


def test_for_people_it_is_lines_of_80_columns_with_what_to_do_below(coupler: Coupler, tmp_path: Path) -> None:
    crm = states()[1]
    crm.lacking |= {"prvCreateAccount", "prvWriteAccount"}
    with served(tmp_path, crm=crm):
        done = coupler("connection", "test")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "NAV  ok         token: found (file)"
    at = next(number for number, line in enumerate(lines) if "table accounts" in line)
    assert " ".join(line.strip() for line in lines[at : at + 4]) == (
        "CRM  failed     table accounts: may read; bulk: CreateMultiple UpdateMultiple UpsertMultiple; may not create, "
        "write Give the security role of this user create, write on the table, for the whole organization."
    )
    assert lines[at + 4].startswith("CRM  ok         table contacts")
    assert lines[-1].endswith("ok, 1 failed, 0 not tried")


def test_after_a_step_that_failed_the_others_of_that_side_are_not_tried(coupler: Coupler, tmp_path: Path) -> None:
    with served(tmp_path, Front(crm_way="entra")) as sandbox:
        change(tmp_path, "client_id = ", 'client_id = "someone-else" #')
        code, steps = tried(coupler)
    assert code == 3
    assert steps["CRM", "token of Entra"]["state"] == "failed"
    assert "AADSTS700016" in steps["CRM", "token of Entra"]["detail"]
    assert steps["CRM", "token of Entra"]["hint"].startswith("Check client_id and tenant")
    after = list(steps)[list(steps).index(("CRM", "token of Entra")) + 1 :]
    assert len(after) == 4 + len(TABLES) + len(BESIDE)
    assert {steps[one]["state"] for one in after} == {"not tried"}
    assert {one["state"] for (side, _), one in steps.items() if side == "NAV"} == {"ok"}
    assert sandbox.doors.entra.given == 0


def test_a_secret_that_is_not_there_is_a_matter_of_the_configuration(coupler: Coupler, tmp_path: Path) -> None:
    with served(tmp_path):
        (tmp_path / "config.token").unlink()
        code, steps = tried(coupler)
    assert code == 2
    assert steps["NAV", "token"]["state"] == steps["CRM", "token"]["state"] == "failed"
    assert steps["NAV", "address"]["state"] == "not tried"


def test_a_wrong_password_is_told_and_not_shown(coupler: Coupler, tmp_path: Path) -> None:
    with served(tmp_path, Front(nav_way="basic")):
        (tmp_path / "other").write_text("hunter2-hunter2")
        (tmp_path / "other").chmod(0o600)
        text = (tmp_path / "config.toml").read_text()
        (tmp_path / "config.toml").write_text(text.replace("file:config.token", "file:other", 1))
        code, steps = tried(coupler)
    assert code == 3
    assert steps["NAV", "authentication"]["state"] == "failed"
    assert "401 Authentication_InvalidCredentials" in steps["NAV", "authentication"]["detail"]
    assert "hunter2" not in str(steps)


def test_another_company_is_named_with_those_that_there_are(coupler: Coupler, tmp_path: Path) -> None:
    with served(tmp_path):
        change(tmp_path, "CRONUS International Ltd.", "Cronus")
        code, steps = tried(coupler)
    assert code == 3
    assert steps["NAV", "company Cronus"]["detail"] == ('NAV has no company "Cronus"; it has CRONUS International Ltd.')
    assert steps["NAV", "page Item"]["state"] == "not tried"


def test_a_page_that_is_not_published_and_a_table_that_is_not_there(coupler: Coupler, tmp_path: Path) -> None:
    with served(tmp_path):
        with (tmp_path / "config.toml").open("a") as file:
            file.write(
                '[mapping.EXTRA]\nnav = { entity = "Nowhere", number = "No", name = "Name" }\n'
                'crm = { entity = "new_nowheres", key = "new_nowhereid", name = "new_name" }\n'
                'fields = [{ nav = "Name", crm = "new_name" }]\n'
            )
        code, steps = tried(coupler)
    assert code == 1
    assert steps["NAV", "page Nowhere"]["hint"] == "Publish the page Nowhere as a web service of this name."
    assert steps["CRM", "table new_nowheres"]["detail"] == "there is no such table"
    assert steps["CRM", "table products"]["state"] == "ok"


def test_pages_and_tables_that_no_mapping_names_and_every_run_needs(
    coupler: Coupler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nav, crm = states()
    nav.pages = {name: page for name, page in nav.pages.items() if name != "General_Ledger_Setup"}
    monkeypatch.delitem(ENTITIES, "productpricelevels")
    with start_in_thread(nav, crm) as sandbox:
        write_config(tmp_path / "config.toml", sandbox)
        code, steps = tried(coupler)
    assert code == 1
    failed = {one: steps[one]["hint"] for one in steps if steps[one]["state"] == "failed"}
    assert failed == {
        ("NAV", "page General_Ledger_Setup"): "Publish the page General_Ledger_Setup as a web service of this name.",
        ("CRM", "table productpricelevels"): "Check the solution in CRM: a run needs this table.",
    }
    assert steps["CRM", "table pricelevels"]["detail"] == "may read; writing cannot be asked"


@pytest.mark.parametrize("name", ["127.0.0.1", "no-such-host.invalid"])
def test_nobody_there(coupler: Coupler, tmp_path: Path, name: str) -> None:
    with socket.socket() as closed, served(tmp_path) as sandbox:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        change(tmp_path, sandbox.crm_url, f"https://{name}:{port}/api/data/v9.2")
        code, steps = tried(coupler)
    assert code == 3
    assert steps["CRM", "address"]["state"] == "failed"
    assert name in steps["CRM", "address"]["detail"]
    assert steps["CRM", "TLS"]["state"] == "not tried"


@pytest.mark.parametrize("certified", [True, False])
def test_a_server_that_is_not_trusted_or_speaks_no_tls(coupler: Coupler, tmp_path: Path, *, certified: bool) -> None:
    with listening(certified=certified) as port, served(tmp_path) as sandbox:
        change(tmp_path, sandbox.crm_url, f"https://localhost:{port}/api/data/v9.2")
        code, steps = tried(coupler)
    assert code == 3
    assert steps["CRM", "address"]["state"] == "ok"
    assert steps["CRM", "TLS"]["state"] == "failed"
    assert ("certificate" if certified else "does not speak TLS") in steps["CRM", "TLS"]["detail"]
    assert ("ca_file" if certified else "port") in steps["CRM", "TLS"]["hint"]


@contextmanager
def listening(*, certified: bool) -> Iterator[int]:
    """A port where somebody with a certificate of an unknown authority answers, or somebody who does not know TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                connection.settimeout(5)
                if certified:
                    context.wrap_socket(connection, server_side=True)
                elif connection.recv(5):
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            except OSError:
                pass
            connection.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(("side", "other"), [("nav", "crm"), ("crm", "nav")])
def test_one_side_is_tried_by_the_same_steps_also_while_the_other_is_not_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: Literal["nav", "crm"], other: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    async def every(steps: AsyncIterator[Tried]) -> list[Tried]:
        return [one async for one in steps]

    with served(tmp_path):
        settings = load(tmp_path / "config.toml")
        both = asyncio.run(every(try_connections(settings)))
        part = replace(getattr(settings, other), url="", secret=Secret("", tmp_path))
        one = asyncio.run(every(try_side(replace(settings, **{other: part}), side)))
    assert one == [each for each in both if each.side == side.upper()]
    assert {each.state for each in one} == {State.OK}
