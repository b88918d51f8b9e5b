import asyncio
import gzip
import json
import ssl
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import trustme

from engine.connectors import body, gate, reach
from engine.connectors.client import Limits, ODataClient, Unanswered
from engine.connectors.gate import Gate
from engine.connectors.protocol import Halted
from engine.model.errors import AccessDenied, ConfigError, ConnectionLost
from tests.connectors.conftest import TOKEN, Time
from tests.connectors.scripted import (
    Reply,
    Seen,
    Server,
    cut,
    drip,
    error,
    json_reply,
    reply,
    reset,
    serving,
    silence,
    zipped,
)

OK = json_reply({"value": []})
HTML = reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})


async def test_a_read_says_what_dataverse_wants_and_numbers_are_exact(client: ODataClient, server: Server) -> None:
    server.say(reply(200, b'{"a": 0.10, "b": 12345678901234567890123, "c": 1e400}'))
    content = await client.read("accounts?$filter=a%20eq%201", {"Prefer": "x=1"})
    assert content == {"a": Decimal("0.10"), "b": 12345678901234567890123, "c": Decimal("1e400")}
    assert str(content["a"]) == "0.10"
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("GET", "/api/data/v9.2/accounts?$filter=a%20eq%201")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert {seen.headers[name] for name in ("odata-version", "odata-maxversion")} == {"4.0"}
    assert (seen.headers["accept"], seen.headers["prefer"]) == ("application/json", "x=1")
    assert "cookie" not in seen.headers


async def test_cookies_are_not_kept(client: ODataClient, server: Server) -> None:
    server.say(json_reply({}, headers={"Set-Cookie": "ARRAffinity=x; Path=/"}))
    await client.read("a")
    await client.read("a")
    assert "cookie" not in server.seen[1].headers


LOST: list[Reply] = [
    reset,
    cut,
    reply(200, b"{}", {"Content-Encoding": "br"}),
    reply(200, b"{}", {"Content-Encoding": "gzip"}),
    zipped(b'{"value": []}', cut=12),
    *(reply(status, b"<html>") for status in (408, 500, 502, 503, 504)),
]
NO_JSON: list[Reply] = [
    HTML,
    reply(200, b""),
    reply(200, b"\xff"),
    reply(200, b"[" * 200_000),
    reply(200, b'{"a":1e99999999999999999999}'),
    reply(200, b'{"a":1e999999999}'),  # a Decimal, and gigabytes when it is written in full
]


@pytest.mark.parametrize("fault", [*LOST, *NO_JSON])
async def test_a_fault_that_may_pass_is_waited_out_by_a_read(
    client: ODataClient, server: Server, time: Time, fault: Reply
) -> None:
    server.say(fault, fault, OK)
    assert await client.read("a") == {"value": []}
    assert time.slept == [0.5, 1.0]
    assert all("again in" in text for text in time.texts)


@pytest.mark.parametrize("fault", LOST)
async def test_a_write_that_may_have_been_done_is_never_repeated(
    client: ODataClient, server: Server, fault: Reply
) -> None:
    server.say(fault, OK)
    with pytest.raises(Unanswered) as caught:
        await client.write("a", b"{}", {})
    assert TOKEN not in str(caught.value)
    assert len(server.seen) == 1


@pytest.mark.parametrize("fault", [drip, silence])
async def test_neither_a_drip_nor_silence_holds_a_request_for_ever(server: Server, time: Time, fault: Reply) -> None:
    client = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate(), limits=Limits(total=0.2))
    server.say(fault, OK)
    assert await asyncio.wait_for(client.read("a"), 2) == {"value": []}
    assert time.texts == ["CRM again in 0 s (attempt 1): no whole answer within 0.2 s"]
    server.say(fault)
    with pytest.raises(Unanswered):
        await asyncio.wait_for(client.write("a", b"{}", {}), 2)
    await client.close()


async def test_patience_ends_with_where_and_a_hint_and_without_the_token(
    client: ODataClient, server: Server, time: Time
) -> None:
    server.say(reply(503))
    with pytest.raises(ConnectionLost) as caught:
        await client.read("accounts?$filter=secret%20eq%201")
    assert time.now - 1000 <= client.limits.patience
    assert time.now - 1000 > client.limits.patience - 15, "not before its time"
    assert f"{server.url}/accounts: 503" in caught.value.message
    assert "secret" not in caught.value.message
    assert TOKEN not in caught.value.message + caught.value.hint
    assert caught.value.hint


