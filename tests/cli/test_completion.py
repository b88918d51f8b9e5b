"""What shells offer when tab is pressed: in real shells, at once, and nothing where something is wrong."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.config import load
from engine.runs import control
from engine.store.database import Store
from engine.store.glance import newest_runs
from tests.cli.conftest import Coupler
from tests.cli.terminal import Terminal
from tests.cli.test_command_line import HEAVY
from tui.completion import VARIABLE

Offered = Callable[..., list[str]]

needs = {
    shell: pytest.mark.skipif(shutil.which(shell) is None, reason=f"NOT TESTED: there is no {shell} on this machine")
    for shell in ("bash", "zsh", "fish")
}


@pytest.fixture
def offered(coupler: Coupler) -> Offered:
    """What the program answers bash to a line whose last word is being typed."""

    def call(line: str, **more: str) -> list[str]:
        done = coupler(COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1), **{VARIABLE: "bash_complete"}, **more)
        assert done.stderr == ""
        return [one.partition(",")[2] for one in done.stdout.splitlines() if one]

    return call


@pytest.fixture
def runs(config: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Three plans in the store of the config file."""
    monkeypatch.setenv("XDG_STATE_HOME", environment["XDG_STATE_HOME"])
    settings = load(config)
    store = Store.open(settings.store.url)
    for _ in range(3):
        control.start(store, settings, kind="plan", by="me")
    store.close()


# What is offered.


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("coupler st", ["status", "stop"]),
        ("coupler config ", ["check", "show"]),
        ("coupler run --keep-cleared ", ["yes", "no"]),
        ("coupler --config config.toml ans", ["answer"]),
        ("coupler completion ", ["bash", "zsh", "fish"]),
        ("coupler notify test c", ["chat"]),
        ("coupler run --only cu", ["CURRENCY", "CUSTOMER"]),
        ("coupler errors 1 --mapping RES", ["RESOURCE-PRODUCT"]),
        ("coupler mappings ITEM", ["ITEM-PRODUCT"]),
        ("coupler retry CON", ["CONTACTS"]),
        ("coupler status ", ["3", "2", "1"]),
        ("coupler answer ", ["yes", "no", "3", "2", "1"]),
        ("coupler eng", []),
    ],
)
def test_what_is_offered(offered: Offered, runs: None, config: Path, line: str, expected: list[str]) -> None:
    with config.open("a") as file:
        file.write('\n[notify.chat]\nwebhook = "env:HOOK"\n')
    assert offered(line) == expected


def test_options_are_offered(offered: Offered) -> None:
    found = offered("coupler run --")
    assert {"--only", "--yes", "--keep-cleared", "--json", "--config", "--help"} <= set(found)


