"""The first look at a config file, for which screens do not wait for the checks of all else."""

from pathlib import Path

import pytest

from engine.config import glance, load
from engine.model.errors import ConfigError
from tests.config.test_bad_configs import GOOD

UI = '[ui]\ntheme = "nord"\nascii = false\nrefresh_hz = 2\n[keys]\nrun.pause = "f2"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.mark.parametrize("text", [GOOD, f"{GOOD}\n{UI}", GOOD.replace('"uat"', '"production"')])
def test_it_tells_what_the_whole_file_does(path: Path, text: str) -> None:
    path.write_text(text)
    seen, settings = glance(path), load(path)
    assert (seen.path, seen.environment, seen.production) == (path, settings.environment, settings.production)
    assert seen.ui == settings.ui


@pytest.mark.parametrize(
    "wrong",
    [
        f"{GOOD}\n[ui]\ntheme = 'nrd'\n",
        f"{GOOD}\n[ui]\nthem = 'nord'\n",
        f"{GOOD}\n[keys]\nrun.pause = ''\n",
        f"ui = 1\n{GOOD}",
        GOOD.replace('"uat"', '"u a t"'),
        GOOD.replace('environment = "uat"\n', ""),
        GOOD.replace('"uat"', "uat"),
    ],
)
def test_where_something_of_that_is_wrong_all_that_is_wrong_is_told(path: Path, wrong: str) -> None:
    path.write_text(wrong.replace('company = "CRONUS"', 'compny = "CRONUS"'))
    with pytest.raises(ConfigError) as told:
        load(path)
    with pytest.raises(ConfigError) as seen:
        glance(path)
    assert seen.value.problems == told.value.problems


def test_what_else_is_wrong_is_left_to_those_who_need_it(path: Path) -> None:
    path.write_text(GOOD.replace('company = "CRONUS"', 'compny = "CRONUS"'))
    assert glance(path).environment == "uat"
    with pytest.raises(ConfigError, match="has one error"):
        load(path)


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ConfigError) as told:
        glance(path)
    assert "it is a folder" in told.value.problems[0]
