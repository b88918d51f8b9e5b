"""From config.toml to Settings: one pass that finds every fault."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from engine.config import signin, toml, urls
from engine.config.check import Fault, Report, Table, meant
from engine.config.mappings import read_mappings
from engine.config.notify import read_notifications
from engine.config.options import with_options
from engine.config.paths import config_dir, state_dir
from engine.config.schedule import read_schedule
from engine.config.secrets import Secret
from engine.config.secrets import problem as secret_problem
from engine.config.settings import CrmSettings, NavSettings, RunSettings, Settings, StoreSettings, UiSettings
from engine.config.values import NAME
from engine.mapping.defaults import shipped_names
from engine.model.errors import ConfigError
from engine.model.schedule import Timing

NAV_KINDS = ("odata", "api")
NAV_VERSIONS = ("bc", "2018", "2016")
THEMES = (
    *("ansi-dark", "ansi-light", "textual-dark", "textual-light", "atom-one-dark", "atom-one-light"),
    *("catppuccin-frappe", "catppuccin-latte", "catppuccin-macchiato", "catppuccin-mocha", "dracula", "flexoki"),
    *("gruvbox", "monokai", "nord", "rose-pine", "rose-pine-dawn", "rose-pine-moon", "solarized-dark"),
    *("solarized-light", "tokyo-night"),
)

_LARGEST = 1_000_000
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


class NoConfigFile(ConfigError):
    """No config file was named, and there is none in its usual places."""


def find_config(explicit: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to use: the one named, $COUPLER_CONFIG, ./config.toml, the user's; raises ConfigError."""
    if explicit is not None:
        return _existing(explicit, "--config")
    if named := environ.get("COUPLER_CONFIG"):
        return _existing(Path(named), "$COUPLER_CONFIG")
    places = (Path("config.toml"), config_dir() / "config.toml")
    for place in places:
        if place.exists():
            return place.absolute()
    looked = "\n".join(f"not there: {place.absolute()}" for place in places)
    raise NoConfigFile(
        "There is no config file.",
        "Name one with --config FILE, or copy the example config.toml; `coupler demo` needs none.",
        tuple(looked.split("\n")),
    )


def load(path: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file, or of the one that is found; raises ConfigError with everything that is wrong in it."""
    path = find_config(path, environ)
    settings, faults = examine(path, read(path), environ=environ)
    if faults:
        raise _refused(path, tuple(one.told for one in faults))
    return settings


def examine(path: Path, raw: bytes, *, environ: Mapping[str, str] = os.environ) -> tuple[Settings, tuple[Fault, ...]]:
    """What the bytes of a file at `path` say, with stand-ins for what is wrong, and everything that is wrong.

    Raises ConfigError where they are no TOML.
    """
    file = str(path)
    text = _text(path, raw)
    try:
        values = toml.parse(text)
    except toml.TomlError as fault:
        place = file if fault.line is None else f"{file}:{fault.line}"
        raise _refused(path, (f"{place}: not valid TOML: {fault.message}",)) from None
    report = Report(file, toml.lines(text))
    settings = _settings(path, Table(values, (), report), environ)
    return settings, report.faults


def _settings(path: Path, top: Table, environ: Mapping[str, str]) -> Settings:
    environment = top.text(
        "environment",
        pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}",
        what="a short name of letters, digits, - and _, such as uat or production",
    )
    nav = _nav(top.table("nav", needs="url, company and secret"), path.parent, environ)
    version = nav.version if nav.version in NAV_VERSIONS else NAV_VERSIONS[0]
    settings = Settings(
        path=path,
        environment=environment,
        nav=nav,
        crm=_crm(top.table("crm", needs="url and secret"), path.parent, environ),
        store=_store(top.table("store"), path.parent, environment),
        run=_run(top.table("run")),
        ui=_ui(top.table("ui"), top.table("keys")),
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


def _ui(table: Table, keys: Table) -> UiSettings:
    settings = UiSettings(
        theme=table.choice("theme", THEMES, "ansi-dark"),
        ascii=table.flag("ascii", default=True),
        utc=table.flag("utc", default=True),
        refresh_hz=table.number("refresh_hz", 4, 0.2, 20),
        mouse=table.flag("mouse", default=False),
        keys=_keys(keys),
    )
    table.end(_KEYS)
    return settings


def _keys(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, value in table.items():
        # `run.pause = "f2"` is a table in TOML, and means the action "run.pause".
        inner = table.table(name) if isinstance(value, dict) else None
        for action in [name] if inner is None else [one for one, _ in inner.items()]:
            full = action if inner is None else f"{name}.{action}"
            at = table if inner is None else inner
            keys = at.text(action, pattern=r"[^\s,]+(,[^\s,]+)*", what="keys without spaces, such as f2 or ctrl+r,f5")
            for key in filter(None, keys.split(",")):
                # What is before the dot is a screen; one key may do different things on two screens.
                other = taken.setdefault((full.rpartition(".")[0], key), full)
                if other != full:
                    at.add(action, f'"{key}" is already the key of "{other}"')
            found[full] = keys
    return found


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


def _existing(path: Path, said: str) -> Path:
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name that is too long, or is none
        reason = getattr(error, "strerror", None) or "it is no path"
        raise ConfigError(f"{str(path)[:100]}: it cannot be read: {reason}", f"Mend what {said} says.") from error
    if not there:
        beside = [one.name for one in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        near = f"; {meant(path.name, sorted(beside)[:20])}" if beside else ""
        raise ConfigError(f"{path}: there is no such file{near}", f"Mend what {said} says.")
    return path.absolute()


def read(path: Path) -> bytes:
    """The bytes of a config file; raises ConfigError where it is too large, or none that can be read again."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise _refused(path, (f"{path}: it is {what}; the engine must be able to read it again",))
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise _refused(path, (f"{path}: it cannot be read: {error.strerror or error}",)) from error
    if len(raw) > _LARGEST:
        raise _refused(path, (f"{path}: it is larger than {_LARGEST:,} bytes",))
    return raw


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refused(path, (f"{path}:{line}: it is not UTF-8 text",)) from None


def _refused(path: Path, problems: tuple[str, ...]) -> ConfigError:
    count = "one error" if len(problems) == 1 else f"{len(problems)} errors"
    return ConfigError(f"The config file {path} has {count}.", "Mend it, and see `coupler config check`.", problems)
