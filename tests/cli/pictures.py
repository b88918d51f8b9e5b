"""Snapshots made by hand, for what shows them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.model.mapping import Direction
from engine.model.snapshot import (
    Counters,
    FlagChange,
    HomeSnapshot,
    JobSnapshot,
    JobState,
    MappingSnapshot,
    RunSnapshot,
    RunState,
    Wish,
)

NOW = datetime(2026, 11, 25, 12, 4, 31, tzinfo=UTC)
HOSTILE = "Acme [/] \x1b]0;x\x07"


def job(seq: int = 4, mapping: str = "CUSTOMER", state: JobState = JobState.RUN, **more: Any) -> JobSnapshot:
    plain = JobSnapshot(
        seq=seq,
        mapping=mapping,
        direction=Direction.BIDIRECTIONAL,
        state=state,
        counters=Counters(read=2210, inserted=311, modified=1840, unchanged=56, failed=3),
        total=4105,
        total_exact=True,
        rate=38.1,
        eta=49.4,
        passes=(),
    )
    return replace(plain, **more)


def flag(mapping: str = "CUSTOMER", **more: Any) -> FlagChange:
    return replace(FlagChange(mapping, before=True, now=False, if_yes=False, if_no=True), **more)


def run(state: RunState = RunState.RUNNING, **more: Any) -> RunSnapshot:
    plain = RunSnapshot(
        id=16,
        kind="run",
        state=state,
        wish=Wish.RUN,
        paused=False,
        environment="uat",
        nav=f"CRONUS {HOSTILE}",
        crm="https://crm.example",
        started=NOW - timedelta(seconds=401),
        ended=None,
        now=NOW,
        beat=NOW,
        waiting="",
        code="",
        message="",
        hint="",
        answer=None,
        answered_by=None,
        answered_at=None,
        jobs=(job(1, "CURRENCY", JobState.OK), job()),
        flags=(flag(),),
        events=(),
        worked=401,
    )
    return replace(plain, **more)


def home(**more: Any) -> HomeSnapshot:
    mapping = MappingSnapshot(
        seq=4,
        name="CUSTOMER",
        direction=Direction.BIDIRECTIONAL,
        nav_table="Customer",
        crm_table="account",
        only_coupled=True,
        cleared_by=None,
        fields=18,
        nav_filter="",
        crm_filter="",
        match="",
        coupled=0,
        last=None,
        last_counters=None,
        last_state=None,
    )
    plain = HomeSnapshot("uat", "CRONUS", "https://crm.example", NOW, (mapping,), None, None)
    return replace(plain, **more)
