"""Colours, glyphs, keys and times as the operator wants them, on a real pty with the configuration."""

import re
from pathlib import Path

import pytest

from tests.tui.conftest import Play
from tests.tui.terminal import Terminal, python

_RGB = re.compile(rb"\x1b\[[0-9;]*?([34])8;2;(\d+);(\d+);(\d+)")
_PALETTE = re.compile(rb"\x1b\[[0-9;]*[34]8;5;")
_SIXTEEN = re.compile(rb"\x1b\[(?:[0-9]+;)*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7])[;m]")


def configured(folder: Path, ui: str = "", keys: str = "") -> list[str]:
    (folder / "config.toml").write_text(
        'environment = "uat"\n'
        '[nav]\nurl = "https://nav.example/ODataV4"\ncompany = "CRONUS"\nsecret = "env:SECRET"\n'
        '[crm]\nurl = "https://crm.example"\nsecret = "env:SECRET"\n'
        f'[store]\nurl = "sqlite:///{folder}/store.db"\n[ui]\n{ui}\n[keys]\n{keys}\n'
    )
    return python("-m", "tui", "--config", "config.toml")


def opened(play: Play, folder: Path, ui: str = "", keys: str = "", **env: str) -> Terminal:
    terminal = play(command=configured(folder, ui, keys), SECRET="x", **env)
    terminal.until("RESOURCE-PRODUCT")
    terminal.read(0.3)
    return terminal


@pytest.mark.parametrize(("theme", "light"), [("textual-light", True), ("textual-dark", False)])
def test_a_light_and_a_dark_theme(play: Play, tmp_path: Path, theme: str, light: bool) -> None:
    terminal = opened(play, tmp_path, f'theme = "{theme}"', COLORTERM="truecolor")
    grounds = {tuple(map(int, one[1:])) for one in _RGB.findall(terminal.raw) if one[0] == b"4"}
    assert grounds
    assert any(min(one) > 200 for one in grounds) is light
    assert any(max(one) < 60 for one in grounds) is not light


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "textual-light", "textual-dark"])
def test_a_terminal_of_sixteen_colours_gets_no_other_ones(play: Play, tmp_path: Path, theme: str) -> None:
    terminal = opened(play, tmp_path, f'theme = "{theme}"', TERM="xterm-16color")
    assert _SIXTEEN.search(terminal.raw)
    assert not _RGB.search(terminal.raw)
    assert not _PALETTE.search(terminal.raw)


def test_no_color_is_stronger_than_a_theme(play: Play, tmp_path: Path) -> None:
    terminal = opened(play, tmp_path, 'theme = "textual-light"', NO_COLOR="1", COLORTERM="truecolor")
    assert not any(one.search(terminal.raw) for one in (_RGB, _PALETTE, _SIXTEEN))


def test_no_color_that_is_empty_asks_for_nothing(play: Play, tmp_path: Path) -> None:
    terminal = opened(play, tmp_path, 'theme = "textual-light"', NO_COLOR="", COLORTERM="truecolor")
    assert _RGB.search(terminal.raw)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_in_ascii_mode_nothing_but_ascii_is_written(play: Play, tmp_path: Path, locale: str) -> None:
    terminal = opened(play, tmp_path, LANG=locale)
    assert "transactio~ on" in terminal.text
    for keys, sign in (
        ("n", "Connection setup"),
        ("\x1b", "RESOURCE-PRODUCT"),
        ("?", "Integration table mappings"),
        ("\x1b", "q Quit"),
        (":", "Full sync"),
    ):
        terminal.type(keys)
        terminal.until(sign)
        terminal.read(0.5)
    assert terminal.raw.isascii(), sorted(set(terminal.raw.decode()) - set(map(chr, range(128))))


def test_without_ascii_mode_lines_and_dots_are_drawn(play: Play, tmp_path: Path) -> None:
    terminal = opened(play, tmp_path, "ascii = false")
    assert "transactio… on" in terminal.text
    assert "────" in terminal.text


def test_keys_of_the_configuration_do_what_they_say(play: Play, tmp_path: Path) -> None:
    terminal = opened(play, tmp_path, keys='"home.history" = "f2"\n"everywhere.leave" = "f10"')
    assert "f2 History" in terminal.text
    terminal.type("h")
    terminal.read(0.5)
    assert "RESOURCE-PRODUCT" in terminal.text
    terminal.type("\x1bOQ")
    terminal.until("Nothing ran yet.")
    terminal.type("\x1b[21~")
    assert terminal.ended() == 0


def test_times_are_utc_or_local(play: Play, tmp_path: Path) -> None:
    terminal = opened(play, tmp_path, "utc = false", TZ="Asia/Tokyo")
    terminal.until("local (UTC+9)")
    terminal.type("t")
    terminal.until(lambda: terminal.screen.display[0].rstrip().endswith("UTC"))
    terminal.type("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize(
    "command",
    [
        ("mappings",),
        ("mappings", "CUSTOMER", "--fields"),
        ("status",),
        ("jobs",),
        ("config", "show"),
        ("schedule", "list"),
    ],
)
def test_commands_write_plain_lines_that_a_screen_reader_can_follow(
    play: Play, tmp_path: Path, command: tuple[str, ...]
) -> None:
    configured(tmp_path)
    terminal = play(command=python("-m", "tui", *command), SECRET="x")
    assert terminal.ended() in (0, 1, 2, 6)
    assert terminal.raw
    assert not re.search(rb"[\x1b\x08]|\r[^\r\n]", terminal.raw), "nothing is painted over or coloured"
