"""What either side makes of a server that misbehaves: nothing is lost, nothing is done twice, nothing is given away."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from engine.connectors import gate, paging
from engine.connectors.gate import Gate
from engine.connectors.protocol import CutShort, Query, Result, Status, Write, WriteKind, how_far
from engine.connectors.rights import Rights
from engine.model.errors import AccessDenied, ConnectionLost
from tests.connectors.conftest import TOKEN, Make, Time, broken_off, stopped
from tests.connectors.scripted import Reply, Seen, Server, cut, error, json_reply, reply, reset, serving

IDS = [f"0a1b2c3d-4e5f-6071-8293-{number:012d}" for number in range(1, 7)]
PAGE = Query("accounts", "accountid", ("name",), page_size=2)
NEXT = "@odata.nextLink"
CRM_CREATE = [Write(id, WriteKind.CREATE, "accounts", id, {"name": "x"}) for id in IDS[:3]]
CRM_UPDATE = [Write(id, WriteKind.UPDATE, "accounts", id, {"name": "x"}, 'W/"1"') for id in IDS[:3]]
NAV_CREATE = [Write(id, WriteKind.CREATE, "Customer", None, {"Name": "x"}) for id in IDS[:3]]
BATCH = {"Content-Type": "multipart/mixed; boundary=b"}


def rows(*ids: str, link: str | None = None) -> bytes:
    value = [{"accountid": id, "name": "x"} for id in ids]
    return json_reply({"value": value} | ({} if link is None else {NEXT: link}))


def parts(*spec: tuple[int, int | None], code: str = "0x80040237", head: str = "") -> bytes:
    """A multipart answer of status and Content-ID pairs."""
    out = []
    for status, number in spec:
        mark = f"Content-ID: {number}\r\n" if number is not None else ""
        body = "" if status < 400 else f'{{"error":{{"code":"{code}","message":"m"}}}}'
        out.append(
            f"--b\r\nContent-Type: application/http\r\n{mark}\r\nHTTP/1.1 {status} X\r\n{head}A: b\r\n\r\n{body}\r\n"
        )
    return reply(200, ("".join(out) + "--b--\r\n").encode(), BATCH)


def nav_parts(*spec: tuple[int, Any], code: str = "x", headers: dict[str, str] | None = None) -> bytes:
    """A JSON answer of status and id pairs; a created record gets the id of its number."""
    made = []
    for status, number in spec:
        body: Any = (
            {"SystemId": IDS[int(number) - 1].upper()} if status < 400 else {"error": {"code": code, "message": "m"}}
        )
        made.append({"id": number, "status": status, "body": body, "headers": headers or {}})
    return json_reply({"responses": made})


def statuses(results: dict[str, Result]) -> list[Status]:
    return [results[id].status for id in IDS[:3]]


def parted(so_far: CutShort) -> tuple[set[str], set[str]]:
    """The keys of what was done, which is all that was answered, and of what was certainly not done."""
    assert {result.status for result in so_far.results.values()} <= {Status.DONE}
    return set(so_far.results), set(so_far.unsent)


async def read_all(side: Any, query: Query = PAGE) -> list[str]:
    return [row["accountid"] for page in [page async for page in side.pages(query)] for row in page]


def table(bulk: bool, then: Callable[[Seen], Reply]) -> Callable[[Seen], Reply]:
    """An organization that answers what a table is, and leaves writes to `then`."""

    def answer(seen: Seen) -> Reply:
        if "/EntityDefinitions" in seen.target:
            return json_reply({"value": [{"LogicalName": "account", "PrimaryIdAttribute": "accountid"}]})
        if "/sdkmessagefilters" in seen.target:
            return json_reply({"value": [{"sdkmessagefilterid": IDS[0]}] if bulk else []})
        return then(seen)

    return answer


# Paging


async def test_each_page_is_a_request_of_its_own(make_crm: Make, server: Server) -> None:
    server.say(rows(IDS[0], IDS[1], link=f"{server.url}/accounts?$skiptoken=x"), rows(IDS[2]))
    assert await read_all(make_crm()) == IDS[:3]
    first, second = server.seen
    assert first.target.endswith("/accounts?$select=name,accountid&$orderby=accountid")
    assert second.target.endswith(f"&$filter=accountid%20gt%20{IDS[1]}&$orderby=accountid")
    assert {seen.headers["prefer"] for seen in server.seen} == {"odata.maxpagesize=2"}
    assert first.headers["if-none-match"] == "null"


async def test_a_full_page_without_a_link_is_not_taken_for_the_last(make_crm: Make, server: Server) -> None:
    server.say(rows(*IDS[:2]), rows(*IDS[2:4]), rows())
    assert await read_all(make_crm()) == IDS[:4]


async def test_a_page_may_be_longer_or_shorter_than_asked_for(make_crm: Make, server: Server) -> None:
    link = f"{server.url}/accounts?x"
    server.say(rows(*IDS[:5], link=link), rows(IDS[5], link=link), rows())
    pages = [page async for page in make_crm().pages(PAGE)]
    assert [len(page) for page in pages] == [2, 2, 1, 1]


async def test_only_an_empty_page_has_its_link_followed(make_crm: Make, server: Server) -> None:
    server.say(rows(link=f"{server.url}/accounts?$skiptoken=%252f"), rows(IDS[0]))
    assert await read_all(make_crm()) == IDS[:1]
    assert server.seen[1].target == "/api/data/v9.2/accounts?$skiptoken=%252f"
    assert server.seen[1].headers["prefer"] == "odata.maxpagesize=2"


@pytest.mark.parametrize("method", ["pages", "find"])
async def test_a_link_to_another_host_gets_no_request_and_no_token(make_crm: Make, server: Server, method: str) -> None:
    async with serving() as foreign:
        foreign.say(rows())
        server.say(rows(link=f"{foreign.url}/accounts?$skiptoken=x"))
        crm = make_crm()
        with pytest.raises(ConnectionLost, match="leads away"):
            await (read_all(crm) if method == "pages" else crm.find("accounts", "name", ["a"], ("name",)))
        assert foreign.seen == []


@pytest.mark.parametrize("method", ["pages", "find"])
async def test_links_that_go_round_in_a_circle_are_left(make_crm: Make, server: Server, method: str) -> None:
    links = [f"{server.url}/accounts?{number}" for number in (1, 2)]

    def answer(seen: Seen) -> Reply:
        return rows(link=links[1] if seen.target.endswith("?1") else links[0])

    server.answer = answer
    crm = make_crm()
    with pytest.raises(ConnectionLost, match="never end"):
        await (read_all(crm) if method == "pages" else crm.find("accounts", "name", ["a"], ("name",)))
    assert len(server.seen) < 5


@pytest.fixture
def most_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    """A number that is reached sooner than the real one, which is some thousands."""
    assert 1_000 <= paging._MOST_PAGES <= 10_000
    monkeypatch.setattr(paging, "_MOST_PAGES", 40)
    return 40


@pytest.mark.parametrize(
    ("method", "content", "told"),
    [
        ("pages", (), "empty pages that never end"),
        ("find", (), "pages that never end"),
        ("find", IDS, "pages that never end"),
    ],
)
async def test_links_that_never_end_are_left_though_each_is_another(
    make_crm: Make, server: Server, most_pages: int, method: str, content: tuple[str, ...], told: str
) -> None:
    def answer(_: Seen) -> Reply:
        number = len(server.seen)
        return rows(*content, link=f"{server.url}/accounts?{number}" if number < 10 * most_pages else None)

    server.answer = answer
    crm = make_crm()
    with pytest.raises(ConnectionLost, match=told):
        await (read_all(crm) if method == "pages" else crm.find("accounts", "name", ["a"], ("name",)))
    assert len(server.seen) == most_pages + 1


async def test_a_table_may_have_more_pages_as_long_as_each_has_new_records(
    make_crm: Make, server: Server, most_pages: int
) -> None:
    number = 3 * most_pages

    def answer(seen: Seen) -> Reply:
        after = re.search(r"gt%20[0-9a-f-]+-([0-9]{12})", seen.target)
        last = int(after[1]) if after else 0
        if last == number:
            return rows()
        return rows(f"{IDS[0][:24]}{last + 1:012}", link=f"{server.url}/accounts?{last}")

    server.answer = answer
    assert len(await read_all(make_crm())) == number


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((IDS[0], IDS[1]), (IDS[1], IDS[2])),
        ((IDS[0], IDS[0]), ()),
        ((IDS[1], IDS[2]), (IDS[0],)),
        ((IDS[2], IDS[0]), ()),
    ],
)
async def test_keys_that_repeat_or_lose_their_order_end_the_reading(
    make_crm: Make, server: Server, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    server.say(rows(*first), rows(*second), rows())
    with pytest.raises(ConnectionLost, match="twice or out of order"):
        await read_all(make_crm())


async def test_keys_may_rise_as_sql_server_sorts_them_or_as_texts(make_crm: Make, server: Server) -> None:
    low, high = "ffffffff-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    for pair in ((low, high), (high, low)):
        server.say(rows(*pair), rows())
        assert await read_all(make_crm()) == list(pair)


async def test_keys_are_given_in_lower_case_and_must_be_guids(make_crm: Make, server: Server) -> None:
    server.say(rows(IDS[0].upper()))
    assert await read_all(make_crm()) == [IDS[0]]
    server.say(rows("10000"))
    with pytest.raises(ConnectionLost, match="accountid of a record is no GUID"):
        await read_all(make_crm())


@pytest.mark.parametrize("content", [{}, {"value": None}, {"value": [1]}, {"value": {}}])
async def test_an_answer_without_rows_is_no_service(make_crm: Make, server: Server, content: Any) -> None:
    server.say(json_reply(content))
    crm = make_crm()
    for call in (read_all(crm), crm.find("accounts", "name", ["a"], ()), crm.count("accounts", ())):
        with pytest.raises(ConnectionLost):
            await call


async def test_a_fault_between_pages_is_waited_out(make_crm: Make, server: Server, time: Time) -> None:
    server.say(rows(*IDS[:2]), reset, cut, reply(503), rows(IDS[2]))
    crm = make_crm()
    assert await read_all(crm) == IDS[:3]
    assert len(time.slept) == 3
    assert crm.waiting == ""


async def test_find_follows_the_links_of_its_answer(make_crm: Make, server: Server) -> None:
    server.say(rows(*IDS[:2], link="accounts?$skiptoken=2"), rows(IDS[2]))
    assert len(await make_crm().find("accounts", "name", ["a"], ("name",))) == 3


async def test_parts_of_a_look_up_run_at_once_and_one_failure_ends_them(make_crm: Make, server: Server) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(rows())

    server.say(slow)
    await make_crm().find("accounts", "name", [f"n{number}" for number in range(3000)], ("name",))
    assert len(server.seen) == 6
    assert server.most_open == 6
    assert all(len(seen.target) < 32 * 1024 for seen in server.seen)
    server.say(error(400, "0x80060888"))
    with pytest.raises(ConnectionLost, match="0x80060888"):
        await make_crm().find("accounts", "name", [f"n{number}" for number in range(3000)], ("name",))


# CreateMultiple


async def test_bulk_is_asked_for_once_a_table_and_names_every_row(make_crm: Make, server: Server) -> None:
    server.answer = table(
        bulk=True, then=lambda seen: json_reply({"Ids": [one["accountid"].upper() for one in seen.json()["Targets"]]})
    )
    crm = make_crm(batch=2)
    for _ in range(2):
        results = await crm.write(CRM_CREATE)
        assert statuses(results) == [Status.DONE] * 3
        assert [results[id].id for id in IDS[:3]] == IDS[:3]
    targets = [seen.target.rpartition("/")[2] for seen in server.seen]
    assert [target.partition("?")[0] for target in targets] == [
        "EntityDefinitions",
        "sdkmessagefilters",
        *["Microsoft.Dynamics.CRM.CreateMultiple"] * 4,
    ]
    assert server.seen[2].json()["Targets"][0] == {
        "@odata.type": "Microsoft.Dynamics.CRM.account",
        "accountid": IDS[0],
        "name": "x",
    }


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (json_reply({"Ids": [IDS[2], IDS[0]]}), [Status.DONE, Status.UNKNOWN, Status.DONE]),
        (json_reply({"Ids": "x"}), [Status.UNKNOWN] * 3),
        (json_reply({"Ids": [1, None]}), [Status.UNKNOWN] * 3),
        (json_reply([]), [Status.UNKNOWN] * 3),
        (reply(204), [Status.UNKNOWN] * 3),
        (reply(200, b"<html>"), [Status.UNKNOWN] * 3),
        (reset, [Status.UNKNOWN] * 3),
        (cut, [Status.UNKNOWN] * 3),
        (reply(500), [Status.UNKNOWN] * 3),
        (error(400, "0x80044150"), [Status.UNKNOWN] * 3),
    ],
)
async def test_a_bulk_message_whose_answer_is_lost_is_unknown_and_not_repeated(
    make_crm: Make, server: Server, said: Reply, found: list[Status]
) -> None:
    server.answer = table(bulk=True, then=lambda _: said)
    assert statuses(await make_crm().write(CRM_CREATE)) == found
    assert sum(seen.method == "POST" for seen in server.seen) == 1


@pytest.mark.parametrize(
    "refusal", [error(400, "0x80040203"), error(412, "0x80040237"), error(404, "x"), error(403, "y"), error(413, "")]
)
async def test_a_refused_bulk_message_is_followed_by_a_batch_that_creates_only(
    make_crm: Make, server: Server, refusal: Reply
) -> None:
    server.answer = table(
        bulk=True, then=lambda seen: parts((204, 1), (412, 2), (204, 3)) if seen.target.endswith("$batch") else refusal
    )
    assert statuses(await make_crm().write(CRM_CREATE)) == [Status.DONE, Status.EXISTS, Status.DONE]
    body = server.seen[-1].body.decode()
    assert body.count("PATCH /api/data/v9.2/accounts(") == body.count("If-None-Match: *\r\n") == 3
    assert "If-Match" not in body


async def test_a_user_who_may_not_ask_about_tables_writes_without_bulk(make_crm: Make, server: Server) -> None:
    server.answer = lambda seen: (
        error(403, "0x80040220") if seen.method == "GET" else parts((204, 1), (204, 2), (204, 3))
    )
    assert statuses(await make_crm().write(CRM_CREATE)) == [Status.DONE] * 3


@pytest.mark.parametrize("refusal", [error(400, "0x80060888"), error(403, "0x80040220"), error(404, "0x8006088a")])
async def test_an_organization_that_does_not_tell_its_bulk_messages_has_none(
    make_crm: Make, server: Server, refusal: Reply
) -> None:
    told = table(bulk=True, then=lambda _: parts((204, 1), (204, 2), (204, 3)))

    def answer(seen: Seen) -> Reply:
        if "/WhoAmI" in seen.target:
            return json_reply({"UserId": IDS[0]})
        if "/Microsoft.Dynamics.CRM.RetrieveUserPrivileges" in seen.target:
            return json_reply({"RolePrivileges": [{"PrivilegeId": IDS[1]}]})
        if "$select=LogicalName,Privileges" in seen.target:
            privilege = {"PrivilegeType": "Read", "PrivilegeId": IDS[1]}
            return json_reply({"value": [{"LogicalName": "account", "Privileges": [privilege]}]})
        return refusal if "/sdkmessagefilters" in seen.target else told(seen)

    server.answer = answer
    crm = make_crm()
    assert await crm.rights(["accounts"]) == {"accounts": Rights(frozenset({"read"}), ())}
    assert statuses(await crm.write(CRM_CREATE)) == [Status.DONE] * 3
    assert server.seen[-1].target.endswith("/$batch")


@pytest.mark.parametrize("who", [{}, {"UserId": None}, {"UserId": "x)/y"}])
async def test_rights_are_not_asked_for_under_what_is_no_id(
    make_crm: Make, server: Server, who: dict[str, object]
) -> None:
    server.say(json_reply(who))
    with pytest.raises(ConnectionLost, match="does not tell who we are"):
        await make_crm().rights(["accounts"])
    assert len(server.seen) == 1


# $batch of CRM


async def test_a_batch_goes_on_after_errors_and_has_no_change_sets(make_crm: Make, server: Server) -> None:
    server.say(parts((204, 1), (204, 2), (204, 3)))
    assert statuses(await make_crm().write(CRM_UPDATE)) == [Status.DONE] * 3
    (seen,) = server.seen
    assert seen.headers["prefer"] == "odata.continue-on-error"
    boundary = re.fullmatch(r"multipart/mixed; boundary=(batch_\w+)", seen.headers["content-type"])
    assert boundary is not None
    text = seen.body.decode()
    assert text.count("--" + boundary[1]) == 4
    assert text.count("multipart/mixed") == 0
    assert text.count('If-Match: W/"1"\r\n') == 3
    assert TOKEN not in text


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (parts((204, 3), (204, 1), (412, 2), code="0x80060882"), [Status.DONE, Status.STALE, Status.DONE]),
        (parts((204, None), (404, None), (204, None), code="x"), [Status.DONE, Status.MISSING, Status.DONE]),
        (parts((204, 1), (204, 3)), [Status.DONE, Status.UNKNOWN, Status.DONE]),
        (parts((204, None), (204, None)), [Status.UNKNOWN] * 3),
        (parts(), [Status.UNKNOWN] * 3),
        (parts((204, 1), (500, 2), (503, 3), code=""), [Status.DONE, Status.UNKNOWN, Status.UNKNOWN]),
        (reply(200, b"<html>", {"Content-Type": "text/html"}), [Status.UNKNOWN] * 3),
        (reply(200, b"--b\r\nContent-Type: appl", BATCH), [Status.UNKNOWN] * 3),
        (
            reply(400, parts((204, 1), (400, 2)).partition(b"\r\n\r\n")[2], BATCH),
            [Status.DONE, Status.REJECTED, Status.UNKNOWN],
        ),
        (reset, [Status.UNKNOWN] * 3),
        (cut, [Status.UNKNOWN] * 3),
        (reply(502), [Status.UNKNOWN] * 3),
    ],
)
async def test_every_row_of_a_batch_has_a_result_whatever_comes_back(
    make_crm: Make, server: Server, said: Reply, found: list[Status]
) -> None:
    server.say(said)
    assert statuses(await make_crm().write(CRM_UPDATE)) == found
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "said",
    [
        parts((204, 1), (204, 2), (204, 3), (204, 4)),
        parts((204, 1), (204, 1), (204, 3)),
        parts((204, 1), (204, 9), (204, 3)),
        parts((204, None), (204, None), (204, None), head=f"OData-EntityId: x/accounts({IDS[5]})\r\n"),
    ],
)
async def test_an_answer_to_something_else_ends_the_run(make_crm: Make, server: Server, said: Reply) -> None:
    server.say(said)
    with pytest.raises(ConnectionLost, match="not the answer to what was asked") as end:
        await make_crm().write(CRM_UPDATE)
    so_far = how_far(end.value)
    assert parted(so_far) == (set(), set()), "they were sent, and nobody knows what became of them"


async def test_only_what_was_put_off_is_sent_again(make_crm: Make, server: Server, time: Time) -> None:
    server.say(parts((204, 1), (429, 2), (204, 3), code="0x80072322", head="Retry-After: 6\r\n"), parts((204, 1)))
    assert statuses(await make_crm().write(CRM_UPDATE)) == [Status.DONE] * 3
    assert 1006 <= time.now <= 1007
    second = server.seen[1].body.decode()
    assert (second.count("PATCH "), IDS[1] in second) == (1, True)


async def test_what_is_put_off_for_ever_ends_the_run_and_the_rest_is_kept(make_crm: Make, server: Server) -> None:
    server.say(
        parts((204, 1), (429, 2), (204, 3), head="Retry-After: 300\r\n"), parts((429, 1), head="Retry-After: 300\r\n")
    )
    so_far = await broken_off(make_crm(), CRM_UPDATE, ConnectionLost)
    assert parted(so_far) == ({IDS[0], IDS[2]}, {IDS[1]})


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(make_crm: Make, server: Server) -> None:
    def answer(seen: Seen) -> Reply:
        return (
            parts((204, 1))
            if seen.body.count(b"PATCH ") == 1 and IDS[2].encode() not in seen.body
            else error(413, "0x8004418A")
        )

    server.answer = answer
    results = await make_crm().write(CRM_UPDATE)
    assert statuses(results) == [Status.DONE, Status.DONE, Status.REJECTED]
    assert results[IDS[2]].code == "413"


async def test_a_stop_in_one_half_of_a_batch_leaves_the_other_unsent(make_nav: Make, server: Server) -> None:
    server.say(error(413, ""), error(429, "", headers={"Retry-After": "300"}))
    stop = await stopped(make_nav(gate=Gate("NAV", 5)), NAV_CREATE)
    assert not stop.results
    assert stop.unsent == set(IDS[:3])


ENDS = pytest.mark.parametrize(
    ("said", "kind"),
    [
        (error(401, "x"), AccessDenied),
        (reply(302, headers={"Location": "/"}), ConnectionLost),
        (error(429, "", headers={"Retry-After": "300"}), ConnectionLost),
    ],
    ids=["refused", "led away", "put off for good"],
)


@ENDS
@pytest.mark.parametrize("batch", [1, 2])
async def test_an_error_tells_what_was_made_before_and_what_was_not_sent(
    make_nav: Make, server: Server, time: Time, said: Reply, kind: type[Exception], batch: int
) -> None:
    server.say(nav_parts((201, "1"), (201, "2")) if batch > 1 else json_reply({"SystemId": IDS[0]}, 201), said)
    so_far = await broken_off(make_nav(batch=batch, gate=time.make_gate("NAV", 1)), NAV_CREATE, kind)
    assert parted(so_far) == (set(IDS[:batch]), set(IDS[batch:3]))
    assert so_far.results[IDS[0]].id == IDS[0]


@ENDS
async def test_an_error_in_one_half_of_a_batch_tells_of_both(
    make_nav: Make, server: Server, said: Reply, kind: type[Exception]
) -> None:
    server.say(error(413, ""), said)
    so_far = await broken_off(make_nav(), NAV_CREATE, kind)
    assert parted(so_far) == (set(), set(IDS[:3]))
    server.say(error(413, ""), nav_parts((201, "1")), said)
    so_far = await broken_off(make_nav(), NAV_CREATE, kind)
    assert parted(so_far) == ({IDS[0]}, set(IDS[1:3]))


@pytest.mark.parametrize(("marker", "status"), [(None, Status.DONE), ("CRM_Id", Status.UNKNOWN)])
@pytest.mark.parametrize("batch", [100, 1])
async def test_a_stop_waits_for_new_records_that_nobody_could_find_again(
    make_nav: Make, server: Server, monkeypatch: pytest.MonkeyPatch, marker: str | None, status: Status, batch: int
) -> None:
    said = nav_parts((201, "1")) if batch > 1 else json_reply({"SystemId": IDS[0]}, 201)

    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(said)

    monkeypatch.setattr(gate, "DROPPED_AFTER", 0.1)
    server.say(slowly)
    nav = make_nav(marker=marker, batch=batch)
    writing = asyncio.create_task(nav.write(NAV_CREATE[:1]))
    async with asyncio.timeout(10):
        while not server.seen:  # noqa: ASYNC110 - nothing says when it has come
            await asyncio.sleep(0.01)
    nav.halt(stop=True)
    assert (await writing)[IDS[0]].status is status


@pytest.mark.parametrize(
    ("status", "kind"), [(400, ConnectionLost), (404, ConnectionLost), (401, AccessDenied), (403, AccessDenied)]
)
async def test_a_refused_batch_ends_the_run(make_crm: Make, server: Server, status: int, kind: type[Exception]) -> None:
    server.say(error(status, "x"))
    with pytest.raises(kind, match=str(status)):
        await make_crm().write(CRM_UPDATE)


async def test_a_row_for_which_we_are_refused_ends_the_run(make_crm: Make, server: Server) -> None:
    server.say(parts((204, 1), (401, 2), (204, 3), code="0x80040204"))
    with pytest.raises(AccessDenied, match="0x80040204") as end:
        await make_crm().write(CRM_UPDATE)
    so_far = how_far(end.value)
    assert parted(so_far) == ({IDS[0], IDS[2]}, {IDS[1]})


async def test_one_batch_that_fails_does_not_cut_off_the_others(make_crm: Make, server: Server) -> None:
    finished: list[str] = []

    def answer(seen: Seen) -> Reply:
        if IDS[0].encode() in seen.body:
            return error(401, "x")

        async def slow(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.05)
            writer.write(parts((204, 1)))
            finished.append("x")

        return slow

    server.answer = answer
    with pytest.raises(AccessDenied):
        await make_crm(batch=1).write(CRM_UPDATE)
    assert len(finished) == 2


async def test_batches_run_at_once(make_crm: Make, server: Server) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(parts((204, 1)))

    server.say(slow)
    await make_crm(batch=1).write(CRM_UPDATE)
    assert server.most_open == 3


# $batch of NAV


async def test_nav_is_sent_json_addressed_by_system_id(make_nav: Make, server: Server) -> None:
    server.say(nav_parts((201, "1"), (201, 2), (201, "3")), nav_parts((200, "1")))
    nav = make_nav()
    results = await nav.write(NAV_CREATE)
    assert [(results[id].status, results[id].id) for id in IDS[:3]] == [(Status.DONE, id) for id in IDS[:3]]
    await nav.write([Write(IDS[0], WriteKind.UPDATE, "Customer", IDS[0], {"Name": "x"}, 'W/"1"')])
    first, second = (seen.json()["requests"] for seen in server.seen)
    path = "Company('CRONUS%20International%20Ltd.')/Customer"
    assert first[0] == {
        "id": "1",
        "method": "POST",
        "url": path,
        "headers": {"Content-Type": "application/json"},
        "body": {"Name": "x"},
    }
    assert (second[0]["method"], second[0]["url"]) == ("PATCH", f"{path}({IDS[0]})")
    assert second[0]["headers"]["If-Match"] == 'W/"1"'
    assert server.seen[0].target.endswith("/$batch")
    assert server.seen[0].headers["prefer"] == "odata.continue-on-error"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (nav_parts((201, "3"), (201, "1"), (400, "2")), [Status.DONE, Status.REJECTED, Status.DONE]),
        (nav_parts((201, "1"), (201, "3")), [Status.DONE, Status.UNKNOWN, Status.DONE]),
        (
            nav_parts((400, "1"), code="Internal_EntityWithSameKeyExists"),
            [Status.EXISTS, Status.UNKNOWN, Status.UNKNOWN],
        ),
        (nav_parts((408, "1"), (500, "2"), (504, "3")), [Status.UNKNOWN] * 3),
        (
            json_reply({"responses": [{"id": "1", "status": 201, "body": {"No": "1"}}, {"id": "2", "status": 204}]}),
            [Status.UNKNOWN] * 3,
        ),
        (reply(200, b"{"), [Status.UNKNOWN] * 3),
        (reset, [Status.UNKNOWN] * 3),
        (cut, [Status.UNKNOWN] * 3),
        (reply(503), [Status.UNKNOWN] * 3),
    ],
)
async def test_every_record_of_a_batch_has_a_result_whatever_comes_back(
    make_nav: Make, server: Server, said: Reply, found: list[Status]
) -> None:
    server.say(said)
    assert statuses(await make_nav().write(NAV_CREATE)) == found
    assert len(server.seen) == 1, "a POST is never repeated blindly"


@pytest.mark.parametrize("number", ["1", "4", "x"])
async def test_a_nav_answer_to_something_else_ends_the_run(make_nav: Make, server: Server, number: str) -> None:
    body = {"responses": [{"id": "1", "status": 201, "body": {"SystemId": IDS[0]}}, {"id": number, "status": 400}]}
    server.say(json_reply(body))
    with pytest.raises(ConnectionLost, match="not the answer to what was asked") as end:
        await make_nav().write(NAV_CREATE)
    so_far = how_far(end.value)
    assert parted(so_far) == (set(), set()), "they were sent, and nobody knows what became of them"


async def test_a_nav_record_for_which_we_are_refused_ends_the_run_and_the_others_are_kept(
    make_nav: Make, server: Server
) -> None:
    server.say(nav_parts((201, "1"), (401, "2"), (429, "3")))
    so_far = await broken_off(make_nav(), NAV_CREATE, AccessDenied)
    assert parted(so_far) == ({IDS[0]}, set(IDS[1:3]))


async def test_nav_records_that_were_put_off_are_sent_again(make_nav: Make, server: Server, time: Time) -> None:
    server.say(nav_parts((201, "1"), (429, "2"), (201, "3"), headers={"Retry-After": "6"}), nav_parts((201, "1")))
    results = await make_nav().write(NAV_CREATE)
    assert statuses(results) == [Status.DONE] * 3
    assert len(server.seen[1].json()["requests"]) == 1
    assert 1006 <= time.now <= 1007


async def test_a_nav_batch_is_refused_whole_or_halved(make_nav: Make, server: Server) -> None:
    server.say(error(413, ""), nav_parts((201, "1")), nav_parts((201, "1"), (201, "2")))
    assert statuses(await make_nav().write(NAV_CREATE)) == [Status.DONE] * 3
    for status, kind in ((400, ConnectionLost), (403, AccessDenied)):
        server.say(error(status, "x"))
        with pytest.raises(kind, match=str(status)):
            await make_nav().write(NAV_CREATE)


def single(seen: Seen) -> Reply:
    """A NAV without JSON batches; what becomes of a record is its name."""
    name = {} if seen.target.endswith("$batch") else seen.json()
    if not name:
        return error(405, "BadRequest_MethodNotAllowed")
    kind = name["Name"]
    if kind == "lost":
        return reset
    if kind == "damaged":
        return reply(201, b"{")
    return error(400, "Internal_EntityWithSameKeyExists") if kind == "there" else json_reply({"SystemId": IDS[4]}, 201)


@pytest.mark.parametrize(("batch", "tries"), [(100, 1), (1, 0)])
async def test_a_nav_without_batches_gets_each_record_in_a_request(
    make_nav: Make, server: Server, batch: int, tries: int
) -> None:
    server.answer = single
    kinds = ["new", "there", "lost", "damaged"]
    writes = [Write(kind, WriteKind.CREATE, "Customer", None, {"Name": kind}) for kind in kinds]
    nav = make_nav(batch=batch)
    for _ in range(2):
        results = await nav.write(writes)
        assert [results[kind].status for kind in kinds] == [Status.DONE, Status.EXISTS, Status.UNKNOWN, Status.UNKNOWN]
        assert results["new"].id == IDS[4]
    assert sum(seen.target.endswith("$batch") for seen in server.seen) == tries
    assert len(server.seen) == 8 + tries
    await nav.write([Write(IDS[0], WriteKind.UPDATE, "Customer", IDS[0], {"Name": "new"}, 'W/"1"')])
    last = server.seen[-1]
    assert (last.method, last.headers["if-match"]) == ("PATCH", 'W/"1"')
    assert last.target.endswith(f"/Company('CRONUS%20International%20Ltd.')/Customer({IDS[0]})")


async def test_a_connection_test_does_not_wait_long(make_crm: Make, make_nav: Make, server: Server, time: Time) -> None:
    server.say(reply(503))
    for side in (make_crm(), make_nav()):
        steps = await side.probe()
        assert [one.ok for one in steps] == [False]
        assert "503" in steps[0].detail
    assert time.now - 1000 <= 10


@pytest.mark.parametrize("content", [{}, {"value": 5}, {"value": [None]}])
async def test_a_service_that_is_something_else_fails_the_connection_test(
    make_crm: Make, make_nav: Make, server: Server, content: Any
) -> None:
    server.say(json_reply(content))
    for side in (make_crm(), make_nav()):
        assert not all(one.ok for one in await side.probe())


@pytest.mark.parametrize("size", [0, 101, 1001])
def test_batches_have_a_size_that_the_services_take(size: int, make_crm: Make, make_nav: Make) -> None:
    if size != 101:
        with pytest.raises(ValueError, match="a batch has"):
            make_crm(batch=size)
    with pytest.raises(ValueError, match="a batch has"):
        make_nav(batch=size)


@pytest.mark.parametrize("row", [{"name": "nobody's"}, {"accountid": None}, {"accountid": 1}])
async def test_a_row_by_key_that_comes_without_it_ends_the_reading(
    make_crm: Make, server: Server, row: dict[str, object]
) -> None:
    server.say(json_reply({"value": [{"accountid": IDS[0]}, row]}))
    with pytest.raises(ConnectionLost, match="without its key, accountid"):
        await make_crm().fetch("accounts", "accountid", IDS[:2], ("name",))
