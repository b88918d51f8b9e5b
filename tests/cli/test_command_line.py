"""The command line as a program: fast help, one-screen messages, exit codes, and nothing that waits for ever."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.conftest import CONFIG, ROOT, Coupler
from tests.config.test_bad_configs import CASES
from tui import cli
from tui.exitcodes import ExitCode

HEAVY = {"textual", "rich", "sqlalchemy", "httpx", "starlette", "uvicorn", "asyncio", "msgspec", "alembic"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["--version"], ["paths"], ["config", "check"], ["sttus"], []]
)
def test_what_needs_no_library_loads_none(arguments: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    code = f"import sys; from tui.cli import main; main({arguments}); print('LOADED', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split("LOADED")[1].split()}
    assert not loaded & HEAVY


OURS = {
    *("tui", "tui.cli", "tui.commands", "tui.commands.common", "tui.diagnostics", "tui.exitcodes", "tui.text"),
    *("engine", "engine.model", "engine.model.errors", "engine.model.masking"),
}
"""All of our own that help and version load."""
UNUSED = {
    *("dataclasses", "decimal", "difflib", "email", "importlib.metadata", "importlib.resources", "json", "random"),
    *("shutil", "socket", "subprocess", "tempfile", "tomllib", "zipfile", "zoneinfo"),
}
"""Of the standard library, what takes long to load and once was loaded for them."""


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_help_and_version_load_what_says_them_and_click(
    argument: str, environment: dict[str, str], tmp_path: Path
) -> None:
    def loaded(work: str) -> set[str]:
        code = f"import sys; {work}; print('LOADED', *sys.modules, file=sys.stderr)"
        command = [sys.executable, "-P", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return set(done.stderr.split("LOADED")[1].split())

    found = loaded(f"from tui.cli import main; main(['{argument}'])") - loaded("pass")
    # Writing the help asks how wide the terminal is.
    assert found & UNUSED == ({"shutil"} if argument == "--help" else set())
    others = {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in others if name.partition(".")[0] != "click"} == OURS


def test_help_is_fast(coupler: Coupler) -> None:
    def once(*command: str) -> float:
        before = os.times()
        assert subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=False).returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    # The time of the processor: a busy machine makes a command wait. The interpreter alone says how fast the machine is.
    idle = min(once("-c", "pass") for _ in range(5))
    helped = min(once("-m", "tui", "--help") for _ in range(5))
    assert helped < max(0.15, idle * 8) + 0.1


def test_help_names_every_command_as_the_command_does() -> None:
    context = click.Context(cli.cli)
    for name, (_, text) in cli._COMMANDS.items():
        command = cli.cli.get_command(context, name)
        assert command is not None, name
        assert not command.hidden
        said = command.get_short_help_str(500)
        assert said.split()[0] == text.split()[0], (said, text)
    for name in cli._HIDDEN:
        command = cli.cli.get_command(context, name)
        assert command is not None
        assert command.hidden


def test_version(coupler: Coupler) -> None:
    done = coupler("--version")
    assert re.fullmatch(r"coupler \d+\.\d+\.\d+\n", done.stdout)
    assert done.returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_a_bad_config_is_one_screen_and_exit_code_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    text, _ = CASES[name]
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    assert cli.main(["config", "check", "--config", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert 2 <= said.err.count("\n") <= 24
    assert str(path) in said.err
    assert "Traceback" not in said.err
    assert "hunter2" not in said.err
    assert all(character.isprintable() or character == "\n" for character in said.err)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--yes", "--keep-cleared", "no"],
        ["plan"],
        ["attach"],
        ["status"],
        ["stop"],
        ["resume", "--yes", "--keep-cleared", "no"],
        ["cancel"],
        ["answer", "1", "no"],
        ["jobs"],
        ["errors"],
        ["couplings"],
        ["mappings"],
        ["config", "check"],
        ["config", "show"],
        ["engine", "1"],
    ],
)
def test_every_command_refuses_a_bad_config_with_2(command: list[str], tmp_path: Path, coupler: Coupler) -> None:
    (tmp_path / "bad.toml").write_text(CONFIG.replace("company", "compny"))
    done = coupler(*command, "--config", "bad.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'nav.compny: unknown key; did you mean "company"?' in done.stderr


def test_config_may_stand_before_the_command(tmp_path: Path, coupler: Coupler) -> None:
    (tmp_path / "mine.toml").write_text(CONFIG)
    assert (
        coupler("--config", "mine.toml", "config", "check", "--offline").stdout == f"{tmp_path}/mine.toml: OK (uat)\n"
    )
    assert coupler("config", "check", "--offline", COUPLER_CONFIG="mine.toml").returncode == 0
    assert coupler("--config", "none.toml", "config", "check", "--offline", "--config", "mine.toml").returncode == 0


def test_without_a_config_it_says_where_it_looked(tmp_path: Path, coupler: Coupler) -> None:
    done = coupler("status")
    assert done.returncode == 2
    assert f"not there: {tmp_path}/config.toml" in done.stderr
    assert f"not there: {tmp_path}/config/coupler/config.toml" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a terminal"),
        (["demo"], "needs a terminal"),
        (["demo", "--tour", "--headless"], "exclude each other"),
        (["run"], "no terminal to ask on"),
        (["run", "--keep-cleared", "no"], "no terminal to ask on"),
        (["run", "--yes"], "--yes needs the answer"),
        (["run", "--yes", "--keep-cleared", "maybe"], "'maybe' is not one of 'yes', 'no'"),
        (["run", "--plain", "--json"], "exclude each other"),
        (["resume"], "There is no run to resume."),
        (["undo", "99"], "There is no run 99."),
        (["resume", "--yes"], "--yes needs the answer"),
        (["resume", "x", "--yes", "--keep-cleared", "no"], "not a valid integer"),
        (["answer", "1"], "Say yes or no"),
        (["answer", "1", "perhaps"], "Say yes or no"),
        (["mappings", "--only-coupled", "on"], "need the name of a mapping"),
        (["stats"], 'did you mean "status"?'),
        (["rn"], 'did you mean "run"?'),
        (["--nonsense"], "No such option"),
        (["\x1b[2J"], "␛[2J"),
    ],
)
def test_a_wrong_command_line_is_2_and_waits_for_nobody(
    arguments: list[str], said: str, coupler: Coupler, config: Path
) -> None:
    done = coupler(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "\x1b" not in done.stderr


def test_a_hint_leads_from_the_screens_to_the_lines(coupler: Coupler, config: Path) -> None:
    assert "Without a screen: coupler --plain, coupler status, coupler plan, coupler run" in coupler().stderr


def test_config_check_finds_a_secret_that_is_not_there(coupler: Coupler, config: Path, tmp_path: Path) -> None:
    config.write_text(CONFIG.replace("env:COUPLER_TEST_SECRET", "env:NOT_SET", 1))
    done = coupler("config", "check")
    assert done.returncode == 2
    assert "nav.secret: The environment variable NOT_SET is not set." in done.stderr

    (tmp_path / "token").write_text("hunter2-secret")
    (tmp_path / "token").chmod(0o644)
    config.write_text(CONFIG.replace("env:COUPLER_TEST_SECRET", "file:token"))
    done = coupler("config", "check", "--offline")
    assert done.returncode == 0
    assert done.stderr.count("chmod 600") == 2


def test_config_check_for_programs(coupler: Coupler, config: Path) -> None:
    assert json.loads(coupler("config", "check", "--offline", "--json").stdout) == {
        "ok": True,
        "config": str(config),
        "problems": [],
        "warnings": [],
    }
    config.write_text("[nav]\n")
    done = coupler("config", "check", "--json")
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert len(found["problems"]) == 5


def test_config_check_knows_the_actions(coupler: Coupler, config: Path) -> None:
    config.write_text(CONFIG + "[keys]\nrun.pase = 'f2'\n")
    done = coupler("config", "check")
    assert done.returncode == 2
    assert 'keys.run.pase: there is no such action; did you mean "run.pause"?' in done.stderr
    config.write_text(CONFIG + "[keys]\nrun.pause = 'f2'\n")
    assert coupler("config", "check", "--offline").returncode == 0


def test_config_check_names_all_faults_at_once(coupler: Coupler, config: Path) -> None:
    config.write_text(CONFIG + "[ui]\ntheme = 'pink'\n[keys]\nrun.pase = 'f2'\nrun.pause = 'x'\n")
    done = coupler("config", "check", "--offline")
    assert done.returncode == 2
    assert "has 3 errors" in done.stderr
    for fault in ('ui.theme: "pink" is not known', "keys.run.pase: there is no such action", 'key of "run.cancel"'):
        assert fault in done.stderr


@pytest.mark.parametrize(
    ("keys", "name", "key", "other"),
    [
        ("run.pause = 'x'", "run.pause", "x", "run.cancel"),
        ("home.history = 's'", "home.history", "s", "home.start"),
        ("run.pause = 'f2,j'", "run.pause", "j", "lists.cursor_down"),
        ("home.log = 'q'", "home.log", "q", "everywhere.leave"),
        ("everywhere.copy = 'x'", "everywhere.copy", "x", "run.cancel"),
        ("everywhere.copy = 'c'", "everywhere.copy", "c", "conflicts.crm"),
        ("conflicts.write = 'c'", "conflicts.write", "c", "conflicts.crm"),
        ("home.history = '?'", "home.history", "question_mark", "everywhere.keys"),
        ("history.filter = '?'", "history.filter", "question_mark", "everywhere.keys"),
        ("conflicts.write = '>'", "conflicts.write", "greater_than_sign", "conflicts.next_page"),
    ],
)
def test_a_key_that_already_does_something_else_there_is_refused(
    coupler: Coupler, config: Path, keys: str, name: str, key: str, other: str
) -> None:
    config.write_text(f"{CONFIG}[keys]\n{keys}\n")
    done = coupler("config", "check", "--offline")
    assert done.returncode == 2
    assert f'keys.{name}: "{key}" is already the key of "{other}"' in done.stderr


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("pgdn", "pagedown"),
        ("esc", "escape"),
        ("strg+x", "ctrl+x"),
        ("^r", "ctrl+r"),
        ("shift+h", "H"),
        ("ctrl+R", "ctrl+r"),
        ("ctrl+i", "tab"),
    ],
)
@pytest.mark.parametrize("command", [("config", "check", "--offline"), ("status",)])
def test_a_key_that_is_none_is_refused_with_the_nearest_one(
    coupler: Coupler, config: Path, command: tuple[str, ...], key: str, near: str
) -> None:
    config.write_text(f"{CONFIG}[keys]\nhome.history = '{key}'\n")
    done = coupler(*command)
    assert done.returncode == 2
    assert f'keys.home.history: "{key}" is no key; did you mean "{near}"?' in done.stderr


def test_the_keys_that_go_to_a_row_are_not_for_actions(coupler: Coupler, config: Path) -> None:
    config.write_text(CONFIG + "[keys]\nrun.pause = '2'\n")
    done = coupler("config", "check", "--offline")
    assert done.returncode == 2
    assert 'keys.run.pause: "2" already goes to that row of a list' in done.stderr


@pytest.mark.parametrize(
    "keys",
    [
        "run.pause = 'x'\nrun.cancel = 'space'",
        "conflicts.nav = 'c'\nconflicts.crm = 'n'",
        "everywhere.copy = 'c,f2'",
        "run.pause = 's'",
    ],
)
def test_keys_may_be_exchanged_and_be_others_on_other_screens(coupler: Coupler, config: Path, keys: str) -> None:
    config.write_text(f"{CONFIG}[keys]\n{keys}\n")
    assert coupler("config", "check", "--offline").returncode == 0


def test_config_show_is_a_config_with_masked_secrets(coupler: Coupler, config: Path) -> None:
    import tomli

    config.write_text(f'{CONFIG}[mapping.CUSTOMER]\nconflict = "ask"\n')
    done = coupler("config", "show")
    shown = tomli.loads(done.stdout)
    assert shown["nav"]["secret"] == "***"
    assert shown["nav"]["settle_wait"] == 660
    assert shown["store"]["url"].startswith("sqlite:////")
    assert "hunter2" not in done.stdout + done.stderr
    assert list(shown["mapping"])[:2] == ["CURRENCY", "SALEPEOPLE"]
    assert shown["mapping"]["CUSTOMER"] == {
        "direction": "both",
        "conflict": "ask",
        "deletion": "none",
        "depends": ["SALEPEOPLE", "CURRENCY"],
        "create_unmatched": False,
        "sync_after_coupling": False,
    }
    config.write_text(CONFIG + re.sub(r"(?s).*?(?=\[mapping)", "", done.stdout, count=1))
    assert coupler("config", "show").stdout == done.stdout, "what is shown can be written"


def test_paths_makes_nothing(coupler: Coupler, tmp_path: Path) -> None:
    done = coupler("paths")
    assert done.returncode == 0
    assert f"{tmp_path}/state/coupler" in done.stdout
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "config.toml").write_text(CONFIG)
    found = json.loads(coupler("paths", "--json").stdout)
    assert found["config"] == f"{tmp_path}/config.toml"
    assert found["store"] == f"sqlite:///{tmp_path}/store.db"


def test_a_reader_that_has_had_enough_is_no_error(environment: dict[str, str], tmp_path: Path, config: Path) -> None:
    command = f"{sys.executable} -P -m tui config show | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n"
    assert done.stderr == ""


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">/dev/full", "2>/dev/full", "<&- >&- 2>&-"])
def test_streams_that_are_closed_or_full_make_no_traceback(
    redirection: str, environment: dict[str, str], tmp_path: Path, config: Path
) -> None:
    command = f"{sys.executable} -P -m tui config show {redirection}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == (70 if redirection == ">/dev/full" else 0)


@pytest.mark.parametrize("command", ["couplings --csv", "mappings", "mappings --json", "config show", "paths"])
def test_a_list_for_which_there_is_no_room_is_said_in_one_line(
    command: str, environment: dict[str, str], tmp_path: Path, config: Path
) -> None:
    words = [sys.executable, "-P", "-m", "tui", *command.split()]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 70
    assert done.stderr == "coupler: what was asked for cannot be written: the disk is full.\n"


def test_an_output_that_knows_few_letters_gets_the_others_as_numbers(coupler: Coupler, config: Path) -> None:
    config.write_text(CONFIG.replace("CRONUS", "Łódź"), encoding="utf-8")
    assert "\\u0141\\xf3d\\u017a" in coupler("config", "show", PYTHONIOENCODING="ascii").stdout


def test_what_is_made_is_the_owners(coupler: Coupler, config: Path, tmp_path: Path) -> None:
    coupler("status")
    assert (tmp_path / "store.db").stat().st_mode & 0o077 == 0


def test_completion_knows_the_commands(coupler: Coupler) -> None:
    done = coupler(_COUPLER_COMPLETE="bash_complete", COMP_WORDS="coupler sta", COMP_CWORD="1")
    assert done.stdout == "plain,status\n"


@pytest.mark.parametrize(("command", "never"), [("run", set()), ("sync", {ExitCode.ASKING, ExitCode.NOT_APPLIED})])
def test_help_lists_every_exit_code(command: str, never: set[ExitCode], coupler: Coupler) -> None:
    said = coupler(command, "--help").stdout
    listed = [int(number) for number in re.findall(r"^ +(\d+)\b", said.partition("Exit codes:")[2], re.MULTILINE)]
    assert listed == sorted(set(ExitCode) - never)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--yes", "--keep-cleared", "no"],
        ["plan"],
        ["sync"],
        ["couple", "CUSTOMER", "--nav", "1", "--create"],
        ["match"],
        ["uncouple", "CUSTOMER", "--all", "--yes"],
        ["broken"],
        ["broken", "--remove", "--yes"],
        ["couplings", "import", "pairs.csv", "--yes"],
    ],
)
def test_a_secret_that_is_not_there_is_found_before_anything_begins(
    command: list[str], coupler: Coupler, config: Path
) -> None:
    config.write_text(CONFIG.replace("COUPLER_TEST_SECRET", "NOT_SET"))
    pair = f"CUSTOMER,1,{'1' * 8}-2222-3333-4444-{'5' * 12}"
    config.with_name("pairs.csv").write_text(f"mapping,nav_no,crm_id\n{pair}\n")
    done = coupler(*command)
    assert done.returncode == 2
    assert "NOT_SET is not set" in done.stderr
    assert "There is no run 1." in coupler("status", "1").stderr


@pytest.mark.parametrize("kind", ["garbage", "folder", "forbidden"])
def test_a_store_that_cannot_be_used_is_one_line_and_3(
    kind: str, coupler: Coupler, config: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    if kind == "garbage":
        store.write_text("this is no database, and long enough to show it\n" * 100)
    elif kind == "folder":
        store.mkdir()
    else:
        config.write_text(CONFIG.replace("store.db", "/proc/1/store.db"))
    done = coupler("status")
    assert done.returncode == 3, done.stderr
    assert ("/proc/1" if kind == "forbidden" else str(tmp_path)) in done.stderr
    assert done.stderr.count("\n") <= 2


def test_the_configuration_is_one_object_for_programs(coupler: Coupler, config: Path) -> None:
    found = json.loads(coupler("config", "show", "--json").stdout)
    assert found["environment"] == "uat"
    assert found["nav"]["company"] == "CRONUS"
    assert found["nav"]["secret"] == found["crm"]["secret"] == "***"
    assert found["mapping"]["CURRENCY"]["direction"] == "to"
    assert "hunter2" not in json.dumps(found)


def test_the_help_of_a_group_is_not_cut(coupler: Coupler) -> None:
    commands = coupler("config", "--help").stdout.partition("Commands:")[2]
    assert "show " in commands
    assert "..." not in commands
    assert "both servers" in commands
