"""The clock of an engine."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.sync import context
from engine.sync.context import steady_clock


def test_a_clock_that_is_set_changes_nothing_for_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 3, 1, 12, tzinfo=UTC)
    passed = 100.0
    monkeypatch.setattr(context, "system_clock", lambda: begun)
    monkeypatch.setattr(context, "_passed", lambda: passed)
    clock = steady_clock()
    monkeypatch.setattr(context, "system_clock", lambda: begun - timedelta(hours=2))
    passed = 107.5
    assert clock() == begun + timedelta(seconds=7.5)
    assert abs(steady_clock()() - (begun - timedelta(hours=2))) < timedelta(seconds=1)