async def test_success_between_faults_starts_patience_anew(client: ODataClient, server: Server, time: Time) -> None:
    for _ in range(20):
        server.say(reply(500), reply(500), reply(500), OK)
        await client.read("a")
    assert time.now - 1000 > client.limits.patience


async def test_a_closed_port_was_not_sent_to_so_that_a_write_is_repeated_too(time: Time) -> None:
    async with serving() as server:
        url = server.url
    client = ODataClient("CRM", url, TOKEN, gate=time.make_gate(), limits=Limits(patience=5))
    with pytest.raises(ConnectionLost, match="cannot be reached") as caught:
        await client.write("a", b"{}", {})
    assert len(time.slept) >= 3
    assert url in caught.value.message
    await client.close()


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({}, 0.5),
        ({"Retry-After": "-7"}, 0.5),
        ({"Retry-After": "1000000000"}, 300.0),
        ({"Retry-After": "Wed, 01 Jan 2020 00:00:11 GMT", "Date": "Wed, 01 Jan 2020 00:00:00 GMT"}, 11.0),
    ],
)
@pytest.mark.parametrize("write", [False, True])
async def test_429_is_waited_out_by_reads_and_writes(
    client: ODataClient, server: Server, time: Time, headers: dict[str, str], pause: float, write: bool
) -> None:
    server.say(error(429, "0x80072322", headers=headers), OK)
    answered = (await client.write("a", b"{}", {})).body if write else json.dumps(await client.read("a")).encode()
    assert json.loads(answered) == {"value": []}
    assert pause <= time.now - 1000 <= pause + 0.25
    assert time.texts == [f"CRM again in {round(time.now - 1000)} s (attempt 1): 429"]
    told = client.gate.limit == 8
    assert told == (pause != 0.5), "what was used up before says nothing of how many may come at once"


async def test_429_for_too_many_at_once_lets_fewer_in(client: ODataClient, server: Server) -> None:
    server.say(error(429, "0x80072326", headers={"Retry-After": "1"}), OK)
    await client.read("a")
    assert client.gate.limit == 4


async def test_429_stops_the_other_requests_of_the_host(client: ODataClient, server: Server, time: Time) -> None:
    server.say(error(429, "", headers={"Retry-After": "9"}), OK)
    with pytest.raises(ConnectionLost):
        await client.read("a", patience=0)
    when: list[float] = []

    def answer(_: Seen) -> Reply:
        when.append(time.now)
        return OK

    server.answer = answer
    await asyncio.gather(*(client.read("b") for _ in range(5)))
    assert len(when) == 5
    assert min(when) >= 1009


async def test_429_for_ever_ends_too(client: ODataClient, server: Server, time: Time) -> None:
    server.say(error(429, "", headers={"Retry-After": "100"}))
    with pytest.raises(ConnectionLost, match="put us off"):
        await client.write("a", b"{}", {})
    assert 1800 <= time.now - 1000 <= 2000


async def test_being_put_off_and_failing_are_counted_apart(client: ODataClient, server: Server) -> None:
    later = error(429, "", headers={"Retry-After": "300"})
    server.say(reply(500), later, reply(500), OK)
    assert await client.read("a") == {"value": []}, "300 s of pause are no 60 s of failure"
    server.say(*[later] * 5, reply(500), *[later] * 5, OK)
    assert await client.read("a") == {"value": []}, "put off for 1500 s twice, but not in a row"


async def test_503_with_retry_after_pauses_the_host_even_for_a_write(
    client: ODataClient, server: Server, time: Time
) -> None:
    server.say(reply(503, b"", {"Retry-After": "20"}), OK)
    with pytest.raises(Unanswered):
        await client.write("a", b"{}", {})
    await client.read("a")
    assert time.now >= 1020


@pytest.mark.parametrize("status", [401, 403])
async def test_being_refused_is_said_at_once(client: ODataClient, server: Server, time: Time, status: int) -> None:
    server.say(error(status, "0x80040204", "Invalid user auth."))
    with pytest.raises(AccessDenied, match=r"Invalid user auth\.") as caught:
        await client.read("a")
    assert caught.value.hint
    assert time.slept == []


