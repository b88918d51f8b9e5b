"""A side that makes less, or more, of an answer than it holds is found, whatever it is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from msgspec import structs

from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.connectors.protocol import Count, Result, Status, Step, Write
from engine.model.errors import CouplerError
from tests.reliability.bodies import KINDS, accidents, ask
from tests.reliability.judging import IDS

LIES: list[tuple[str, type[Any], str, Any]] = [
    ("rows by id", Dataverse, "fetch", {}),
    ("an error of CRM", Dataverse, "fetch", {}),
    ("records by value", NavPages, "find", []),
    ("a count", Dataverse, "count", Count(0, exact=True)),
    ("who we are", Dataverse, "probe", [Step("WhoAmI", ok=True, detail="")]),
    ("the tables", Dataverse, "metadata", {}),
]
"""What is asked, and what a side says whatever it is answered, or where the answer is damaged."""


def _told(name: str, number: int = 60) -> list[str]:
    """The faults that are found with one kind of questions."""
    tries = [one for one in accidents(number * len(KINDS), 1) if one[0].name == name]
    return asyncio.run(ask(tries)).faults


async def _nothing(_self: object, _query: object) -> AsyncIterator[list[Any]]:
    if _self is None:
        yield []


def _swallowing(real: Callable[..., AsyncIterator[list[Any]]]) -> Callable[..., AsyncIterator[list[Any]]]:
    async def pages(self: object, query: object) -> AsyncIterator[list[Any]]:
        try:
            async for rows in real(self, query):
                yield rows
        except CouplerError:
            return

    return pages


def _short(real: Callable[..., AsyncIterator[list[Any]]]) -> Callable[..., AsyncIterator[list[Any]]]:
    async def pages(self: object, query: object) -> AsyncIterator[list[Any]]:
        async for rows in real(self, query):
            yield rows[:-1]

    return pages


@pytest.mark.parametrize(("name", "side"), [("a page of CRM", Dataverse), ("a page of NAV", NavPages)])
@pytest.mark.parametrize("lie", [lambda _: _nothing, _swallowing, _short])
def test_pages_with_less_than_the_answer_holds_are_found(
    name: str, side: type[Any], lie: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _told(name) == []
    monkeypatch.setattr(side, "pages", lie(side.pages))
    assert _told(name)


@pytest.mark.parametrize(("name", "side", "method", "says"), LIES)
@pytest.mark.parametrize("always", [True, False])
def test_an_answer_that_is_made_up_is_found(
    name: str, side: type[Any], method: str, says: Any, always: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask_and_lie(*arguments: Any) -> Any:
        try:
            return says if always else await real(*arguments)
        except CouplerError:
            return says

    assert _told(name) == []
    real = getattr(side, method)
    monkeypatch.setattr(side, method, ask_and_lie)
    swallows_nothing = name == "who we are" and not always  # a test of the connection raises nothing
    assert bool(_told(name)) is not swallows_nothing


@pytest.mark.parametrize("side", ["a batch of CRM", "a batch of NAV", "CreateMultiple"])
@pytest.mark.parametrize("status", [one for one in Status if one is not Status.UNKNOWN])
def test_a_write_of_which_nothing_is_known_must_be_told_as_such(
    side: str, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(result: Result) -> Result:
        unknown = result.status is Status.UNKNOWN
        return structs.replace(result, status=status, id=result.id or result.key) if unknown else result

    _rewrite(monkeypatch, lie)
    assert _told(side)


@pytest.mark.parametrize("side", ["a batch of CRM", "a batch of NAV", "CreateMultiple"])
@pytest.mark.parametrize("status", list(Status))
def test_a_write_that_was_done_must_be_told_as_such(side: str, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(result: Result) -> Result:
        if result.status is not Status.DONE:
            return result
        return structs.replace(result, id=IDS[4]) if status is Status.DONE else structs.replace(result, status=status)

    _rewrite(monkeypatch, lie)
    assert _told(side)


def _rewrite(monkeypatch: pytest.MonkeyPatch, lie: Callable[[Result], Result]) -> None:
    """Have both sides tell of writes what is not so."""

    def lying(real: Callable[..., Awaitable[dict[str, Result]]]) -> Callable[..., Awaitable[dict[str, Result]]]:
        async def write(self: object, writes: Sequence[Write]) -> dict[str, Result]:
            return {key: lie(one) for key, one in (await real(self, writes)).items()}

        return write

    for side in (Dataverse, NavPages):
        monkeypatch.setattr(side, "write", lying(side.write))
