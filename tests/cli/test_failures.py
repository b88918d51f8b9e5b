"""What is said of the records behind a coupling command."""

from pathlib import Path

import pytest

from engine.store.database import Store
from tests.store.tools import commit, done, failed, nav, new_run, page_of, problem, scope_of, take
from tui.commands.coupling import say_failures


def test_failures_are_said_although_many_warnings_come_before_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    try:
        number = new_run(store)
        scope = scope_of(number)
        cut = [done(one, warnings=(problem("cut"),)) for one in range(100, 150)]
        lost = [failed(one, problem(message=f"No city in {one}.")) for one in range(700, 725)]
        epoch, *_ = take(store, scope)
        commit(store, scope, epoch, page_of(None, nav(725), [*cut, *lost]))
        say_failures(store, number)
    finally:
        store.close()
    told = capsys.readouterr().err.splitlines()
    assert told[:20] == [f"coupler: CUSTOMER C{one} Firm {one}: No city in {one}." for one in range(700, 720)]
    assert told[20:] == ["  Give it one.", f"  All of them: coupler errors {number} --records"]
