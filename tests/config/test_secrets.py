"""Secrets are found where the reference says, and nothing that goes wrong on the way shows them."""

import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from engine.config.secrets import Secret
from engine.model.errors import ConfigError


def secret(source: str, folder: Path = Path(), **environ: str) -> Secret:
    return Secret(source, folder, environ)


def refused(found: Secret) -> str:
    with pytest.raises(ConfigError) as caught:
        found.reveal()
    error = caught.value
    assert error.hint
    assert error.__cause__ is None or "hunter2" not in repr(error.__cause__)
    text = " ".join((error.message, error.hint, *error.problems))
    assert "hunter2" not in text
    return text


def test_a_secret_shows_as_stars() -> None:
    found = secret("env:TOKEN", TOKEN="hunter2")
    assert f"{found} {found!r}" == "*** ***"
    assert found.reveal() == "hunter2"


def test_a_secret_is_looked_up_anew_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    found = secret("file:token", tmp_path)
    assert found.reveal() == "one"
    (tmp_path / "token").write_text("two\r\n")
    assert found.reveal() == "two"


def test_an_environment_variable_that_is_not_set_or_empty() -> None:
    assert "TOKEN is not set" in refused(secret("env:TOKEN"))
    assert "empty" in refused(secret("env:TOKEN", TOKEN="  "))


def test_a_header_cannot_be_broken_by_a_secret() -> None:
    assert "line breaks" in refused(secret("env:TOKEN", TOKEN="hunter2\r\nHost: x"))


def test_files(tmp_path: Path) -> None:
    assert "not there" in refused(secret("file:none", tmp_path))
    assert "not there" in refused(secret(f"file:{tmp_path}", tmp_path))
    (tmp_path / "large").write_text("hunter2" * 10_000)
    assert "too large" in refused(secret("file:large", tmp_path))
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    assert "not UTF-8" in refused(secret("file:binary", tmp_path))
    (tmp_path / "lines").write_text("hunter2\nhunter2")
    assert "line breaks" in refused(secret("file:lines", tmp_path))
    assert refused(secret("file:a\0b", tmp_path))
    assert refused(secret("file:~nobody-of-this-name/x", tmp_path))


def test_a_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("x")
    path.chmod(0o640)
    assert "chmod 600" in str(secret("file:token", tmp_path).warning())
    path.chmod(0o400)
    assert secret("file:token", tmp_path).warning() is None
    assert secret("file:none", tmp_path).warning() is None
    assert secret("env:TOKEN").warning() is None


def test_commands(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    assert secret("command:cat token", tmp_path).reveal() == "hunter2"
    assert secret("command:echo '$HOME; ls'", tmp_path).reveal() == "$HOME; ls"
    assert "exit code 3" in refused(secret("command:sh -c 'echo hunter2 >&2; exit 3'"))
    assert "No such file" in refused(secret("command:no-such-program hunter2"))
    assert "empty" in refused(secret("command:true hunter2"))


def test_a_command_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.config.secrets._SECONDS", 0.05)
    assert "took longer" in refused(secret("command:sleep 5"))


def test_a_command_that_leaves_another_behind_is_ended_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.config.secrets._SECONDS", 0.3)
    assert "took longer" in refused(secret("command:sh -c 'sleep 20 & echo $! > left; sleep 20'", tmp_path))
    state = Path(f"/proc/{(tmp_path / 'left').read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_keyring_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "pip install keyring" in refused(secret("keyring:coupler/crm"))


def test_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError("hunter2")
        return "hunter2" if (service, user) == ("coupler", "crm") else None

    fake = ModuleType("keyring")
    monkeypatch.setattr(fake, "get_password", get_password, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", fake)
    assert secret("keyring:coupler/crm").reveal() == "hunter2"
    assert "no secret for coupler/nav" in refused(secret("keyring:coupler/nav"))
    assert "RuntimeError" in refused(secret("keyring:locked/nav"))
