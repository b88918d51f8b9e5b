"""A write that is cancelled before any of its batches has begun."""

import asyncio
import warnings

import pytest

from engine.connectors.protocol import Write, WriteKind
from tests.connectors.conftest import Make
from tests.connectors.scripted import Server

WRITES = [Write(f"k{number}", WriteKind.UPDATE, "accounts", f"{number:036}", {"name": "N"}) for number in range(3)]


async def test_nothing_is_sent_and_no_batch_is_left_unawaited(make_crm: Make, server: Server) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        writing = asyncio.create_task(make_crm(batch=1).write(WRITES))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    assert [str(one.message) for one in told] == []
    assert server.seen == []
