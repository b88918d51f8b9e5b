import asyncio, threading, time
from pathlib import Path
from typing import Any
import pytest, sqlalchemy as sa
from engine.store.lock import engine_lock
from tests.notify.test_notifier import *

async def test_full_store_retries(store, settings, receiver, hand, monkeypatch):
    receiver.answers = [503]
    number = started(store, settings)
    end(store, number)
    def full(*_: Any, **__: Any) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("database or disk is full"))
    monkeypatch.setattr(sa.Engine, "begin", full)
    await beside(settings, number, hand)
    print(receiver.events, hand.said, hand.slept)
    assert len(receiver.events) == 2

async def test_lock_released_a_moment_later(store, settings, receiver, hand):
    number = started(store, settings)
    put(store, number, beat_at=later(50))
    ev = threading.Event()
    def hold():
        with engine_lock(store):
            ev.set(); time.sleep(0.3)
    t = threading.Thread(target=hold); t.start(); ev.wait()
    await beside(settings, number, hand)
    t.join()
    assert receiver.events == [(number, "failed")]
