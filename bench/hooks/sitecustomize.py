"""Python loads this at the start of each process when this folder is on its path: it profiles an engine's threads."""

import atexit
import cProfile
import os
import sys
import threading
from pathlib import Path

if "engine" in sys.orig_argv:
    _folder = Path(os.environ["BENCH_PROFILE"])
    _run = threading.Thread.run

    def _profiled(thread: threading.Thread) -> None:
        profile = cProfile.Profile()
        try:
            profile.runcall(_run, thread)
        finally:
            profile.dump_stats(_folder / thread.name)

    threading.Thread.run = _profiled  # type: ignore[method-assign, assignment]  # the only way to be in each of them
    _main = cProfile.Profile()

    def _end() -> None:
        _main.disable()
        _main.dump_stats(_folder / "main")

    atexit.register(_end)
    _main.enable()
