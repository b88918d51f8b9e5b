"""What a good config.toml gives, where it is looked for, and which folders are made."""

import os
import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import config_dir, find_config, load, log_dir, state_dir
from engine.config.paths import private
from engine.model.errors import ConfigError

ROOT = Path(__file__).parents[2]
MINIMAL = """\
environment = "uat"
nav = { url = "https://nav.example/NAV/ODataV4/", company = "CRONUS", secret = "env:NAV_SECRET" }
crm = { url = "https://crm.example", secret = "file:crm.token" }
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("COUPLER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_is_valid_without_any_secret_being_set() -> None:
    settings = load(ROOT / "config.toml", environ={})
    assert settings.environment == "uat"
    with pytest.raises(ConfigError, match="NAV_SECRET is not set"):
        settings.nav.secret.reveal()


def test_every_commented_line_of_the_example_is_valid_with_the_default(tmp_path: Path) -> None:
    lines = (ROOT / "config.toml").read_text().splitlines()
    turned = [line.removeprefix("# ") if re.match(r"# (\[|\w[\w.]* = )", line) else line for line in lines]
    stores = [line for line in turned if line.startswith("url = ") and "sql" in line]
    assert len(stores) == 3
    for store in stores:
        text = "\n".join(line for line in turned if line not in stores or line == store)
        (tmp_path / "all.toml").write_text(text)
        settings = load(tmp_path / "all.toml")
        plain = load(ROOT / "config.toml")
        assert settings.ui.keys == {"run.pause": "f2"}
        assert (settings.run, settings.crm.batch) == (plain.run, plain.crm.batch)
        assert replace(settings.ui, keys={}) == plain.ui
        assert (settings.nav.settle_wait, settings.nav.concurrency) == (plain.nav.settle_wait, plain.nav.concurrency)
        assert (settings.nav.user, settings.nav.marker_field) == ("COUPLER", "CRM_Id")
        assert [one.name for one in settings.mappings] == [*(one.name for one in plain.mappings), "VENDOR"]
        customer, default = (next(one for one in each.mappings if one.name == "CUSTOMER") for each in (settings, plain))
        assert (customer.nav, customer.direction, customer.conflict) == (
            default.nav,
            default.direction,
            default.conflict,
        )
        assert len(customer.fields) == len(default.fields) + 1
        assert settings.schedule.timing("CONTACTS") == plain.schedule.timing("CONTACTS")
        assert settings.schedule.look_every == plain.schedule.look_every


@pytest.mark.parametrize(("nav_way", "crm_way"), [("token", "token"), ("basic", "entra"), ("ntlm", "ntlm")])
def test_what_the_sandbox_writes_is_valid(tmp_path: Path, nav_way: str, crm_way: str) -> None:
    from types import SimpleNamespace
    from typing import Any

    from sandbox.command import write_config
    from sandbox.front import Front

    servers: Any = SimpleNamespace(
        nav_url="http://127.0.0.1:1/NAV/ODataV4",
        crm_url="http://127.0.0.1:2",
        token="t0ken",
        doors=SimpleNamespace(front=Front(nav_way, crm_way), token_url="http://127.0.0.1:2/t/oauth2/v2.0/token"),
        nav=SimpleNamespace(company='CRONUS Ünternational / "Ltd"', version="bc"),
    )
    write_config(tmp_path / "demo.toml", servers)
    settings = load(tmp_path / "demo.toml")
    assert settings.nav.secret.reveal() == settings.crm.secret.reveal() == "t0ken"
    assert settings.nav.secret.warning() is None
    assert (settings.nav.auth, settings.crm.auth) == (nav_way, crm_way)
    assert settings.store.url == f"sqlite:///{tmp_path}/demo.db"
    assert settings.nav.marker_field == "CRM_Id"


def test_a_file_of_certificates_is_beside_the_config_file(tmp_path: Path) -> None:
    text = MINIMAL.replace('secret = "env', 'ca_file = "ca/own.pem", secret = "env')
    (tmp_path / "config.toml").write_text(
        text.replace('secret = "file', 'ca_file = "/etc/ssl/own.pem", secret = "file')
    )
    settings = load()
    assert settings.nav.ca_file == f"{tmp_path}/ca/own.pem"
    assert settings.crm.ca_file == "/etc/ssl/own.pem"


def test_values_are_completed(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(MINIMAL)
    settings = load()
    assert settings.path == tmp_path / "config.toml"
    assert settings.nav.url == "https://nav.example/NAV/ODataV4"
    assert settings.store.url == f"sqlite:///{tmp_path}/state/coupler/uat.db"
    assert (settings.nav.page_size, settings.nav.settle_wait, settings.nav.version) == (1000, 660, "bc")
    assert settings.crm.settle_wait == 130
    assert not settings.production


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("sqlite:///a b/x.db", "sqlite:///{folder}/a b/x.db"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ("postgresql://me@db/x", "postgresql+psycopg://me@db/x"),
        ("postgresql+psycopg:///x", "postgresql+psycopg:///x"),
    ],
)
def test_stores_are_found_from_any_folder(tmp_path: Path, written: str, used: str) -> None:
    (tmp_path / "config.toml").write_text(f'{MINIMAL}store.url = "{written}"\n')
    assert load().store.url == used.format(folder=tmp_path)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/x", "http://127.9.9.9/x", "http://[::1]:8080/x", "https://10.0.0.1/x"]
)
def test_plain_http_stays_on_this_machine(tmp_path: Path, url: str) -> None:
    (tmp_path / "config.toml").write_text(MINIMAL.replace("https://crm.example", url))
    assert load().crm.url == url


@pytest.mark.parametrize("url", ["https://org.crm4.example", "https://org.crm4.example/"])
def test_an_organizations_address_leads_to_its_web_api(tmp_path: Path, url: str) -> None:
    (tmp_path / "config.toml").write_text(MINIMAL.replace("https://crm.example", url))
    assert load().crm.url == "https://org.crm4.example/api/data/v9.2"


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load().nav.company == "CRONUS"


def test_settings_never_show_a_secret(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(MINIMAL.replace("file:crm.token", "command:echo hunter2"))
    assert "hunter2" not in repr(load())


def test_the_order_in_which_files_are_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config(None, {})
    assert len(caught.value.problems) == 2
    assert "coupler demo" in caught.value.hint

    config_dir().mkdir(parents=True)
    (config_dir() / "config.toml").write_text(MINIMAL)
    assert find_config(None, {}) == tmp_path / "config" / "coupler" / "config.toml"
    (tmp_path / "config.toml").write_text(MINIMAL)
    assert find_config(None, {}) == tmp_path / "config.toml"
    (tmp_path / "named.toml").write_text(MINIMAL)
    assert find_config(None, {"COUPLER_CONFIG": "named.toml"}) == tmp_path / "named.toml"
    (tmp_path / "said.toml").write_text(MINIMAL)
    assert find_config(Path("said.toml"), {"COUPLER_CONFIG": "named.toml"}) == tmp_path / "said.toml"


def test_a_named_file_that_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(MINIMAL)
    with pytest.raises(ConfigError) as caught:
        find_config(None, {"COUPLER_CONFIG": "none.toml"})
    assert "$COUPLER_CONFIG" in caught.value.hint


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        made = log_dir()
    finally:
        os.umask(old)
    for folder in (made, state_dir(), tmp_path / "state"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        private(tmp_path / "file" / "deeper")
    with pytest.raises(ConfigError, match="is not a folder"):
        private(tmp_path / "file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (tmp_path / "config.toml").write_text(MINIMAL)
    with pytest.raises(ConfigError) as caught:
        load()
    assert "store.url: is not given, and its usual place cannot be used" in caught.value.problems[0]
