"""Several requests at once, none of which is left behind."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def all_or_none(calls: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """The results in order; the first failure ends the other calls. For reads."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def each_to_its_end(calls: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """The results in order; a failure is raised when the other calls have ended, so that no write is cut off."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    done: list[_T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
