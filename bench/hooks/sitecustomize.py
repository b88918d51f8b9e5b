"""Python loads this at the start of each process when this folder is on its path.

It is for the one process that does the work, the floor's or our engine's, which another command starts: its threads
are profiled into the folder BENCH_PROFILE, or it starts anew under callgrind, which writes into BENCH_CALLGRIND.
"""

import atexit
import cProfile
import os
import sys
import threading
from pathlib import Path

_module = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv else []
if _module[:2] == ["tui", "engine"] or _module[:1] == ["bench.floor"]:
    if (_out := os.environ.pop("BENCH_CALLGRIND", None)) is not None:
        _tool = ("valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={_out}/%p")
        os.execvp(_tool[0], (*_tool, *sys.orig_argv))  # noqa: S606 - found on the path, as by a shell

    if (_folder := os.environ.get("BENCH_PROFILE")) is not None:
        _run = threading.Thread.run

        def _profiled(thread: threading.Thread) -> None:
            profile = cProfile.Profile()
            try:
                profile.runcall(_run, thread)
            finally:
                profile.dump_stats(Path(os.environ["BENCH_PROFILE"], thread.name))

        threading.Thread.run = _profiled  # type: ignore[method-assign, assignment]  # to be in each of them
        _main = cProfile.Profile()

        def _end() -> None:
            _main.disable()
            _main.dump_stats(Path(os.environ["BENCH_PROFILE"], "main"))

        atexit.register(_end)
        _main.enable()
