"""[notify.NAME] in config.toml: what it may say, what is wrong with it, and that nothing of it is shown that may be a secret."""

from pathlib import Path

import pytest

from engine.config import Settings, load
from engine.config.notify import EVENTS, KINDS, Notification, listing, notification_problem
from engine.model.errors import ConfigError

GOOD = """\
environment = "uat"
nav = { url = "https://nav.example/NAV/ODataV4", company = "CRONUS", secret = "env:NAV_SECRET" }
crm = { url = "https://crm.example", secret = "env:CRM_SECRET" }
store = { url = "sqlite:///x.db" }
"""


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "config.toml"
    path.write_text(GOOD + text)
    return load(path, environ=environ)


def one(folder: Path, text: str, **environ: str) -> Notification:
    (found,) = read(folder, f"[notify.ops]\n{text}", **environ).notify
    return found


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        one(folder, text)
    (problem,) = caught.value.problems
    assert "hunter2" not in problem
    return problem


def test_nobody_is_told_unless_that_is_configured(tmp_path: Path) -> None:
    assert read(tmp_path, "").notify == ()


def test_a_command_is_told_of_everything_that_happens_to_runs_that_write(tmp_path: Path) -> None:
    found = one(tmp_path, 'command = ["tell", "ops"]')
    assert (found.name, found.command, found.events, found.kinds) == (
        "ops",
        ("tell", "ops"),
        EVENTS,
        ("run", "undo"),
    )
    assert (found.tries, found.timeout, found.within) == (5, 30, 900)


def test_what_is_told_of_which_runs_can_be_chosen(tmp_path: Path) -> None:
    found = one(tmp_path, 'command = ["tell"]\nevents = ["failed", "failed"]\nkinds = ["plan"]\ntries = 1')
    assert (found.events, found.kinds, found.tries) == (("failed",), ("plan",), 1)


def test_a_webhook_is_an_address_or_says_where_one_is(tmp_path: Path) -> None:
    assert one(tmp_path, 'webhook = "https://ops.example/hook"').address() == "https://ops.example/hook"
    assert one(tmp_path, 'webhook = "http://127.0.0.1:8080/"').address() == "http://127.0.0.1:8080/"
    found = one(tmp_path, 'webhook = "env:HOOK"', HOOK="https://ops.example/hook?key=1")
    assert found.address() == "https://ops.example/hook?key=1"
    found = one(tmp_path, 'webhook = "http://ops.example/"\nplain_http = true')
    assert found.address() == "http://ops.example/"


@pytest.mark.parametrize("secret", ["http://ops.example/hunter2", "https://u:hunter2@ops.example", "hunter2"])
def test_an_address_that_is_kept_elsewhere_must_be_fit_too(tmp_path: Path, secret: str) -> None:
    found = one(tmp_path, 'webhook = "env:HOOK"', HOOK=secret)
    with pytest.raises(ConfigError) as caught:
        found.address()
    assert "hunter2" not in caught.value.told
    assert notification_problem(found, tmp_path) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "notify.ops.command: there must be either a command or a webhook"),
        ('command = ["x"]\nwebhook = "https://x.example"', "webhook: there must be either a command or a webhook"),
        ('command = "tell ops"', "command: must be a list of texts in quotes, not text"),
        ("command = []", "command: must be a list of the program and its arguments"),
        ('command = ["x"]\nheaders = { A = "env:X" }', "headers: is for a webhook"),
        ('command = ["x"]\nevents = ["end"]', 'events: "end" is not known; did you mean "ended"?'),
        ('command = ["x"]\nevents = []', "events: must not be empty; it can be ended, asking, failed"),
        ('command = ["x"]\nkinds = ["snyc"]', 'kinds: "snyc" is not known; did you mean "sync"?'),
        ('command = ["x"]\ntires = 3', 'tires: unknown key; did you mean "tries"?'),
        ('command = ["x"]\ntries = 0', "tries: must be from 1 to 20"),
        ('webhook = "http://ops.example/hunter2"', "plain_http = true lets http:// go to other machines"),
        ('webhook = "https://ops.example/?key=hunter2"', "what follows may be a secret; say where the address is"),
        ('webhook = "https://u:hunter2@ops.example/"', "must not hold a user or password; put them into headers"),
        ('webhook = "ftp://ops.example/"', "must begin with https://, or say where the address is"),
        ('webhook = "https://x.example"\nheaders = { Authorization = "Bearer hunter2" }', "looks like the secret"),
        ('webhook = "https://x.example"\nheaders = { "A B" = "env:X" }', "A B: is no name of a header"),
        ('webhook = "https://x.example"\nheaders = { Host = "env:X" }', "Host: is set already"),
        (
            'webhook = "http://x.example"\nplain_http = true\nheaders = { A = "env:X" }',
            "would show the network a secret",
        ),
        ('webhook = "env:HOOK"\nplain_http = true', "would show the network a secret"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


@pytest.mark.parametrize("key", ['webhook = "https://x.example/"', 'command = ["x"]'])
def test_what_belongs_to_a_notification_of_its_own_is_said(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"[notify]\n{key}")
    (problem,) = caught.value.problems
    name = key.partition(" ")[0]
    assert f"notify.{name}: must stand in [notify.NAME], such as [notify.ops], not in [notify]" in problem


def test_what_may_be_a_secret_is_not_shown(tmp_path: Path) -> None:
    command = one(tmp_path, 'command = ["tell", "--token", "hunter2"]')
    literal = one(
        tmp_path, 'webhook = "https://ops.example/services/hunter2"\nheaders = { X-Key = "env:K" }', K="hunter2"
    )
    secret = one(tmp_path, 'webhook = "env:HOOK"', HOOK="https://ops.example/hunter2")
    for found in (command, literal, secret):
        assert "hunter2" not in f"{found!r} {found.where} {listing(found)}"
    assert listing(literal)["webhook"] == "https://ops.example/***"
    assert listing(command)["command"] == ["tell", "***", "***"]
    assert secret.where == "webhook (env)"


def test_a_program_that_is_not_there_is_found(tmp_path: Path) -> None:
    assert notification_problem(one(tmp_path, 'command = ["./tell"]'), tmp_path) is not None
    (tmp_path / "tell").write_text("#!/bin/sh\n")
    (tmp_path / "tell").chmod(0o700)
    assert notification_problem(one(tmp_path, 'command = ["./tell"]'), tmp_path) is None
    assert notification_problem(one(tmp_path, 'command = ["sh"]'), tmp_path) is None


def test_all_kinds_of_runs_can_be_chosen() -> None:
    from engine.runs import requests
    from engine.store import runs

    asked = {tag for one in requests.Request.__args__ if (tag := one.__struct_config__.tag) is not None}
    assert set(KINDS) == {*asked, *runs.SYNCHRONIZATIONS, "plan", runs.LOOK, runs.UNDO}
