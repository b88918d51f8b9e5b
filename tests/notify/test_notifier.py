"""Who is told, when, how often, and what is done about those who cannot be reached; with a store and a server, and no time."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.config.notify import KINDS, Notification
from engine.config.settings import StoreSettings
from engine.model.errors import RunError, StoreError
from engine.model.snapshot import RunState
from engine.runs import control, snapshots
from engine.runs.notifier import Means, accompany, tell_left
from engine.store import notices
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.store.schema import notice
from tests.notify.receiver import Receiver, receiving
from tests.runs.company import eventually
from tests.runs_store.tools import at, put, settings_of
from tests.store.tools import AT, later, rows


class Killed(BaseException):
    pass


@dataclass
class Hand:
    """Time that passes only while somebody sleeps, and what is said."""

    passed: float = 0
    said: list[dict[str, Any]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    while_asleep: Callable[[], object] = lambda: None

    def now(self) -> datetime:
        return AT + timedelta(seconds=100 + self.passed)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
        self.while_asleep()

    def log(self, what: str, **why: str) -> None:
        self.said.append({"what": what, **why})

    @property
    def means(self) -> Means:
        return Means(self.log, self.now, lambda: self.passed, self.sleep, lambda: 0.0)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def settings(tmp_path: Path, url: str, receiver: Receiver) -> Settings:
    made = replace(settings_of(tmp_path), store=StoreSettings(url))
    return replace(made, notify=(Notification("chat", kinds=KINDS, webhook=receiver.url),))


def started(store: Store, settings: Settings, kind: str = "run") -> int:
    return control.start(store, settings, kind=kind, by="me@here", clock=at(0))


def end(store: Store, number: int, state: RunState = RunState.ASKING, seconds: float = 60, **values: Any) -> None:
    put(store, number, state, beat_at=later(50), ended_at=later(seconds), **values)


async def beside(settings: Settings, number: int, hand: Hand, then: Callable[[], object] = lambda: None) -> None:
    """A notifier beside an engine that does something and is gone."""
    await asyncio.wait_for(accompany(settings, number, then, hand.means), 60)


def told_state(store: Store) -> list[tuple[str, bool, bool]]:
    return [(row["target"], row["told"] is not None, row["over"]) for row in rows(store, notice)]


async def test_it_tells_what_became_of_the_run_once_its_engine_is_gone(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    number = started(store, settings)

    def work() -> None:
        assert told_state(store) == [("chat", False, False)], "it is noted beforehand that somebody is to be told"
        assert receiver.told == []
        end(store, number)

    await beside(settings, number, hand, work)
    assert receiver.events == [(number, "asking")]
    assert hand.said == []


async def test_an_engine_that_was_killed_is_told(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    number = started(store, settings)
    await beside(settings, number, hand, lambda: put(store, number, beat_at=later(50)))
    assert [(one["event"], one["state"]) for one in receiver.told] == [("failed", "interrupted")]


async def test_an_engine_that_was_killed_is_told_although_its_lock_is_let_go_later(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    number = started(store, settings)
    put(store, number, beat_at=later(50))
    with ExitStack() as lock:
        lock.enter_context(engine_lock(store))
        hand.while_asleep = lock.close
        await beside(settings, number, hand)
    assert [(one["event"], one["state"]) for one in receiver.told] == [("failed", "interrupted")]


async def test_an_engine_that_never_began_is_told_when_it_had_its_time(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    hand.passed = -100
    number = started(store, settings)
    await beside(settings, number, hand)
    assert [(one["event"], one["state"]) for one in receiver.told] == [("failed", "interrupted")]
    assert hand.passed >= -90


async def test_what_was_told_is_not_told_again_and_what_happens_later_is(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    number = started(store, settings)
    await beside(settings, number, hand, lambda: end(store, number, RunState.STOPPED, code="connection"))
    await beside(settings, number, hand)
    assert receiver.events == [(number, "failed")]
    put(store, number, RunState.RUNNING)
    await beside(settings, number, hand, lambda: end(store, number, RunState.STOPPED, 90, code="connection"))
    assert receiver.events == [(number, "failed")] * 2
    await beside(settings, number, hand, lambda: end(store, number, RunState.ASKING, 95))
    control.answer(store, number, yes=True, by="op", clock=at(99))
    await beside(settings, number, hand)
    await beside(settings, number, hand)
    assert receiver.events[2:] == [(number, "asking"), (number, "ended")]
    assert told_state(store) == [("chat", True, True)]


async def test_only_the_events_and_kinds_that_are_wanted_are_told(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    hook = settings.notify[0]
    settings = replace(settings, notify=(
        replace(hook, name="bad", events=("failed",)),
        replace(hook, name="plans", kinds=("plan",)),
    ))  # fmt: skip
    number = started(store, settings)
    await beside(settings, number, hand, lambda: end(store, number))
    assert receiver.told == []
    assert told_state(store) == [("bad", True, False)]
    control.cancel(store, number, "op", clock=at(70))
    plan = started(store, settings, "plan")
    await beside(settings, plan, hand, lambda: end(store, plan, RunState.FINISHED))
    assert receiver.events == [(plan, "ended")]


async def test_it_is_tried_again_ever_more_slowly_until_it_arrives(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    receiver.answers = [503, 0, 500]
    number = started(store, settings)
    await beside(settings, number, hand, lambda: end(store, number))
    assert receiver.events == [(number, "asking")] * 4
    assert len({one["id"] for one in receiver.told}) == 1, "whoever is told twice can see that"
    assert hand.slept == [2, 4, 8]
    assert hand.said == []


async def test_a_server_may_say_how_long_to_wait(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": "33"}
    number = started(store, settings)
    await beside(settings, number, hand, lambda: end(store, number))
    assert hand.slept == [33]
    assert len(receiver.told) == 2


@pytest.mark.parametrize(
    ("answers", "change", "tries", "said"),
    [
        ([503] * 9, {}, 5, "the webhook answers 503 (5 of 5 tries)"),
        ([503] * 9, {"tries": 2}, 2, "the webhook answers 503 (2 of 2 tries)"),
        ([503] * 9, {"within": 5}, 2, "the webhook answers 503 (2 of 5 tries)"),
        ([404] * 9, {}, 1, "the webhook answers 404 (1 of 5 tries)"),
    ],
)
async def test_it_gives_up_with_one_warning_in_the_log_and_one_line_of_the_run(
    store: Store,
    settings: Settings,
    receiver: Receiver,
    hand: Hand,
    answers: list[int],
    change: dict[str, Any],
    tries: int,
    said: str,
) -> None:
    receiver.answers = [*answers]
    settings = replace(settings, notify=(replace(settings.notify[0], **change),))
    number = started(store, settings)
    await beside(settings, number, hand, lambda: end(store, number))
    assert len(receiver.told) == tries
    assert [(one["what"], one["target"], one["reason"]) for one in hand.said] == [("notification failed", "chat", said)]
    found = snapshots.run(store, number)
    assert [one.text for one in found.events] == [f"notification chat was not delivered: {said}"]
    assert found.state is RunState.ASKING
    receiver.answers = []
    await beside(settings, number, hand)
    assert len(receiver.told) == tries, "what was given up is not tried again"


async def test_one_that_cannot_be_reached_does_not_delay_another_one(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    order: list[str] = []
    with receiving() as other:
        other.answers = [503] * 4
        hand.while_asleep = lambda: order.append(f"asleep, {len(receiver.told)} told")
        hook = settings.notify[0]
        settings = replace(settings, notify=(replace(hook, name="slow", webhook=other.url), hook))
        number = started(store, settings)

        async def sleep(seconds: float) -> None:
            await asyncio.to_thread(eventually, lambda: receiver.told)
            await hand.sleep(seconds)

        means = replace(hand.means, sleep=sleep)
        await asyncio.wait_for(accompany(settings, number, lambda: end(store, number), means), 60)
        assert len(other.told) == 5
    assert order[0] == "asleep, 1 told"


async def test_what_an_ended_notifier_left_is_told_by_the_next_one(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    first = started(store, settings, "sync")
    with pytest.raises(Killed):
        await accompany(settings, first, _killed, hand.means)
    end(store, first, RunState.FINISHED)
    assert receiver.told == []
    second = started(store, settings, "sync")
    await beside(settings, second, hand, lambda: end(store, second, RunState.FINISHED))
    assert sorted(receiver.events) == [(first, "ended"), (second, "ended")]
    assert await tell_left(store, settings, hand.means) == 0


def _killed() -> None:
    raise Killed


async def test_a_notifier_that_was_ended_while_it_told_is_followed_when_its_time_is_over(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    number = started(store, settings)
    receiver.answers = [503]

    async def dies(_: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        await accompany(settings, number, lambda: end(store, number), replace(hand.means, sleep=dies))
    assert await tell_left(store, settings, hand.means) == 0, "it may still be at it"
    hand.passed += 901 + 60
    assert await tell_left(store, settings, hand.means) == 1
    assert receiver.events == [(number, "asking")] * 2


async def test_what_was_running_when_a_notifier_began_is_told_at_its_end(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    first = started(store, settings, "sync")
    with pytest.raises(Killed):
        await accompany(settings, first, _killed, hand.means)
    put(store, first, beat_at=later(50))
    second = started(store, settings, "sync")
    with ExitStack() as at_work:
        at_work.enter_context(engine_lock(store))

        def work() -> None:
            time.sleep(0.5)
            assert receiver.told == []
            end(store, second, RunState.FINISHED)
            at_work.close()

        await beside(settings, second, hand, work)
    assert sorted(receiver.events) == [(first, "failed"), (second, "ended")]


async def test_one_that_is_to_end_leaves_what_does_not_arrive_at_once_to_the_next_one(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    receiver.answers = [503]
    number = started(store, settings)

    async def forever(_: float) -> None:
        hurried.set()
        await asyncio.sleep(600)

    means = replace(hand.means, sleep=forever)
    hurried = means.hurry
    await asyncio.wait_for(accompany(settings, number, lambda: end(store, number), means), 60)
    assert [one["what"] for one in hand.said] == ["notification left to the next notifier"]
    assert snapshots.run(store, number).events == ()
    assert await tell_left(store, settings, hand.means) == 1
    assert receiver.events == [(number, "asking")] * 2


async def test_two_notifiers_tell_it_once(store: Store, settings: Settings, receiver: Receiver, hand: Hand) -> None:
    number = started(store, settings)
    end(store, number)
    await asyncio.gather(*(beside(settings, number, hand) for _ in range(4)))
    assert receiver.events == [(number, "asking")]


async def test_what_is_outdated_is_not_told_any_more(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    receiver.answers = [503]
    number = started(store, settings)
    end(store, number)

    async def answered(seconds: float) -> None:
        await hand.sleep(seconds)
        control.answer(store, number, yes=True, by="op", clock=at(99))
        await beside(settings, number, hand)

    means = replace(hand.means, sleep=answered)
    with pytest.raises(Killed):
        await accompany(settings, number, _killed, means)
    assert await tell_left(store, settings, means) == 0, "what is outdated was not sent"
    assert receiver.events == [(number, "asking"), (number, "ended")]
    assert hand.said == []


async def test_a_run_that_an_engine_works_on_again_is_left_to_the_notifier_of_that(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand
) -> None:
    number = started(store, settings)
    put(store, number, beat_at=later(50))
    hand.while_asleep = lambda: put(store, number, beat_at=later(51))
    with engine_lock(store):
        await beside(settings, number, hand)
    assert receiver.told == []
    assert hand.slept == [1], "one that gives signs of life is not waited for"


async def test_a_store_that_cannot_be_read_any_more_is_told_too(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = started(store, settings)

    def breaks() -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise sa.exc.OperationalError("SELECT", {}, Exception("disk I/O error"))

        monkeypatch.setattr(sa.Engine, "connect", fail)
        monkeypatch.setattr(sa.Engine, "begin", fail)

    await beside(settings, number, hand, breaks)
    assert [(one["run"], one["event"], one["code"]) for one in receiver.told] == [(number, "failed", "store")]
    assert {"the state store cannot be read", "what is told cannot be noted"} <= {one["what"] for one in hand.said}


async def test_a_store_that_is_full_keeps_nobody_from_being_told(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = started(store, settings)
    end(store, number)

    def full(*_: Any, **__: Any) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("database or disk is full"))

    monkeypatch.setattr(sa.Engine, "begin", full)
    receiver.answers = [503]
    await beside(settings, number, hand)
    assert receiver.events == [(number, "asking")] * 2
    receiver.answers = [503] * 9
    await beside(settings, number, hand)
    assert len(receiver.told) == 2 + 5
    assert hand.said[-2]["reason"] == "the webhook answers 503 (5 of 5 tries)"


async def test_a_store_that_can_be_written_again_before_anything_was_noted_in_it(
    store: Store, settings: Settings, receiver: Receiver, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = started(store, settings)
    end(store, number)
    begin, fails = sa.Engine.begin, [True, True]

    def at_first_full(engine: sa.Engine) -> Any:
        if fails:
            fails.pop()
            raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))
        return begin(engine)

    monkeypatch.setattr(sa.Engine, "begin", at_first_full)
    await beside(settings, number, hand)
    assert [one["what"] for one in hand.said] == ["what is told cannot be noted"] * 2
    assert receiver.events == [(number, "asking")]
    assert told_state(store) == [("chat", True, False)]


def test_what_is_over_is_followed_only_by_another_end(store: Store, settings: Settings) -> None:
    number = started(store, settings)
    with store.writing() as connection:
        take = partial(notices.claim, connection, number, "chat", now=later(0), until=later(60))
        assert take("asking", last=False)
        assert take("ended", last=True)
        notices.settle(connection, number, "chat", "ended", over=True)
        assert not take("asking", last=False), "a notifier that looked before the answer"
        assert take("cancelled", last=True), "as of a synchronization that had stopped, which nobody can resume"


async def test_a_run_that_is_not_there(store: Store, settings: Settings, hand: Hand) -> None:
    with pytest.raises(RunError, match="There is no run 7"):
        await beside(settings, 7, hand)


async def test_a_store_that_is_not_there(settings: Settings, hand: Hand) -> None:
    gone = replace(settings, store=StoreSettings("sqlite:////proc/none/x.db"))
    with pytest.raises(StoreError):
        await beside(gone, 1, hand)
    assert hand.slept == [2, 4, 6, 8]
