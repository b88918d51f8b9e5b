"""How we sign in: against the sandbox as Entra, as a server with NTLM, and as one that takes passwords."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from engine.connectors.auth import EntraApp, OriginAuth, Pass, SignInUnavailable, WindowsUser
from engine.connectors.client import Limits, ODataClient
from engine.connectors.dataverse import Dataverse
from engine.connectors.entra import by_client_credentials
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.connectors.ntlm import NtlmTransport
from engine.connectors.protocol import Query, Status, Write, WriteKind
from engine.connectors.urls import service_root
from engine.model.errors import AccessDenied, ConfigError, ConnectionLost
from sandbox.crm.state import CrmState
from sandbox.entra import CLIENT_ID
from sandbox.front import Front
from sandbox.load import Seeds, nav_state
from sandbox.serve import Sandbox, running
from sandbox.signin import Windows
from sandbox.throttle import Latency
from tests.connectors.conftest import COMPANY, Time
from tests.connectors.scripted import Reply, Seen, Server, drip, json_reply, reply, serving, silence

ROOT = service_root("https://org.example/api/data/v9.2")
ROWS = {"Customer": [{"No": f"C{n}", "Name": f"Customer {n}"} for n in range(40)]}
CUSTOMERS = Query("Customer", "SystemId", ("SystemId", "No"))


@asynccontextmanager
async def served(**front: object) -> AsyncIterator[Sandbox]:
    async with running(nav_state(Seeds(ROWS, {})), CrmState.build(), front=Front(**front)) as sandbox:  # type: ignore[arg-type]
        yield sandbox


@asynccontextmanager
async def crm_of(sandbox: Sandbox, secret: EntraApp | str, **more: object) -> AsyncIterator[Dataverse]:
    one = Dataverse(sandbox.crm_url, secret, **more)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        await one.close()


@asynccontextmanager
async def nav_of(sandbox: Sandbox, secret: WindowsUser | EntraApp | str, **more: object) -> AsyncIterator[NavPages]:
    one = NavPages(sandbox.nav_url, secret, COMPANY, **more)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        await one.close()


def app_for(sandbox: Sandbox, url: str) -> EntraApp:
    origin = str(httpx.URL(url).copy_with(raw_path=b"/")).rstrip("/")
    return EntraApp(sandbox.doors.token_url, CLIENT_ID, f"{origin}/.default", lambda: sandbox.token)


def rows(*names: str) -> list[Write]:
    return [Write(name, WriteKind.CREATE, "accounts", None, {"name": name}) for name in names]


# --- tokens: when they are fetched


class Fetching:
    """Gives passes that are good for `seconds`, slowly, and counts."""

    def __init__(self, seconds: float = 3600.0) -> None:
        self.seconds = seconds
        self.count = 0
        self.fails = False

    async def __call__(self) -> Pass:
        await asyncio.sleep(0.01)
        if self.fails:
            raise SignInUnavailable("no token")
        self.count += 1
        return Pass(f"Bearer {self.count}", self.seconds)


async def test_many_requests_at_once_fetch_one_token(time: Time) -> None:
    fetch = Fetching()
    auth = OriginAuth(ROOT, fetch, time.clock)
    assert set(await asyncio.gather(*(auth.ready() for _ in range(30)))) == {"Bearer 1"}
    assert fetch.count == 1


@pytest.mark.parametrize(("seconds", "due"), [(3600.0, 3300.0), (400.0, 200.0)])
async def test_a_token_is_replaced_before_its_end(time: Time, seconds: float, due: float) -> None:
    fetch = Fetching(seconds)
    auth = OriginAuth(ROOT, fetch, time.clock)
    await auth.ready()
    time.now += due - 1
    assert await auth.ready() == "Bearer 1"
    time.now += 1
    assert set(await asyncio.gather(auth.ready(), auth.ready())) == {"Bearer 2"}


async def test_a_token_is_used_to_its_end_while_no_new_one_is_to_be_had(time: Time) -> None:
    fetch = Fetching(3600)
    auth = OriginAuth(ROOT, fetch, time.clock)
    await auth.ready()
    fetch.fails = True
    time.now += 3400
    assert await auth.ready() == "Bearer 1"
    time.now += 200
    with pytest.raises(SignInUnavailable):
        await auth.ready()
    fetch.fails = False
    assert await auth.ready() == "Bearer 2"


async def test_a_token_that_is_refused_is_fetched_anew_once_for_all_who_used_it(time: Time) -> None:
    fetch = Fetching()
    auth = OriginAuth(ROOT, fetch, time.clock)

    async def refused() -> str:
        request = await anext(auth.async_auth_flow(httpx.Request("GET", "https://org.example/x")))
        assert await auth.renewed(request)
        return await auth.ready()

    assert set(await asyncio.gather(*(refused() for _ in range(20)))) == {"Bearer 2"}
    assert fetch.count == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_repeat_with_a_new_token_waits_for_the_end_of_a_pause(server: Server, time: Time, method: str) -> None:
    """The other request of the host is put off while the new token is fetched."""
    tokens = iter(("old", "new"))
    arrived: list[tuple[str, float]] = []
    client = ODataClient("CRM", server.url, lambda: next(tokens), gate=time.make_gate())

    def answer(seen: Seen) -> Reply:
        token = seen.headers["authorization"].removeprefix("Bearer ")
        arrived.append((token, time.now))
        if token == "old":
            client.gate.throttled("429", 30, 1)
            return reply(401)
        return json_reply({"value": []})

    server.answer = answer
    if method == "GET":
        assert await client.read("a") == {"value": []}
    else:
        assert (await client.write("a", b"{}", {})).status == 200
    await client.close()
    (_, refused), (token, repeated) = arrived
    assert (token, repeated - refused >= 30) == ("new", True)


async def test_a_token_that_is_refused_is_asked_for_again_and_not_shown_twice(server: Server, time: Time) -> None:
    server.say(reply(401))
    asked = iter(("same-token", "same-token"))
    client = ODataClient("CRM", server.url, lambda: next(asked), gate=time.make_gate())
    with pytest.raises(AccessDenied):
        await client.read("a")
    await client.close()
    assert (list(asked), len(server.seen)) == ([], 1)


async def test_a_new_token_that_is_refused_too_ends_the_request(server: Server, time: Time) -> None:
    server.say(reply(401))
    tokens = iter(("token-1", "token-2", "token-3"))
    client = ODataClient("CRM", server.url, lambda: next(tokens), gate=time.make_gate())
    with pytest.raises(AccessDenied):
        await client.read("a")
    await client.close()
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer token-1", "Bearer token-2"]


# --- Entra


async def test_both_sides_sign_in_with_client_credentials_and_one_token_each() -> None:
    async with (
        served(nav_way="entra", crm_way="entra") as sandbox,
        crm_of(sandbox, app_for(sandbox, sandbox.crm_url)) as crm,
        nav_of(sandbox, app_for(sandbox, sandbox.nav_url)) as nav,
    ):
        assert [step.ok for step in (*await crm.probe(), *await nav.probe())] == [True] * 4
        await asyncio.gather(*(crm.count("accounts", ()) for _ in range(20)))
        assert (await nav.count("Customer", ())).number == 40
        assert sandbox.doors.entra.given == 2


async def test_a_token_that_ended_early_is_fetched_anew_and_no_write_is_lost_or_done_twice() -> None:
    async with served(crm_way="entra") as sandbox, crm_of(sandbox, app_for(sandbox, sandbox.crm_url), batch=1) as crm:
        await crm.probe()
        sandbox.doors.entra.forget()
        results = await crm.write(rows(*(f"A{n}" for n in range(12))))
        assert {one.status for one in results.values()} == {Status.DONE}
        assert sorted(row["name"] for row in sandbox.crm.tables["accounts"].rows.values()) == sorted(
            f"A{n}" for n in range(12)
        )
        assert sandbox.doors.entra.given == 2


async def test_a_token_of_seconds_is_replaced_while_requests_go_on() -> None:
    async with (
        served(crm_way="entra", lifetime=1) as sandbox,
        crm_of(sandbox, app_for(sandbox, sandbox.crm_url)) as crm,
    ):
        for _ in range(8):
            assert (await crm.count("accounts", ())).number == 0
            await asyncio.sleep(0.2)
        assert 3 <= sandbox.doors.entra.given <= 5


@pytest.mark.parametrize(
    ("change", "code", "hint"),
    [
        ({"secret": "wrong"}, "AADSTS7000215", "Use the value of the client secret, not its id."),
        ({"client_id": "someone"}, "AADSTS700016", "Check client_id and tenant"),
        ({"scope": "https://other.example/.default"}, "AADSTS500011", "Check scope"),
        ({"scope": "https://other.example/x"}, "AADSTS1002012", "it must end with /.default"),
    ],
)
async def test_what_entra_refuses_says_its_code_and_what_to_do(change: dict[str, str], code: str, hint: str) -> None:
    async with served(crm_way="entra") as sandbox:
        app = replace(app_for(sandbox, sandbox.crm_url), **change)
        async with crm_of(sandbox, app) as crm:
            with pytest.raises(AccessDenied) as caught:
                await crm.count("accounts", ())
        assert code in caught.value.message
        assert hint in caught.value.hint
        assert "Trace ID" not in caught.value.message
        assert sandbox.token not in caught.value.message
        assert "wrong" not in caught.value.message


async def test_a_tenant_that_does_not_exist_is_named() -> None:
    async with served(crm_way="entra") as sandbox:
        good = app_for(sandbox, sandbox.crm_url)
        app = replace(good, token_url=good.token_url.replace("sandbox.onmicrosoft.com", "elsewhere.example"))
        async with crm_of(sandbox, app) as crm:
            with pytest.raises(AccessDenied, match="AADSTS90002") as caught:
                await crm.count("accounts", ())
        assert "Check tenant" in caught.value.hint


async def test_a_token_for_one_service_is_none_for_another() -> None:
    async with (
        served(nav_way="entra", crm_way="entra") as sandbox,
        nav_of(sandbox, app_for(sandbox, sandbox.crm_url)) as nav,
    ):
        with pytest.raises(AccessDenied):
            await nav.count("Customer", ())


async def test_without_a_token_endpoint_a_write_waits_and_is_not_in_doubt(time: Time) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/t/oauth2/v2.0/token"
        async with served(crm_way="entra") as sandbox:
            app = replace(app_for(sandbox, sandbox.crm_url), token_url=url)
            async with crm_of(sandbox, app, gate=time.make_gate(), limits=Limits(patience=5)) as crm:
                with pytest.raises(ConnectionLost, match="no token") as caught:
                    await crm.write(rows("A"))
            assert "cannot be reached" in caught.value.message
            assert len(time.slept) >= 3
            assert sandbox.crm.tables["accounts"].rows == {}


PASSING: list[Reply] = [
    reply(503, b"<html>"),
    json_reply({"error": "temporarily_unavailable"}, 400),
    json_reply({"error": "x"}, 429),
    json_reply({"token_type": "Bearer"}),
    json_reply({"access_token": "t", "expires_in": True}),
    json_reply({"access_token": "t", "expires_in": -1}),
    json_reply([1]),
    reply(200, b"[" * 100_000),
    reply(302, b"", {"Location": "https://elsewhere.example/"}),
    reply(200, b"{}" + b" " * 300_000),
]


@pytest.mark.parametrize("said", PASSING)
async def test_what_a_token_endpoint_says_when_it_is_busy_or_broken_may_pass(server: Server, said: Reply) -> None:
    server.say(said)
    with pytest.raises(SignInUnavailable):
        await by_client_credentials(EntraApp(server.url, "id", "s/.default", "app-value"))()
    assert len(server.seen) == 1, "neither repeated here nor followed elsewhere"


@pytest.mark.parametrize("content", [{"error": {"code": "NotFound"}}, {"error": ["x"]}, {}, ["x"]])
async def test_another_service_at_the_address_of_the_token_endpoint_is_told_from_it(
    server: Server, content: Any
) -> None:
    server.say(json_reply(content, 404))
    with pytest.raises(AccessDenied, match="is no token endpoint: it answers 404") as caught:
        await by_client_credentials(EntraApp(server.url, "id", "s/.default", "secret"))()
    assert caught.value.hint == "Check token_url."


async def test_older_token_endpoints_say_their_seconds_as_text(server: Server) -> None:
    server.say(json_reply({"access_token": "t", "expires_in": "3599"}))
    assert await by_client_credentials(EntraApp(server.url, "id", "s/.default", "app-value"))() == Pass(
        "Bearer t", 3599.0
    )
    (seen,) = server.seen
    assert seen.body == b"grant_type=client_credentials&client_id=id&client_secret=app-value&scope=s%2F.default"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"


def test_the_client_secret_goes_to_no_address_without_tls() -> None:
    with pytest.raises(ConfigError, match="not encrypted"):
        by_client_credentials(EntraApp("http://login.example/t/oauth2/v2.0/token", "id", "s/.default", "app-value"))


async def test_a_token_endpoint_that_cannot_be_trusted_is_said_at_once(tmp_path: Path, time: Time) -> None:
    mine, other = trustme.CA(), trustme.CA()
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mine.issue_cert("localhost").configure_cert(context)
    async with serving(context) as endpoint, served(crm_way="entra") as sandbox:
        app = replace(app_for(sandbox, sandbox.crm_url), token_url=f"{endpoint.url}/token")
        async with crm_of(sandbox, app, gate=time.make_gate(), ca_file=str(tmp_path / "other.pem")) as crm:
            with pytest.raises(ConnectionLost, match="certificate") as caught:
                await crm.count("accounts", ())
    assert "/token" in caught.value.message
    assert "ca_file" in caught.value.hint
    assert endpoint.seen == [], "the client secret was not sent"
    assert time.slept == [], "waiting does not help"


async def test_an_expired_certificate_of_a_token_endpoint_is_said_to_be_expired(tmp_path: Path) -> None:
    mine = trustme.CA()
    mine.cert_pem.write_to_path(tmp_path / "own.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    first = datetime(2001, 1, 1, tzinfo=UTC)
    mine.issue_cert("localhost", not_before=first, not_after=first + timedelta(1)).configure_cert(context)
    async with serving(context) as endpoint:
        fetch = by_client_credentials(EntraApp(endpoint.url, "id", "s/.default", "secret"), str(tmp_path / "own.pem"))
        with pytest.raises(ConnectionLost, match="certificate") as caught:
            await fetch()
    assert caught.value.hint.startswith("It has expired")


async def test_a_token_that_trickles_in_is_not_waited_for_for_ever(server: Server) -> None:
    server.say(drip)
    async with asyncio.timeout(20):
        with pytest.raises(SignInUnavailable, match=r"no whole answer within 0\.5 s"):
            await by_client_credentials(EntraApp(server.url, "id", "s/.default", "secret"), longest=0.5)()


# --- Basic


async def test_a_user_signs_in_with_a_web_service_access_key() -> None:
    async with served(nav_way="basic") as sandbox:
        async with nav_of(sandbox, sandbox.token, user="sandbox") as nav:
            assert (await nav.count("Customer", ())).number == 40
        for user, key in (("sandbox", "wrong"), ("other", sandbox.token)):
            async with nav_of(sandbox, key, user=user) as nav:
                with pytest.raises(AccessDenied, match="Authentication_InvalidCredentials"):
                    await nav.count("Customer", ())


# --- NTLM

Password = Callable[[], str]


def windows(sandbox: Sandbox) -> Windows:
    way = sandbox.doors.nav.way
    assert isinstance(way, Windows)
    return way


@pytest.fixture
def ntlm() -> None:
    pytest.importorskip("httpx_ntlm", reason="httpx-ntlm is not installed: NTLM is NOT tested")


@pytest.mark.usefixtures("ntlm")
async def test_ntlm_signs_each_connection_in_once_and_answers_never_cross() -> None:
    """The sandbox checks the NTLMv2 proof with code of its own, so that this is more than a client that agrees with
    itself.
    """
    async with served(nav_way="ntlm", latency=Latency(0.02)) as sandbox:
        user = WindowsUser("SANDBOX\\sandbox", lambda: sandbox.token)
        async with nav_of(sandbox, user, gate=Gate("NAV", 5)) as nav:
            counts = await asyncio.gather(*(nav.count("Customer", ()) for _ in range(60)))
            assert {one.number for one in counts} == {40}
            made = await nav.write(
                [Write(f"N{n}", WriteKind.CREATE, "Customer", None, {"Name": f"N{n}"}) for n in range(150)]
            )
            assert {one.status for one in made.values()} == {Status.DONE}
            assert [len(page) async for page in nav.pages(CUSTOMERS)] == [190]
        assert 2 <= windows(sandbox).handshakes <= 5, "one for each connection, and several at once"


@pytest.mark.usefixtures("ntlm")
async def test_ntlm_signs_in_with_each_request_where_the_server_wants_it() -> None:
    async with served(nav_way="ntlm", ntlm_each=True) as sandbox:
        async with nav_of(sandbox, WindowsUser("SANDBOX\\sandbox", sandbox.token)) as nav:
            await asyncio.gather(*(nav.count("Customer", ()) for _ in range(12)))
        assert windows(sandbox).handshakes == 12


@pytest.mark.usefixtures("ntlm")
@pytest.mark.parametrize(
    ("name", "right"), [("SANDBOX\\sandbox", False), ("SANDBOX\\other", True), ("OTHER\\sandbox", True)]
)
async def test_ntlm_with_a_wrong_user_domain_or_password_is_refused(name: str, *, right: bool) -> None:
    async with served(nav_way="ntlm") as sandbox:
        async with nav_of(sandbox, WindowsUser(name, sandbox.token if right else "wrong")) as nav:
            with pytest.raises(AccessDenied, match="401"):
                await nav.count("Customer", ())
        assert windows(sandbox).handshakes == 0


@pytest.mark.usefixtures("ntlm")
@pytest.mark.parametrize("challenge", [b"NTLM", b"NTLM !!", b"NTLM TlRMTVNTUAACAAAA", b"Negotiate"])
async def test_a_handshake_that_makes_no_sense_is_said_and_no_write_is_in_doubt(
    server: Server, time: Time, challenge: bytes
) -> None:
    server.say(reply(401, b"", {"WWW-Authenticate": "NTLM"}), reply(401, b"", {"WWW-Authenticate": challenge.decode()}))
    nav = NavPages(server.url, WindowsUser("D\\u", "p"), COMPANY, gate=time.make_gate(), limits=Limits(patience=2))
    with pytest.raises(ConnectionLost, match="NTLM handshake"):
        await nav.write([Write("a", WriteKind.CREATE, "Customer", None, {"Name": "a"})])
    await nav.close()


@pytest.mark.usefixtures("ntlm")
async def test_a_service_that_never_asks_for_ntlm_is_answered_like_any_other(server: Server, time: Time) -> None:
    server.say(json_reply({"value": []}))
    nav = NavPages(server.url, WindowsUser("D\\u", "p"), COMPANY, gate=time.make_gate())
    assert [page async for page in nav.pages(CUSTOMERS)] == []
    assert "authorization" not in server.seen[0].headers
    await nav.close()


@pytest.mark.usefixtures("ntlm")
async def test_closing_ends_requests_that_are_under_way() -> None:
    async with serving() as server:
        server.say(silence)
        connect = partial(httpx.AsyncHTTPTransport, trust_env=False)
        http = httpx.AsyncClient(transport=NtlmTransport(WindowsUser("D\\u", "p"), connect), trust_env=False)
        requests = [asyncio.create_task(http.get(server.url)) for _ in range(3)]
        async with asyncio.timeout(5):
            while server.open_now < 3:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)
        await http.aclose()
        ends = await asyncio.gather(*requests, return_exceptions=True)
        assert [type(end) for end in ends] == [httpx.ReadError] * 3, "they are not waited for"


def test_without_the_package_ntlm_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "httpx_ntlm", None)
    with pytest.raises(ConfigError, match="httpx-ntlm") as caught:
        NavPages("https://nav.example/ODataV4", WindowsUser("D\\u", "p"), COMPANY)
    assert "pip install" in caught.value.hint
