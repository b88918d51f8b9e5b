"""`coupler` whose screens fail at their third look at a run."""

import sys
from itertools import count
from typing import Never
from unittest import mock

from tui.cli import main
from tui.engine_door import EngineDoor

_looks = count(1)
_run = EngineDoor.run


def _look(door: EngineDoor, run: int) -> object:
    return _fail() if next(_looks) > 2 else _run(door, run)


def _fail() -> Never:
    secret = "canary-secret"
    raise ZeroDivisionError(len(secret))


if __name__ == "__main__":
    with mock.patch.object(EngineDoor, "run", _look):
        sys.exit(main())