@pytest.mark.parametrize("status", [400, 404, 405, 413])
async def test_a_read_that_cannot_succeed_is_not_repeated(
    client: ODataClient, server: Server, time: Time, status: int
) -> None:
    server.say(error(status, "0x80060888", "Could not find a property named 'x'"))
    with pytest.raises(ConnectionLost, match=f"{status} 0x80060888 Could not find"):
        await client.read("a")
    assert (len(server.seen), time.slept) == (1, [])


async def test_redirects_are_not_followed(client: ODataClient, server: Server) -> None:
    async with serving() as other:
        other.say(OK)
        server.say(reply(302, b"", {"Location": f"{other.url}/a"}))
        for call in (client.read("a"), client.write("a", b"{}", {})):
            with pytest.raises(ConnectionLost, match="302"):
                await call
        assert other.seen == []


async def test_a_redirect_to_what_is_no_address_is_no_crash(client: ODataClient, server: Server) -> None:
    server.say(reply(302, headers={"Location": "http:x/y"}))
    with pytest.raises(ConnectionLost, match="no address"):
        await client.read("accounts", patience=0)
    with pytest.raises(Unanswered, match="no address"):
        await client.write("accounts", b"{}", {})


async def test_json_that_is_no_object_is_no_service(client: ODataClient, server: Server) -> None:
    server.say(reply(200, b"[]"))
    with pytest.raises(ConnectionLost, match="does not answer as an OData service"):
        await client.read("a")


async def test_an_answer_to_a_write_is_given_as_it_is(client: ODataClient, server: Server) -> None:
    server.say(error(400, "0x80044331", "too long"))
    answer = await client.write("a", b"{}", {"Content-Type": "application/json"})
    assert (answer.status, answer.fault.code, answer.fault.message) == (400, "0x80044331", "too long")
    assert server.seen[0].headers["content-type"] == "application/json"
    server.say(error(401, ""))
    with pytest.raises(AccessDenied):
        await client.write("a", b"{}", {})


async def test_a_large_body_is_given_up_at_the_limit(server: Server, time: Time) -> None:
    client = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate(), limits=Limits(body=100_000))
    fits = b'{"a":"' + b"x" * (100_000 - 8) + b'"}'
    server.say(reply(200, fits), zipped(fits), reply(200, fits + b" "))
    assert len((await client.read("a"))["a"]) == 99_992
    assert len((await client.read("a"))["a"]) == 99_992
    with pytest.raises(ConnectionLost, match="more than 100000 bytes"):
        await client.read("a")
    with pytest.raises(Unanswered, match="too large"):
        await client.write("a", b"{}", {})
    await client.close()


