"""[schedule] of config.toml: what is by default, what changes it, and every fault of it at once."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from engine.config import Settings, load
from engine.model.errors import ConfigError
from engine.runs.control import fingerprint
from tests.cli.conftest import CONFIG, Coupler, config, coupler, environment

__all__ = ["config", "coupler", "environment"]


def settings(folder: Path, text: str) -> Settings:
    file = folder / "config.toml"
    file.write_text(CONFIG + text)
    return load(file)


def test_without_it_the_defaults_count(tmp_path: Path) -> None:
    found = settings(tmp_path, "").schedule
    assert found.timing("CUSTOMER").text == "every 30 min"
    assert found.timing("ITEM-PRODUCT").inactivity_timeout == timedelta(hours=24)
    assert (found.look_every, found.time_zone) == (timedelta(minutes=1), None)


def test_what_is_said_for_all_and_for_one(tmp_path: Path) -> None:
    text = """
[schedule]
time_zone = "Europe/Berlin"
look_every = "10 s"
attempts = 3
cron = "0  6-20 * * mon-fri"
[schedule.CUSTOMER]
every = "5 min"
inactivity_timeout = "off"
[schedule.SALEPEOPLE]
enabled = false
[schedule.VENDOR]
cron = "0 3 * * *"
wake_on_change = false
retry_delay = "1 min"
[mapping.VENDOR]
nav = { entity = "Vendor", number = "No", name = "Name" }
crm = { entity = "accounts", key = "accountid", name = "name" }
fields = [{ nav = "Name", crm = "name" }]
"""
    found = settings(tmp_path, text).schedule
    assert (found.time_zone, found.look_every) == ("Europe/Berlin", timedelta(seconds=10))
    texts = {name: found.timing(name).text for name in ("CUSTOMER", "SALEPEOPLE", "VENDOR", "CONTACTS")}
    assert texts == {
        "CUSTOMER": "every 5 min",
        "SALEPEOPLE": "off",
        "VENDOR": "cron 0 3 * * *",
        "CONTACTS": "cron 0 6-20 * * mon-fri",
    }
    assert {one.attempts for one in found.timings.values()} == {3}
    assert found.timing("CUSTOMER").inactivity_timeout is None
    vendor = found.timing("VENDOR")
    assert (vendor.wake_on_change, vendor.retry_delay, vendor.inactivity_timeout) == (
        False,
        timedelta(minutes=1),
        timedelta(hours=12),
    )


def test_a_run_that_stopped_goes_on_whatever_becomes_of_the_schedule(tmp_path: Path) -> None:
    before = settings(tmp_path, "")
    assert fingerprint(settings(tmp_path, '[schedule]\nevery = "1 h"\n')) == fingerprint(before)


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """
[schedule]
time_zone = "Europe/Berlim"
look_evry = "1 min"
every = "soon"
[schedule.CUSTOMER]
every = "1 min"
cron = "0 3 * * *"
attempts = 0
[schedule.CONTACTS]
cron = "0 25 * * *"
inactivity_timeout = "0 s"
wake_on_change = "yes"
[schedule.COSTUMER]
every = "1 min"
[schedule.CURRENCY]
cron = "0 0 31 2 *"
evry = "1 min"
"""
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    told = [problem.partition("config.toml:")[2] for problem in caught.value.problems]
    wanted = {
        "schedule.time_zone": "Europe/Berlim", "schedule.look_evry": "look_every", "schedule.every": "30 min",
        "schedule.CUSTOMER.cron": "exclude", "schedule.CUSTOMER.attempts": "from 1", "schedule.CONTACTS.cron": "25",
        "schedule.CONTACTS.inactivity_timeout": '"off"', "schedule.CONTACTS.wake_on_change": "true or false",
        "schedule.COSTUMER": "CUSTOMER", "schedule.CURRENCY.cron": "never comes", "schedule.CURRENCY.evry": "every",
    }  # fmt: skip
    assert len(told) == len(wanted), told
    for key, word in wanted.items():
        (line,) = [one for one in told if f" {key}: " in one]
        assert word in line
        assert line.partition(":")[0].isdigit()


def test_a_fault_that_is_said_for_all_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, '[schedule]\nattempts = 0\n[schedule.CUSTOMER]\nevery = "1 min"\n')
    (problem,) = caught.value.problems
    assert "schedule.attempts: must be from 1 to 1,000" in problem


def test_the_lists_show_it(coupler: Coupler, tmp_path: Path) -> None:
    settings(tmp_path, '[schedule]\ntime_zone = "UTC"\n[schedule.CUSTOMER]\ncron = "0 6 * * *"\n')
    assert "cron 0 6 * * *" in coupler("mappings").stdout
    (mapping,) = coupler("mappings", "customer", "--json").stdout.splitlines()
    assert json.loads(mapping)["schedule"]["inactivity_timeout"] == "12 h"
    shown = coupler("config", "show").stdout
    assert '[schedule."CUSTOMER"]\ncron = "0 6 * * *"' in shown
    assert json.loads(coupler("config", "show", "--json").stdout)["schedule"]["CONTACTS"]["every"] == "30 min"
    (tmp_path / "again.toml").write_text(re.sub(r"secret = .*", 'secret = "env:X"', shown))
    again = load(tmp_path / "again.toml").schedule
    assert again == load(tmp_path / "config.toml").schedule
