"""Every wrong config file is told on one screen."""

from tests.config.test_bad_configs import GOOD
from tests.reliability.configs import TARGET, bad, tell


def test_bad_config_files_are_told_on_one_screen() -> None:
    told = tell(bad())
    assert told.faults == []
    assert told.right == told.tried >= TARGET


def test_a_file_that_is_not_wrong_is_not_counted() -> None:
    assert tell([("a good file", GOOD)]).right == 0
