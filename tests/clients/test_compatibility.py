"""What docs/compatibility.md says is what `make test-clients` would try, and a client that fails is said to."""

import json
import re
from pathlib import Path

import pytest

from tests.clients import __main__ as command
from tests.clients import drivers
from tests.clients.drivers import ROOT, CannotRunError, Driver, Result, run
from tests.clients.table import lines

PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
ALL = [pytest.param(one, id=one.name) for one in drivers.drivers()]
DRIVER = """
import os, urllib.request
from tests.clients.report import feature, report

@feature("read")
def read():
    request = urllib.request.Request(os.environ["CRM_URL"] + "/WhoAmI")
    request.add_header("Authorization", "Bearer " + os.environ["TOKEN"])
    assert os.environ["CRM_URL"].startswith("https://") and urllib.request.urlopen(request).status == 200
    return "as it should"

@feature("count")
def count():
    raise ValueError("one too many")

report("pip", "CRM")
"""


def pinned(driver: Driver) -> tuple[str, str]:
    """The name and the version of the client itself."""
    name, text = driver.name.replace("_", "-"), driver.pins.read_text(encoding="utf-8")
    if driver.pins.suffix == ".json":
        return name, str(json.loads(text)["packages"][f"node_modules/{name}"]["version"])
    found = re.search(rf"^{name}==(\S+)", text, re.MULTILINE)
    assert found is not None
    return name, found[1]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def made(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Driver:
    monkeypatch.setattr(drivers, "CACHE", cache)
    (folder / "pip.py").write_text(script, encoding="utf-8")
    (folder / "pip.txt").touch()
    return Driver(folder / "pip.py", folder / "pip.txt")


@pytest.mark.parametrize("driver", ALL)
def test_the_page_names_each_client_in_the_version_that_is_pinned(driver: Driver) -> None:
    assert driver.script.is_file()
    assert f"| {' '.join(pinned(driver))} " in PAGE


@pytest.mark.parametrize("driver", ALL)
def test_pins_have_hashes_and_no_addresses(driver: Driver) -> None:
    text = driver.pins.read_text(encoding="utf-8")
    assert "sha256:" in text or '"integrity"' in text
    assert "://" not in text


def test_the_page_knows_of_nothing_that_fails() -> None:
    rows = [line.strip("| ").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    cells = {cell.strip() for row in rows for cell in row[1:] if not set(cell.strip()) <= {"-"}}
    assert {"yes", "–"} <= cells
    assert "FAILED" not in cells


def test_a_table_has_a_row_for_each_feature_of_any_client() -> None:
    one = Result("one", "1.0", "CRM", {"read": (True, "by id"), "$count": (False, "why")})
    two = Result("two", "2.0", "CRM", {"read": (True, ""), "$batch": (True, "")})
    assert lines([one, two, Result("nav", "3", "NAV", {"read": (True, "")})]) == [
        "", "## CRM", "",
        "|        | one 1.0 | two 2.0 |",
        "| ------ | ------- | ------- |",
        "| read   | yes     | yes     |",
        "| $count | FAILED  | –       |",
        "| $batch | –       | yes     |",
        "", "- one, read: by id",
        "", "## NAV", "",
        "|      | nav 3 |",
        "| ---- | ----- |",
        "| read | yes   |",
    ]  # fmt: skip


def test_a_feature_that_fails_fails_the_whole_and_the_page_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    driver = made(tmp_path, DRIVER, monkeypatch, cache)
    result = run(driver)
    assert result.features == {"read": (True, "as it should"), "count": (False, "ValueError: one too many")}
    monkeypatch.setattr(command, "drivers", lambda: [driver])
    monkeypatch.setattr(command, "_PAGE", tmp_path / "page.md")
    assert command.main(["--write"]) == 1
    assert "1 passed, 1 failed, 0 skipped" in capsys.readouterr().out
    assert not (tmp_path / "page.md").exists()
    driver.script.write_text(DRIVER.replace('raise ValueError("one too many")', "pass"), encoding="utf-8")
    assert command.main(["--write"]) == 0
    assert "| count | yes" in (tmp_path / "page.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("script", "message"),
    [("raise SystemExit(3)", "ended with 3"), ("1 +", "SyntaxError"), ("pass", "ended with 0")],
)
def test_a_driver_that_does_not_come_to_its_features_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, script: str, message: str
) -> None:
    with pytest.raises(CannotRunError, match=message):
        run(made(tmp_path, script, monkeypatch, cache))


def test_a_client_whose_tool_is_missing_is_skipped_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(command, "run", lambda driver: Result(driver.name, "1", "CRM", {"read": (True, "")}))
    assert command.main([]) == 0
    assert "!!! SKIPPED dynamics_web_api: this machine has no npm" in capsys.readouterr().out