def test_the_config_file_that_the_line_names_is_asked(offered: Offered, tmp_path: Path, config: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(config.read_text() + '\n[notify.elsewhere]\ncommand = ["x"]\n')
    assert offered("coupler notify test ") == []
    assert offered("coupler --config other.toml notify test ") == ["elsewhere"]
    assert offered("coupler notify test --config other.toml ") == ["elsewhere"]
    assert offered("coupler notify test ", COUPLER_CONFIG=str(other)) == ["elsewhere"]


@pytest.mark.parametrize("line", ["coupler status ", "coupler run --only "])
def test_nothing_is_offered_and_said_where_there_is_nothing_to_ask(
    offered: Offered, config: Path, tmp_path: Path, line: str
) -> None:
    names = offered("coupler run --only ")
    assert offered("coupler status ") == [], "there is no store"
    assert len(names) == 7
    (tmp_path / "store.db").write_bytes(b"no database at all" * 1000)
    assert offered("coupler status ") == []
    config.write_text("environment = ")
    assert offered(line) == []
    config.unlink()
    assert offered(line) == []


@pytest.mark.parametrize("line", ["coupler st", "coupler run --", "coupler status ", "coupler run --only "])
def test_no_library_is_loaded_for_it(runs: None, environment: dict[str, str], tmp_path: Path, line: str) -> None:
    code = "import sys; from tui.cli import main; main([]); print('LOADED', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment, VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split("LOADED")[1].split()}
    assert done.stdout
    assert not loaded & HEAVY


def test_a_glance_at_a_store_makes_and_changes_nothing(runs: None, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.glob("store.db*")}
    assert newest_runs(f"sqlite:///{tmp_path}/store.db", 2) == [(3, "plan", "running"), (2, "plan", "running")]
    assert {path.name: path.read_bytes() for path in tmp_path.glob("store.db*")} == before
    assert newest_runs(f"sqlite:///{tmp_path}/none.db", 2) == []
    assert not (tmp_path / "none.db").exists()
    assert newest_runs("postgresql+psycopg://nobody@127.0.0.1:1/none", 2) == []


def test_a_store_that_is_being_written_is_read_all_the_same(runs: None, tmp_path: Path, config: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store.writing():
        assert len(newest_runs(f"sqlite:///{tmp_path}/store.db", 9)) == 3
    store.close()


def test_without_a_shell_it_says_which_there_are(coupler: Coupler) -> None:
    done = coupler("completion")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "coupler: Say for which shell: bash, zsh, fish."
    assert "\\n" not in done.stderr


# In the shells themselves.


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str], config: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts a shell on a terminal, with `coupler` in its path."""
    program = tmp_path / "bin" / "coupler"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m tui "$@"\n')
    program.chmod(stat.S_IRWXU)
    found = {**environment, "PATH": f"{program.parent}:{os.environ['PATH']}", "PS1": "$ ", "INPUTRC": "/dev/null"}
    opened: list[Terminal] = []

    def call(*command: str) -> Terminal:
        opened.append(Terminal(command, cwd=tmp_path, environment=found))
        return opened[-1]

    yield call
    for one in opened:
        one.process.kill()
        one.close()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


@needs["bash"]
def test_bash(shell: Callable[..., Terminal], runs: None) -> None:
    bash = shell("bash", "--norc", "--noprofile", "-i")
    bash.write("source <(coupler completion bash) && echo re''ady\n")
    bash.until("ready")
    bash.write("coupler answ\t")
    bash.until("coupler answer ")
    bash.write("\t\t")
    bash.until("yes")
    assert re.search(r"1\s+2\s+3|3\s+2\s+1", plain(bash.until("1")))
    bash.write("\x15coupler run --only UNIT\t")
    bash.until("--only UNITOFMEASURE ")
    bash.write("\x15coupler mappings --config conf\t")
    bash.until("--config config.toml")


@needs["zsh"]
def test_zsh(shell: Callable[..., Terminal], runs: None, tmp_path: Path) -> None:
    zsh = shell("zsh", "-f", "-i")
    zsh.write(f"autoload -Uz compinit; compinit -u -d {tmp_path}/dump; PS1='$ '\n")
    zsh.write("source <(coupler completion zsh) && echo re''ady\n")
    zsh.until("ready")
    zsh.write("coupler answ\t")
    zsh.until("answer")
    zsh.write("\x15coupler sta\t")
    zsh.until("status")
    zsh.write("\t")
    assert "plan, running" in zsh.until("plan, running")
    zsh.write("\x15coupler run --only UNIT\t")
    zsh.until("OFMEASURE")


@needs["fish"]
def test_fish(environment: dict[str, str], shell: Callable[..., Terminal], runs: None, tmp_path: Path) -> None:
    def completed(line: str) -> list[str]:
        script = f"coupler completion fish | source; complete -C '{line}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", script],
            cwd=tmp_path,
            env={**environment, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return [one.split("\t")[0] for one in done.stdout.splitlines()]

    assert completed("coupler answ") == ["answer"]
    assert sorted(completed("coupler status ")) == ["1", "2", "3"]
    assert completed("coupler run --only UNIT") == ["UNITOFMEASURE"]
