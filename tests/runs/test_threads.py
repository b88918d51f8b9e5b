"""An engine does not outlive the threads that work for it: it would wait for them for ever, and hold the lock."""

import signal
import subprocess
import sys

from tests.runs.company import ROOT

WAITS_FOR_A_THREAD = """
import asyncio, threading, time
from engine.runs.threads import end_with_threads

async def work():
    threading.Thread(target=time.sleep, args=({lives},), name="store_0", daemon=True).start()
    watch = asyncio.create_task(end_with_threads(lambda: print("a thread died", flush=True), 0.05))
    await asyncio.sleep({waits})
    watch.cancel()

asyncio.run(work())
"""


STARTS_A_THREAD = """
import threading, time
from engine.runs.threads import at_most

with at_most(1):
    threading.Event().wait({waits})
time.sleep({later})
"""


def python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )


def waiting(*, lives: float, waits: float) -> "subprocess.CompletedProcess[str]":
    return python(WAITS_FOR_A_THREAD.format(lives=lives, waits=waits))


def test_a_process_whose_thread_has_died_tells_it_and_ends() -> None:
    done = waiting(lives=0.5, waits=60)
    assert (done.returncode, done.stdout) == (70, "a thread died\n")


def test_a_process_whose_threads_live_goes_on() -> None:
    done = waiting(lives=60, waits=0.5)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_process_that_waits_too_long_for_a_thread_to_start_is_killed() -> None:
    assert python(STARTS_A_THREAD.format(waits="", later=0)).returncode == -signal.SIGALRM


def test_a_process_whose_threads_have_started_may_take_its_time() -> None:
    assert python(STARTS_A_THREAD.format(waits=0.1, later=1.5)).returncode == 0
