"""What a server, or something between, repeats of what we signed in with goes no further than the connector."""

from base64 import b64encode
from urllib.parse import quote_plus

import pytest

from engine.connectors.auth import EntraApp, WindowsUser
from engine.connectors.client import Limits, ODataClient, Unanswered
from engine.connectors.entra import by_client_credentials
from engine.connectors.protocol import Status, Write, WriteKind
from engine.connectors.verdicts import fault
from engine.model import masking
from engine.model.errors import AccessDenied, ConnectionLost
from tests.connectors.conftest import TOKEN, Make, Time
from tests.connectors.scripted import Reply, Seen, Server, error, json_reply, reply

PASSWORD = "pass/word & more"
ENTRA_TOKEN = "eyJhbGciOi.token-of-entra"
ROW = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(autouse=True)
def _(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests had concealed hides nothing here, and what is concealed here nothing there."""
    monkeypatch.setattr(masking, "_secrets", set())


def echoing(seen: Seen) -> Reply:
    """A 403 that repeats what it was sent, in its code and, around where long messages are cut, in its message."""
    header = seen.headers.get("authorization", "")
    return error(403, header, f"not allowed: Authorization: {header}. " + "x" * 1940 + f" {header}")


def no_part_of(secret: str, text: str) -> bool:
    return not any(secret[start : start + 6] in text for start in range(len(secret) - 5))


@pytest.mark.parametrize(
    ("user", "secret", "sent"),
    [("", TOKEN, TOKEN), ("sandbox", PASSWORD, b64encode(f"sandbox:{PASSWORD}".encode()).decode())],
)
async def test_an_answer_that_repeats_the_header_is_told_without_it(
    server: Server, time: Time, user: str, secret: str, sent: str
) -> None:
    server.answer = echoing
    client = ODataClient("NAV", server.url, secret, gate=time.make_gate(), user=user)
    with pytest.raises(AccessDenied, match=r"not allowed: Authorization: \w+ \*\*\*") as caught:
        await client.read("a")
    answer = await client.write("a", b"{}", {})
    await client.close()
    assert sent in server.seen[0].headers["authorization"]
    for text in (caught.value.message, str(caught.value), answer.fault.code, answer.fault.message):
        assert no_part_of(sent, text)


async def test_a_token_of_entra_is_hidden_from_when_it_was_given(server: Server, time: Time) -> None:
    def answer(seen: Seen) -> Reply:
        given = json_reply({"access_token": ENTRA_TOKEN, "expires_in": 3600})
        return given if seen.method == "POST" else echoing(seen)

    server.answer = answer
    app = EntraApp(f"{server.url}/token", "id", "s/.default", PASSWORD)
    client = ODataClient("CRM", server.url, app, gate=time.make_gate())
    with pytest.raises(AccessDenied) as caught:
        await client.read("a")
    await client.close()
    assert ENTRA_TOKEN in server.seen[-1].headers["authorization"]
    assert no_part_of(ENTRA_TOKEN, caught.value.message)


@pytest.mark.parametrize("said", [PASSWORD, quote_plus(PASSWORD), "x" * 190 + PASSWORD])
async def test_a_token_endpoint_that_repeats_the_client_secret(server: Server, said: str) -> None:
    server.say(json_reply({"error": "invalid_client", "error_description": f"AADSTS7000215: {said}"}, 401))
    with pytest.raises(AccessDenied, match="AADSTS7000215") as caught:
        await by_client_credentials(EntraApp(server.url, "id", "s/.default", PASSWORD))()
    assert no_part_of(PASSWORD, caught.value.message)
    assert no_part_of(quote_plus(PASSWORD), caught.value.message)


async def test_a_handshake_of_ntlm_that_is_repeated(server: Server, time: Time) -> None:
    pytest.importorskip("httpx_ntlm", reason="httpx-ntlm is not installed: NTLM is NOT tested")
    first = "TlRMTVNTUAABAAAAMZCI4gAAAAAoAAAAAAAAACgAAAAGAbEdAAAADw=="
    server.say(error(403, "x", f"not allowed: Authorization: NTLM {first}"))
    client = ODataClient("NAV", server.url, WindowsUser("D\\u", PASSWORD), gate=time.make_gate())
    with pytest.raises(AccessDenied, match=r"Authorization: NTLM \*\*\*$"):
        await client.read("a")
    await client.close()


async def test_what_cannot_be_read_is_quoted_without_the_secret(server: Server, time: Time) -> None:
    client = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate(), limits=Limits(patience=1))
    for said in (
        f"HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n".encode(),
        reply(200, b"{}", {"Content-Encoding": "x" * 35 + TOKEN}),
    ):
        server.say(said)
        with pytest.raises(ConnectionLost) as lost:
            await client.read("a")
        with pytest.raises(Unanswered) as unanswered:
            await client.write("a", b"{}", {})
        assert no_part_of(TOKEN, f"{lost.value} {unanswered.value}")
    assert no_part_of(TOKEN, "".join(time.texts)), "what screens show while it is waited"
    await client.close()


async def test_the_results_of_records_in_a_batch_repeat_no_secret(server: Server, make_nav: Make) -> None:
    nav = make_nav()
    said = {"error": {"code": "Application_X", "message": f"Authorization: Bearer {TOKEN}"}}
    server.say(json_reply({"responses": [{"id": "1", "status": 400, "headers": {}, "body": said}]}))
    results = await nav.write([Write("a", WriteKind.UPDATE, "Customer", ROW, {"Name": "a"}, "*")])
    assert (results["a"].status, results["a"].message) == (Status.REJECTED, "Authorization: Bearer ***")
    server.say(json_reply({"responses": [{"id": "x" * 35 + TOKEN, "status": 200}]}))
    with pytest.raises(ConnectionLost, match="the id") as caught:
        await nav.write([Write("a", WriteKind.UPDATE, "Customer", ROW, {"Name": "a"}, "*")])
    assert no_part_of(TOKEN, caught.value.message)


async def test_a_code_that_decides_is_kept_even_if_it_is_the_password(server: Server, time: Time) -> None:
    client = ODataClient("NAV", server.url, "Request_EntityChanged", gate=time.make_gate())
    await client.sign_in()
    await client.close()
    assert fault({"error": {"code": "Request_EntityChanged", "message": "x"}}).code == "Request_EntityChanged"
