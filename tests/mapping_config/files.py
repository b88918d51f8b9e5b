"""Config files for tests."""

import os
import subprocess
import sys
from pathlib import Path

from engine.config import Settings, load
from engine.model.mapping import FieldMapping, TableMapping

HEAD = """\
environment = "test"
nav = { url = "https://nav.example/BC/ODataV4", company = "CRONUS International Ltd.", secret = "env:TOKEN" }
crm = { url = "https://crm.example", secret = "env:TOKEN" }
store = { url = "sqlite:///store.db" }

"""
VENDOR = """\
[mapping.VENDOR]
nav = { entity = "Vendor", number = "No", name = "Name" }
crm = { entity = "accounts", key = "accountid", name = "name" }
depends = ["CURRENCY"]
crm_filter = [["customertypecode", "eq", 11]]
match = [[["No", "accountnumber"]]]
fields = [
  { crm = "customertypecode", constant = 11, initial = true },
  { nav = "No", crm = "accountnumber", direction = "to", nav_length = 20, crm_length = 20 },
  { nav = "Name", crm = "name", nav_length = 100, crm_length = 160 },
  { nav = "Currency_Code", crm = "transactioncurrencyid", lookup = "CURRENCY" },
]
"""


def settings(folder: Path, text: str, *, version: str = "bc") -> Settings:
    """The settings of a config file with these mappings."""
    path = folder / "config.toml"
    path.write_text(HEAD.replace("secret = ", f'version = "{version}", secret = ', 1) + text)
    return load(path)


def mapping(folder: Path, text: str, name: str = "CUSTOMER", *, version: str = "bc") -> TableMapping:
    """One of the mappings of that file."""
    return next(one for one in settings(folder, text, version=version).mappings if one.name == name)


def field(one: TableMapping, nav: str, crm: str) -> FieldMapping:
    """One of the field mappings."""
    return next(each for each in one.fields if (each.nav, each.crm) == (nav, crm))


def pairs(one: TableMapping) -> set[tuple[str, str]]:
    """All field mappings by their names."""
    return {(each.nav, each.crm) for each in one.fields}


ROOT = Path(__file__).parents[2]


def coupler(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs `coupler` in a folder, without a terminal."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "tui", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
