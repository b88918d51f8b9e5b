"""An engine that only holds its lock: says that it does, or that it may not, until its input ends."""

import sys

from engine.model.errors import LockHeld
from engine.store import lock
from engine.store.database import Store


def main(url: str) -> None:
    """Print `ready`, wait for a line, try the lock, print what came of it, and hold it until the next line."""
    lock._PATIENCE = 0.2
    store = Store.open(url)
    say("ready")
    sys.stdin.readline()
    try:
        with lock.engine_lock(store):
            say("held")
            sys.stdin.readline()
    except LockHeld:
        say("refused")
    store.close()
    say("gone")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