async def test_a_gzip_bomb_is_not_unpacked(server: Server, time: Time) -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    assert len(bomb) < 300_000
    client = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate(), limits=Limits(body=1_000_000))
    server.say(reply(200, bomb, {"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionLost, match="more than 1000000 bytes"):
            await client.read("a")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
        await client.close()


async def test_requests_under_way_never_exceed_the_gate(server: Server) -> None:
    client = ODataClient("CRM", server.url, TOKEN, gate=Gate("CRM", 3))

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.005)
        writer.write(OK)

    server.say(slow)
    await asyncio.gather(*(client.read("a") for _ in range(30)))
    assert server.most_open == 3
    await client.close()


async def test_the_environment_is_not_trusted(server: Server, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    client = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate())
    server.say(OK)
    await client.read("a")
    await client.close()


async def test_only_a_certificate_that_can_be_trusted_is(tmp_path: Path, time: Time) -> None:
    mine, other = trustme.CA(), trustme.CA()
    mine.cert_pem.write_to_path(tmp_path / "mine.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    for name, file, works in (
        ("localhost", "mine.pem", True),
        ("localhost", "other.pem", False),
        ("localhost", None, False),
        ("wrong.example", "mine.pem", False),
    ):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        mine.issue_cert(name).configure_cert(context)
        async with serving(context) as server:
            server.say(OK)
            ca_file = None if file is None else str(tmp_path / file)
            client = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate(), ca_file=ca_file)
            if works:
                assert await client.read("a") == {"value": []}
            else:
                with pytest.raises(ConnectionLost, match="certificate"):
                    await client.read("a")
                assert server.seen == []
                assert time.slept == [], "waiting does not help"
            await client.close()


PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last", "hint"),
    [
        ("localhost", PAST, PAST + timedelta(1), "It has expired"),
        ("localhost", FUTURE - timedelta(1), FUTURE, "It is not valid yet"),
        ("elsewhere.example", PAST, FUTURE, "a name that is in the certificate"),
        ("127.0.0.2", PAST, FUTURE, "a name that is in the certificate"),
    ],
)
async def test_what_is_to_be_done_about_a_certificate_depends_on_what_is_wrong_with_it(
    tmp_path: Path, time: Time, name: str, first: datetime, last: datetime, hint: str
) -> None:
    mine = trustme.CA()
    mine.cert_pem.write_to_path(tmp_path / "own.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mine.issue_cert(name, not_before=first, not_after=last).configure_cert(context)
    async with serving(context) as server:
        one = ODataClient("NAV", server.url, TOKEN, gate=time.make_gate(), ca_file=str(tmp_path / "own.pem"))
        with pytest.raises(ConnectionLost, match="certificate") as caught:
            await one.read("x")
        with pytest.raises(ConnectionLost, match="certificate") as seen:
            await reach.shake_hands(one.root, one.tls)
        await one.close()
    assert hint in caught.value.hint
    assert seen.value.hint == caught.value.hint
    assert "ca_file" not in caught.value.hint


async def test_a_web_page_is_not_the_service(client: ODataClient, server: Server) -> None:
    server.say(HTML)
    with pytest.raises(ConnectionLost, match="answers with a web page") as caught:
        await client.read("accounts", patience=2)
    assert caught.value.hint == "Check the url."


async def test_a_server_that_is_spoken_to_without_tls_and_closes_perhaps_speaks_it(time: Time) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with serving(context) as server:
        url = server.url.replace("https:", "http:")
        one = ODataClient("NAV", url, TOKEN, gate=time.make_gate())
        with pytest.raises(ConnectionLost) as caught:
            await one.read("x", patience=2)
        await one.close()
    assert caught.value.hint.startswith("Perhaps it speaks https.")


def test_certificates_that_cannot_be_read_are_a_fault_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    for write in (lambda: None, lambda: file.write_text("x")):
        write()
        with pytest.raises(ConfigError, match=r"ca\.pem"):
            ODataClient("CRM", "https://org.example/", TOKEN, gate=Gate("CRM", 1), ca_file=str(file))


async def test_the_clock_of_the_service_is_that_of_the_answer_that_lagged_least(
    client: ODataClient, server: Server
) -> None:
    async def told(date: str) -> str:
        server.say(json_reply({"value": []}, headers={"Date": date}))
        await client.read("accounts")
        assert client.now is not None
        return client.now.strftime("%H:%M:%S")

    assert client.now is None
    assert await told("Wed, 01 Jan 2020 10:00:05 GMT") == "10:00:05"
    assert await told("Wed, 01 Jan 2020 10:00:03 GMT") == "10:00:05", "it was looked up two seconds ago"
    assert await told("Wed, 01 Jan 2020 10:00:20 GMT") == "10:00:20"
    assert await told("Wed, 01 Jan 2020 09:00:00 GMT") == "09:00:00", "somebody set it back"


async def test_a_stop_lets_nobody_wait_for_an_answer_for_long(
    client: ODataClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "DROPPED_AFTER", 0.2)
    server.say(silence)
    read = asyncio.create_task(client.read("a"))
    write = asyncio.create_task(client.write("b", b"{}", {}))
    await asyncio.sleep(0.2)
    assert len(server.seen) == 2
    client.gate.halt(stop=True)
    await asyncio.sleep(0.1)
    assert not read.done()
    assert not write.done()
    ends = await asyncio.wait_for(asyncio.gather(read, write, return_exceptions=True), 1)
    assert [type(end) for end in ends] == [Halted, Unanswered], "of a write nobody knows what became of it"
    for late in (client.read("c"), client.write("d", b"{}", {})):
        with pytest.raises(Halted):
            await late
    assert len(server.seen) == 2


async def test_answers_that_come_soon_after_a_stop_count(client: ODataClient, server: Server) -> None:
    server.say(OK)
    client.gate.halt(stop=True)
    assert await client.read("a") == {"value": []}
    client.gate.halt(stop=False)
    assert await client.read("a") == {"value": []}


async def test_a_page_of_too_many_values_is_told_at_once(
    client: ODataClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "_HEAVIEST", 1000)
    server.say(json_reply({"value": list(range(20))}))
    with pytest.raises(ConnectionLost, match="holds more values than fit into memory") as told:
        await client.read("a")
    assert told.value.hint == "Use a smaller page size."
    assert len(server.seen) == 1
