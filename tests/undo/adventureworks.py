"""AdventureWorks as a world: all of it but for some customers that nothing refers to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.load import read_folder
from tests.runs.company import DATA
from tests.sync.world import World, world

_CUSTOMERS = None if "COUPLER_ALL" in os.environ else 1000
"""COUPLER_ALL takes all of them, which is two minutes more."""


@contextmanager
def adventureworks(folder: Path, customers: int | None = _CUSTOMERS) -> Iterator[World]:
    """Both servers with the data, with so many customers besides those that contacts belong to."""
    seeds = read_folder(DATA)
    nav = {name: [dict(row) for row in rows] for name, rows in seeds.nav.items()}
    crm = {name: [dict(row) for row in rows] for name, rows in seeds.crm.items()}
    needed = {row["Customer_No"] for row in nav["Contact"]}
    others = [row for row in nav["Customer"] if row["No"] not in needed]
    chosen = [row for row in nav["Customer"] if row["No"] in needed] + others[:customers]
    with world(folder, {**nav, "Customer": chosen}, crm, base="USD") as one:
        yield one
