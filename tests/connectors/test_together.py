"""Several requests at once: reads end with the first failure, writes each come to their end."""

import asyncio

import pytest

from engine.connectors.together import all_or_none, each_to_its_end


class Calls:
    """Requests that note how they end."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.begun = 0

    async def answered(self, name: str, turns: int) -> str:
        self.begun += 1
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # as a connection takes some time to be closed
            self.ended.append(f"{name} was cut off")
            raise
        self.ended.append(name)
        return name

    async def fails(self, name: str) -> str:
        await asyncio.sleep(0)
        raise ConnectionError(name)


@pytest.mark.parametrize("together", [all_or_none, each_to_its_end])
async def test_results_are_in_the_order_of_the_calls_whichever_ends_first(together: object) -> None:
    assert callable(together)
    calls = Calls()
    assert await together([calls.answered("slow", 5), calls.answered("fast", 1)]) == ["slow", "fast"]
    assert calls.ended == ["fast", "slow"]
    assert await together([]) == []


async def test_no_write_is_cut_off_by_another_one_that_fails() -> None:
    calls = Calls()
    with pytest.raises(ConnectionError, match="broken"):
        await each_to_its_end([calls.answered("first", 3), calls.fails("broken"), calls.answered("last", 9)])
    assert calls.ended == ["first", "last"], "what was under way is done when the failure is told"


async def test_of_two_failed_writes_the_first_one_is_told() -> None:
    calls = Calls()
    with pytest.raises(ConnectionError, match="one"):
        await each_to_its_end([calls.fails("one"), calls.fails("two")])


async def test_reads_end_with_the_first_that_fails_and_none_is_left_behind() -> None:
    calls = Calls()
    with pytest.raises(ConnectionError, match="broken"):
        await all_or_none([calls.answered("slow", 10**6), calls.fails("broken")])
    assert calls.ended == ["slow was cut off"]


async def test_reads_end_with_whoever_waits_for_them() -> None:
    calls = Calls()
    waiting = asyncio.create_task(all_or_none([calls.answered(name, 10**6) for name in "ab"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert calls.begun == 2
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert sorted(calls.ended) == ["a was cut off", "b was cut off"]
