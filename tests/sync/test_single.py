"""One row that comes with others: made once, whatever becomes of the answers (`engine.sync.single`)."""

from collections.abc import Sequence
from typing import cast

import pytest

from engine.connectors.protocol import Result, Row, Side, Status, Write, WriteKind
from engine.sync.single import create_one

ID = "70f16a97-75ef-48d7-b498-2f1360aa2455"
WRITE = Write("list", WriteKind.CREATE, "pricelevels", ID, {"name": "Default"})


class Lossy:
    """CRM, whose first answers to creates get lost, and which has or has not made the row by then."""

    def __init__(self, *, lost: int, made_at: int | None, then: Status = Status.DONE) -> None:
        self.sent: list[Write] = []
        self.looked = 0
        self._lost = lost
        self._made_at = made_at
        self._then = then

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        self.sent += writes
        status = Status.UNKNOWN if len(self.sent) <= self._lost else self._then
        return {one.key: Result(one.key, status, one.id) for one in writes}

    async def fetch(self, _entity: str, key: str, ids: Sequence[str], _fields: tuple[str, ...]) -> dict[str, Row]:
        self.looked += 1
        there = self._made_at is not None and len(self.sent) >= self._made_at
        return {id: {key: id} for id in ids} if there else {}


async def made(crm: Lossy) -> Status:
    return (await create_one(cast("Side", crm), WRITE, "pricelevelid")).status


@pytest.mark.parametrize("status", [Status.DONE, Status.EXISTS, Status.REJECTED])
async def test_an_answer_stands_whatever_it_is(status: Status) -> None:
    crm = Lossy(lost=0, made_at=None, then=status)
    assert await made(crm) is status
    assert (len(crm.sent), crm.looked) == (1, 0)


@pytest.mark.parametrize("at", [1, 3])
async def test_a_row_that_is_there_is_not_sent_again_though_no_answer_came(at: int) -> None:
    crm = Lossy(lost=9, made_at=at)
    assert await made(crm) is Status.DONE
    assert len(crm.sent) == at


async def test_what_did_not_arrive_is_sent_again_under_the_same_id() -> None:
    crm = Lossy(lost=2, made_at=None)
    assert await made(crm) is Status.DONE
    assert (len(crm.sent), {one.id for one in crm.sent}) == (3, {ID})


async def test_it_comes_to_an_end_without_an_answer_and_says_that_nobody_knows() -> None:
    crm = Lossy(lost=99, made_at=None)
    assert await made(crm) is Status.UNKNOWN
    assert len(crm.sent) == crm.looked + 1 == 5
