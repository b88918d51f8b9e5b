"""`coupler sandbox --faults`: what clients see of each fault, and whether the server has done what was asked."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
import pytest

from sandbox.crm.state import CrmState
from sandbox.faults import bodies, kinds
from sandbox.faults.front import OF_ALL, USUAL, read_faults
from sandbox.faults.kinds import KINDS
from sandbox.front import Front
from sandbox.load import Seeds, nav_state
from sandbox.serve import running
from tests.sandbox.nav_tools import COMPANY, ROWS, create

LOST = (httpx.ReadError, httpx.RemoteProtocolError)


class Stormy:
    """A company whose server misbehaves, and what became of its units of measure."""

    def __init__(self, client: httpx.AsyncClient, url: str, codes: Any, happened: dict[str, int]) -> None:
        self.client, self.url, self._codes, self.happened = client, url, codes, happened

    @property
    def codes(self) -> list[str]:
        return sorted(set(self._codes) - {"PCS"})

    async def make(self, code: str) -> httpx.Response:
        return await self.client.post(f"{self.url}/Unit_of_Measure", json={"Code": code})

    async def make_many(self, *codes: str) -> httpx.Response:
        requests = [{"id": str(n), **create("Unit_of_Measure", Code=code)} for n, code in enumerate(codes, 1)]
        return await self.client.post(f"{self.url}/$batch", json={"requests": requests})

    async def customers(self) -> httpx.Response:
        return await self.client.get(f"{self.url}/Customer", headers={"Prefer": "odata.maxpagesize=2"})


@asynccontextmanager
async def meeting(kind: str) -> AsyncIterator[Stormy]:
    """Servers on which every request meets the fault that can."""
    front = Front(faults={kind: 1.0})
    async with running(nav_state(Seeds(ROWS, {})), CrmState.build(), front=front) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=20) as client:
            rows = sandbox.nav.tables["Unit_of_Measure"].rows
            yield Stormy(client, f"{sandbox.nav_url}/{COMPANY}", rows, sandbox.doors.nav_faults.happened)


@pytest.mark.parametrize(("kind", "done"), [("reset-before", []), ("reset-after", ["A"]), ("cut", ["A"])])
async def test_an_answer_that_gets_lost_says_nothing_of_what_was_done(kind: str, done: list[str]) -> None:
    async with meeting(kind) as there:
        with pytest.raises(LOST):
            await there.make("A")
        assert there.codes == done
        assert there.happened == {kind: 1}


async def test_a_truncated_answer_looks_whole() -> None:
    async with meeting("truncated") as there:
        answer = await there.make("A")
        assert (answer.status_code, there.codes) == (201, ["A"])
        with pytest.raises(json.JSONDecodeError):
            answer.json()


async def test_a_dripping_answer_comes_in_pieces() -> None:
    async with meeting("drip") as there:
        began = time.monotonic()
        async with there.client.stream("GET", f"{there.url}/Customer") as answer:
            pieces = [piece async for piece in answer.aiter_raw()]
        assert len(pieces) >= 20
        assert time.monotonic() - began > 1
        assert len(json.loads(b"".join(pieces))["value"]) == 7


@pytest.mark.parametrize(("kind", "done"), [("hang-before", []), ("hang-after", ["A"])])
async def test_a_hanging_server_answers_nothing(monkeypatch: pytest.MonkeyPatch, kind: str, done: list[str]) -> None:
    monkeypatch.setattr(kinds, "_HANGS", 0.5)
    async with meeting(kind) as there:
        began = time.monotonic()
        with pytest.raises(LOST):
            await there.make("A")
        assert time.monotonic() - began >= 0.5
        assert there.codes == done


async def test_throttling_names_waits_that_are_odd() -> None:
    async with meeting("throttled") as there:
        answers = [await there.make("A") for _ in range(40)]
        assert {answer.status_code for answer in answers} == {429}
        waits = {answer.headers.get("retry-after") for answer in answers}
        assert {None, "0", "1", "-5", "soon", "1.5"} < waits
        assert any("GMT" in (wait or "") for wait in waits)
        assert there.codes == []


@pytest.mark.parametrize(("kind", "done"), [("html-before", []), ("html-after", ["A"])])
async def test_a_web_page_answers_in_place_of_the_service(kind: str, done: list[str]) -> None:
    async with meeting(kind) as there:
        answer = await there.make("A")
        assert answer.status_code in (408, 500, 502, 503, 504)
        assert answer.headers["content-type"] == "text/html"
        assert there.codes == done


async def test_what_is_delivered_twice_is_done_twice_unless_that_makes_two_records() -> None:
    async with meeting("twice") as there:
        customer = f"{there.url}/Customer('00001')"
        changed = await there.client.patch(customer, json={"Name": "New"}, headers={"If-Match": "*"})
        assert (changed.status_code, there.happened) == (200, {"twice": 1})
        assert (await there.make("A")).status_code == 201
        assert there.happened == {"twice": 1}


async def test_a_late_request_arrives_after_its_sender_was_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "LATEST", 0.6)
    async with meeting("late") as there:
        with pytest.raises(LOST):
            await there.make("A")
        assert there.codes == []
        async with asyncio.timeout(5):
            while there.codes != ["A"]:  # noqa: ASYNC110 - nothing says when it has come
                await asyncio.sleep(0.02)
        assert (await there.customers()).status_code == 200


async def test_half_a_batch_is_done_and_nobody_hears_of_it() -> None:
    done = set()
    async with meeting("half-batch") as there:
        for letter in "ABCDEF":
            codes = [f"{letter}{number}" for number in range(4)]
            assert (await there.make_many(*codes)).status_code == 503
            mine = [code for code in there.codes if code.startswith(letter)]
            assert mine == codes[: len(mine)]
            done.add(len(mine))
    assert len(done) > 2
    assert 4 not in done


async def test_answers_to_a_batch_lack_a_part_or_come_in_another_order() -> None:
    async with meeting("part-missing") as there:
        answers = (await there.make_many("A", "B", "C")).json()["responses"]
        assert (len(answers), there.codes) == (2, ["A", "B", "C"])
    async with meeting("out-of-order") as there:
        answers = (await there.make_many("A", "B", "C")).json()["responses"]
        assert sorted(one["id"] for one in answers) == ["1", "2", "3"] != [one["id"] for one in answers]


async def test_pages_lead_to_themselves_or_elsewhere() -> None:
    async with meeting("next-loop") as there:
        answer = await there.customers()
        assert answer.json()[bodies.NEXT] == str(answer.request.url)
    async with meeting("next-foreign") as there:
        assert httpx.URL((await there.customers()).json()[bodies.NEXT]).host == "elsewhere.example"
        whole = await there.client.get(f"{there.url}/Customer")
        assert (len(whole.json()["value"]), bodies.NEXT in whole.json()) == (7, True), "also the last page"
        assert there.happened == {"next-foreign": 2}


async def test_a_fault_that_finds_nothing_to_do_has_not_happened() -> None:
    async with meeting("next-loop") as there:
        assert (await there.client.get(f"{there.url}/Customer('00001')")).status_code == 200
        assert (await there.client.get(f"{there.url}/Nothing")).status_code == 404
        assert there.happened["next-loop"] == 0
    for kind in ("part-missing", "out-of-order"):
        async with meeting(kind) as there:
            assert (await there.client.post(f"{there.url}/$batch", json={"requests": 0})).status_code != 200
            assert there.happened[kind] == 0
    async with meeting("out-of-order") as there:
        assert len((await there.make_many("A")).json()["responses"]) == 1
        assert there.happened["out-of-order"] == 0


@pytest.mark.parametrize("kind", ["oversize", "bomb"])
async def test_bodies_go_on_beyond_all_measure(kind: str) -> None:
    async with meeting(kind) as there:
        size = packed = 0
        async with there.client.stream("GET", f"{there.url}/Customer") as answer:
            async for piece in answer.aiter_bytes(1 << 20):
                size += len(piece)
            packed = answer.num_bytes_downloaded
    assert size == 96 << 20
    assert packed == size if kind == "oversize" else packed < size / 500


async def test_a_client_that_goes_away_from_an_endless_body_leaves_the_server_whole() -> None:
    async with meeting("oversize") as there:
        async with there.client.stream("GET", f"{there.url}/Customer"):
            pass
        assert (await there.make("A")).status_code == 201


def test_multipart_batches_lose_operations_and_parts_too() -> None:
    kind = "multipart/mixed; boundary=b"
    whole = b"--b\r\n1\r\n--b\r\n2\r\n--b\r\n3\r\n--b--\r\n"
    assert bodies.halved(kind, whole, Random(2)) in [whole[: 7 * n] + b"--b--\r\n" for n in range(4)]
    assert len(bodies.part_missing(kind, whole, Random(1))) == len(whole) - 8


def test_faults_are_named_with_how_likely_they_are() -> None:
    assert read_faults("late, reset-after:0.1") == {"late": USUAL, "reset-after": 0.1}
    assert read_faults("all:0.01,cut:0") == {**dict.fromkeys(KINDS, 0.01), "cut": 0}
    assert read_faults("all") == dict.fromkeys(KINDS, OF_ALL)
    assert read_faults("") == {}
    for wrong in ("latte", "late:2", "late:", "late:x", "late:nan"):
        with pytest.raises(ValueError, match=r"no fault|not a probability"):
            read_faults(wrong)
