"""From config.toml to Settings: one pass that finds every fault."""

import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from engine.config import signin, urls
from engine.config.check import Fault, Table
from engine.config.files import document, find_config, read, refused
from engine.config.mappings import read_mappings
from engine.config.notify import read_notifications
from engine.config.options import with_options
from engine.config.paths import state_dir
from engine.config.schedule import read_schedule
from engine.config.secrets import Secret
from engine.config.secrets import problem as secret_problem
from engine.config.settings import CrmSettings, NavSettings, RunSettings, Settings, StoreSettings
from engine.config.ui import read_environment, read_ui
from engine.config.values import NAME
from engine.mapping.defaults import shipped_names
from engine.model.errors import ConfigError
from engine.model.schedule import Timing

NAV_KINDS = ("odata", "api")
NAV_VERSIONS = ("bc", "2018", "2016")
_KEYS = {
    "nav": (
        *("url", "company", "kind", "version", "secret", "marker_field", "settle_wait"),
        *("page_size", "batch", "concurrency", "ca_file"),
        *signin.KEYS,
    ),
    "crm": ("url", "secret", "settle_wait", "page_size", "batch", "concurrency", "ca_file", *signin.KEYS),
    "store": ("url",),
    "run": ("continue_after_failure",),
    "schedule": ("time_zone", "look_every", *(one.name for one in fields(Timing))),
    "ui": ("theme", "ascii", "utc", "refresh_hz", "mouse"),
}


def load(path: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file, or of the one that is found; raises ConfigError with everything that is wrong in it."""
    path = find_config(path, environ)
    settings, faults = examine(path, read(path), environ=environ)
    if faults:
        raise refused(path, tuple(one.told for one in faults))
    return settings


def examine(path: Path, raw: bytes, *, environ: Mapping[str, str] = os.environ) -> tuple[Settings, tuple[Fault, ...]]:
    """What the bytes of a file at `path` say, with stand-ins for what is wrong, and everything that is wrong.

    Raises ConfigError where they are no TOML.
    """
    top, report = document(path, raw)
    settings = _settings(path, top, environ)
    return settings, report.faults


def _settings(path: Path, top: Table, environ: Mapping[str, str]) -> Settings:
    environment = read_environment(top)
    nav = _nav(top.table("nav", needs="url, company and secret"), path.parent, environ)
    version = nav.version if nav.version in NAV_VERSIONS else NAV_VERSIONS[0]
    settings = Settings(
        path=path,
        environment=environment,
        nav=nav,
        crm=_crm(top.table("crm", needs="url and secret"), path.parent, environ),
        store=_store(top.table("store"), path.parent, environment),
        run=_run(top.table("run")),
        ui=read_ui(top, _KEYS),
        notify=read_notifications(top, path.parent, environ),
        mappings=(mappings := with_options(top, read_mappings(top, version))),
        schedule=read_schedule(top, [one.name for one in mappings]),
    )
    _refuse_unserved(top, settings)
    top.end(_KEYS)
    return settings


def _refuse_unserved(top: Table, settings: Settings) -> None:
    """Note the mappings of the file's own that the kind of NAV side cannot serve."""
    builtin = shipped_names(settings.nav.version)
    for name, reason in settings.mappings_left_out:
        if name not in builtin:
            top.table("mapping").add(name, reason)


def _nav(table: Table, folder: Path, environ: Mapping[str, str]) -> NavSettings:
    url = _service(table, company=True)
    way = signin.read_sign_in(table, url, signin.NAV_WAYS)
    kind = table.choice("kind", NAV_KINDS, "odata")
    settings = NavSettings(
        url=url,
        company=table.text("company", longest=120),
        kind=kind,
        version=table.choice("version", NAV_VERSIONS, "bc"),
        secret=_secret(table, folder, environ),
        auth=way.way,
        user=way.user,
        client_id=way.client_id,
        token_url=way.token_url,
        scope=way.scope,
        marker_field=table.optional("marker_field", pattern=NAME.pattern, what="the name of a field of the pages"),
        settle_wait=table.number("settle_wait", 660, 0, 86_400),
        page_size=table.whole("page_size", 1000, 1, 20_000),
        batch=table.whole("batch", 100, 1, 100),
        concurrency=table.whole("concurrency", 5, 1, 52),
        ca_file=table.file("ca_file", folder),
    )
    if kind == "api":
        _check_api(table, settings)
    elif re.search(r"/api/v[0-9.]+$", settings.url):
        table.add("url", 'is the address of an API; add kind = "api", or end the address with /ODataV4')
    table.end(_KEYS)
    return settings


def _check_api(table: Table, settings: NavSettings) -> None:
    """Note what does not go together with API v2.0."""
    if not settings.url.endswith("/api/v2.0"):
        table.add("url", 'must end with /api/v2.0, as kind is "api"')
    if settings.version != "bc":
        table.add("version", 'must be "bc", as kind is "api": older versions do not have that API')
    if settings.marker_field is not None:
        table.add("marker_field", 'is not needed, and API v2.0 has no such field; leave it out, as kind is "api"')


def _crm(table: Table, folder: Path, environ: Mapping[str, str]) -> CrmSettings:
    url = urls.crm_url(_service(table))
    way = signin.read_sign_in(table, url, signin.CRM_WAYS)
    concurrency = table.whole("concurrency", 1, 1, 52)
    settings = CrmSettings(
        url=url,
        secret=_secret(table, folder, environ),
        auth=way.way,
        user=way.user,
        client_id=way.client_id,
        token_url=way.token_url,
        scope=way.scope,
        settle_wait=table.number("settle_wait", 130, 0, 86_400),
        page_size=table.whole("page_size", 1000, 1, 5000),
        batch=table.whole("batch", 100, 1, 1000),
        concurrency=concurrency if table.has("concurrency") else None,
        ca_file=table.file("ca_file", folder),
    )
    table.end(_KEYS)
    return settings


def _store(table: Table, folder: Path, environment: str) -> StoreSettings:
    found = table.optional("url")
    table.end(_KEYS)
    if found is None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", environment)
        try:
            return StoreSettings(f"sqlite:///{state_dir() / f'{name}.db'}")
        except ConfigError as error:
            table.add("url", f"is not given, and its usual place cannot be used: {error.message}")
            return StoreSettings("")
    if found.strip() and (fault := urls.store_problem(found)):
        table.add("url", fault)
    return StoreSettings(urls.store_url(found, folder))


def _run(table: Table) -> RunSettings:
    settings = RunSettings(continue_after_failure=table.flag("continue_after_failure", default=False))
    table.end(_KEYS)
    return settings


def _service(table: Table, *, company: bool = False) -> str:
    url = table.text("url", longest=2000).rstrip("/")
    if url.strip() and (fault := urls.service_problem(url, company=company)):
        table.add("url", fault)
    return url


def _secret(table: Table, folder: Path, environ: Mapping[str, str]) -> Secret:
    source = table.text("secret", longest=2000)
    if source.strip() and (fault := secret_problem(source)):
        table.add("secret", fault)
    return Secret(source, folder, environ)
