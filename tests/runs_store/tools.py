"""What an engine would write into a store, without one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.config import Settings
from engine.config.secrets import Secret
from engine.config.settings import CrmSettings, NavSettings, RunSettings, StoreSettings, UiSettings
from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from engine.store import pages, runs
from engine.store.database import Store
from engine.store.pages import PageResult
from engine.store.schema import run
from engine.store.work import Scope
from tests.store.tools import AT, later

JOBS = ["CURRENCY", "SALEPEOPLE", "UNITOFMEASURE", "CUSTOMER", "CONTACTS", "RESOURCE-PRODUCT", "ITEM-PRODUCT"]
STORED_STATES = [state for state in RunState if state is not RunState.INTERRUPTED]


def settings_of(folder: Path) -> Settings:
    secret = Secret("env:NOT_SET", folder, {})
    return Settings(
        path=folder / "config.toml",
        environment="uat",
        nav=NavSettings("https://nav.example/ODataV4", "CRONUS", secret),
        crm=CrmSettings("https://crm.example", secret),
        store=StoreSettings("sqlite:////not/used.db"),
        run=RunSettings(),
        ui=UiSettings(),
    )


def with_nav(settings: Settings, **changes: Any) -> Settings:
    return replace(settings, nav=replace(settings.nav, **changes), mappings=())


def with_crm(settings: Settings, **changes: Any) -> Settings:
    return replace(settings, crm=replace(settings.crm, **changes))


def at(seconds: float) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: later(seconds)


def put(store: Store, number: int, state: RunState | None = None, **values: Any) -> None:
    """Change columns of a run as an engine does."""
    if state is not None:
        values["state"] = state.value
    with store.writing() as connection:
        assert runs.change(connection, number, list(RunState), values)


def row_of(store: Store, number: int) -> dict[str, Any]:
    with store.reading() as connection:
        return dict(connection.execute(sa.select(run).where(run.c.id == number)).mappings().one())


def set_job(store: Store, scope: Scope, **values: Any) -> None:
    with store.writing() as connection:
        runs.set_job(connection, scope, **values)


def scope_of(number: int, mapping: str, one_way: Direction) -> Scope:
    return Scope(number, JOBS.index(mapping) + 1, mapping, one_way, plan=False)


def add_page(store: Store, scope: Scope, result: PageResult, when: datetime = AT) -> None:
    with store.writing() as connection:
        pages.add_page(connection, scope, result, when)
