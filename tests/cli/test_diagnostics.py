"""What goes wrong is one line and an exit code; never a traceback, never a secret."""

import stat
from pathlib import Path

import click
import pytest

from engine.config.secrets import Secret
from engine.model.errors import (
    AccessDenied,
    Brake,
    ConfigError,
    ConnectionLost,
    CouplerError,
    LockHeld,
    RunError,
    StoreError,
)
from tui import diagnostics
from tui.exitcodes import ExitCode

NAME = "Local-Name"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (ConnectionLost("x"), 3),
        (AccessDenied("x"), 3),
        (StoreError("x"), 3),
        (LockHeld("x"), 4),
        (RunError("x"), 2),
        (Brake("x"), 8),
        (CouplerError("x"), 5),
        (click.UsageError("x"), 2),
        (click.FileError("x", "y"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (ValueError("x"), 70),
        (OSError(28, "No space left on device"), 70),
    ],
)
def test_every_error_has_its_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnostics.fail(error) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err
    assert "Traceback" not in said.err


def test_all_problems_are_shown_and_a_flood_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.fail(ConfigError("Two.", "Mend it.", ("one", "two \x1b[2J")))
    assert capsys.readouterr().err == "coupler: Two.\n  one\n  two ␛[2J\n  Mend it.\n"
    diagnostics.fail(ConfigError("Many.", "", tuple(map(str, range(100)))))
    assert "... and 83 more" in capsys.readouterr().err


def test_a_crash_is_one_line_and_a_private_file_without_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = Secret("env:TOKEN", tmp_path, {"TOKEN": "hunter2-secret"}).reveal()

    def work(customer: str) -> None:
        raise ZeroDivisionError(f"bad {token} \x1b[2J")

    with pytest.raises(ZeroDivisionError) as caught:
        work(NAME)
    assert diagnostics.fail(caught.value) == ExitCode.INTERNAL
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ZeroDivisionError" in said
    assert "hunter2" not in said
    (path,) = (tmp_path / "coupler" / "log").iterdir()
    assert str(path) in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "in work" in text
    assert "hunter2" not in text
    assert NAME not in text
    assert "\x1b" not in text


def test_a_crash_without_a_place_for_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert diagnostics.fail(ValueError("x")) == ExitCode.INTERNAL
    assert "could not be written" in capsys.readouterr().err


def test_a_secret_that_was_looked_up_is_never_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Secret("env:TOKEN", tmp_path, {"TOKEN": "another-secret"}).reveal()
    diagnostics.say("the server said: another-secret is wrong")
    assert capsys.readouterr().err == "the server said: *** is wrong\n"


def test_a_standard_error_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    diagnostics.say("x")
