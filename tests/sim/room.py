"""Where the worlds of this process keep their state store, one after the other: one file, and one engine of SQLAlchemy
that need not compile the same statements for each life anew.
"""

import functools
import os
import shutil
import tempfile
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import sqlalchemy as sa

from engine.store.database import Store


@dataclass(frozen=True, slots=True)
class Room:
    """A folder of one process; `empty` is a state store that nobody has used yet."""

    folder: Path
    file: Path
    url: str
    engine: sa.Engine
    empty: bytes


def room() -> Room:
    """The room of this process; it goes when the process ends."""
    return _room(os.getpid())


@functools.cache
def _room(process: int) -> Room:
    del process
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="coupler-sim-", dir=memory if memory.is_dir() else None))
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=1)
    file = folder / "store.db"
    store = Store.open(f"sqlite:///{file}")
    store.close()
    return Room(folder, file, f"sqlite:///{file}", store.engine, file.read_bytes())
