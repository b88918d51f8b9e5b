"""Changing config.toml from the screens: what stays, what is refused, and what is never shown."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import load, toml
from engine.config.edit import Draft, Value, difference, modes, new_draft, put, read_draft, save
from engine.config.secrets import how_to_put, shown
from engine.model.errors import ConfigError
from tests.reliability.disks import files_of_at_most

ROOT = Path(__file__).parents[2]
FILE = """\
# ours
environment = "uat"  # not production

[nav]
# where it is
url = "https://nav.example/ODataV4"   # the new one
company = "CRONUS"
secret = "env:NAV_SECRET"
# auth = "basic"
# user = "COUPLER"
# page_size = 1000

[crm]
url = "https://crm.example"
secret = "file:crm.token"
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = tmp_path / "config.toml"
    found.write_text(FILE)
    return found


def _changed(path: Path, *changes: tuple[str, Value]) -> Draft:
    draft = read_draft(path)
    for name, value in changes:
        draft = put(draft, tuple(name.split(".")), value)
    return draft


def test_only_the_lines_of_changed_keys_change(path: Path) -> None:
    draft = _changed(path, ("nav.url", "https://nav.example/BC/ODataV4"), ("nav.page_size", 500))
    assert draft.text == FILE.replace("example/ODataV4", "example/BC/ODataV4").replace(
        "# page_size = 1000\n", "# page_size = 1000\npage_size = 500\n"
    )
    assert difference(draft) == (
        '- url = "https://nav.example/ODataV4"   # the new one',
        '+ url = "https://nav.example/BC/ODataV4"   # the new one',
        "+ page_size = 500",
    )
    assert (draft.value(("nav", "page_size")), draft.value(("nav", "user"))) == (500, None)
    assert draft.differs(("nav", "url"))
    assert not draft.differs(("nav", "company"))


def test_a_new_key_comes_behind_the_comment_that_shows_it_else_behind_the_last_one(path: Path) -> None:
    draft = _changed(path, ("nav.user", "ANNA"), ("nav.ca_file", "ca.pem"), ("crm.concurrency", 4))
    assert '# user = "COUPLER"\nuser = "ANNA"\nca_file = "ca.pem"\n# page_size' in draft.text
    assert draft.text.endswith('secret = "file:crm.token"\nconcurrency = 4\n')


def test_a_blank_leaves_a_key_out_and_what_is_taken_back_is_no_change(path: Path) -> None:
    draft = _changed(path, ("nav.user", "ANNA"), ("nav.user", " "))
    assert not draft.changed
    assert "company" not in put(draft, ("nav", "company"), None).text


@pytest.mark.parametrize(
    "text",
    [
        (
            'environment = "uat"\nnav = { url = "https://a.example", company = "C", secret = "env:A" }\n'
            'crm = { url = "https://b.example", secret = "env:B" }\n'
        ),
        (
            'environment = "uat"\nnav.url = "https://a.example"\nnav.company = "C"\nnav.secret = "env:A"\n'
            'crm.url = "https://b.example"\ncrm.secret = "env:B"\n'
        ),
        FILE.replace("\n", "\r\n"),
        f"\ufeff{FILE}",
        FILE.rstrip("\n"),
    ],
    ids=["braces", "dotted", "crlf", "bom", "no end of line"],
)
def test_every_way_of_writing_it(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    draft = _changed(path, ("nav.company", "Ö [/]"), ("crm.page_size", 7), ("environment", "test"))
    save(draft)
    found = load(path)
    assert (found.environment, found.nav.company, found.crm.page_size) == ("test", "Ö [/]", 7)
    assert ("\r\n" in text) == ("\r\n" in path.read_bytes().decode())
    assert b"\n\n\n" not in path.read_bytes()


_LINES = st.lists(
    st.sampled_from([
        "# a comment", "", "[nav]", "[crm]", "[nav.more]", "[[crm.rows]]", "[ui]", 'url = "x"  # why', '# user = "A"',
        "y = [\n  { a = 1 },  # row\n]", 'nav.company = "z"', 'crm = { url = "b" }', "page_size = 3",
    ]),
    max_size=12,
)  # fmt: skip


@given(
    _LINES, st.sampled_from(["nav.url", "nav.user", "crm.page_size", "environment"]), st.sampled_from(["a", 5, None])
)
@settings(deadline=None)
def test_whatever_the_file_is_like_nothing_else_changes(lines: list[str], name: str, value: Value) -> None:
    text = "\n".join([*lines, ""])
    try:
        before = toml.parse(text)
    except toml.TomlError:
        return
    keys = tuple(name.split("."))
    try:
        draft = put(Draft(Path("config.toml"), text.encode(), text, text), keys, value)
    except ConfigError:
        return
    assert [one for one in text.split("\n") if one.startswith("#")] == [
        one for one in draft.text.split("\n") if one.startswith("#")
    ]
    after = toml.parse(draft.text)
    for values, expected in ((before, None), (after, value)):
        table = values.get(keys[0], {}) if len(keys) > 1 else values
        found = table.pop(keys[-1], None)
        assert expected is None or found == expected
        if len(keys) > 1 and not table:
            values.pop(keys[0], None)
    assert after == before


def test_the_file_is_its_owners_alone_and_nothing_is_left_beside_it(path: Path) -> None:
    path.chmod(0o644)
    draft = _changed(path, ("nav.company", "Contoso"))
    assert modes(draft) == (0o644, 0o600)
    save(draft)
    assert path.read_text() == FILE.replace("CRONUS", "Contoso")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {one.name for one in path.parent.iterdir()} == {"config.toml", "state"}


def test_a_file_that_a_services_group_may_read_stays_readable_for_it(path: Path) -> None:
    path.chmod(0o640)
    draft = _changed(path, ("nav.company", "Contoso"))
    assert modes(draft) == (0o640, 0o640)
    save(draft)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_and_its_file_is_changed(path: Path) -> None:
    link = path.parent / "link.toml"
    link.symlink_to(path.name)
    draft = _changed(link, ("nav.company", "Contoso"))
    assert (draft.linked, read_draft(path).linked) == (path, None)
    save(draft)
    assert link.is_symlink()
    assert "Contoso" in path.read_text()


def test_what_somebody_else_wrote_meanwhile_stays(path: Path) -> None:
    draft = _changed(path, ("nav.company", "Contoso"))
    path.write_text(f"{FILE}# theirs\n")
    with pytest.raises(ConfigError, match="was changed meanwhile"):
        save(draft)
    assert path.read_text() == f"{FILE}# theirs\n"
    path.unlink()
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        save(draft)
    assert [one.name for one in path.parent.iterdir()] == ["state"]


def test_what_would_have_faults_is_not_written(path: Path) -> None:
    draft = _changed(path, ("nav.url", "http://nav.example"), ("crm.secret", "hunter2"))
    with pytest.raises(ConfigError) as caught:
        save(draft)
    assert len(caught.value.problems) == 2
    assert "hunter2" not in "".join((*caught.value.problems, *difference(draft)))
    assert path.read_text() == FILE


def test_a_password_in_an_address_is_not_shown(path: Path) -> None:
    path.write_text(FILE.replace("nav.example", "anna:hunter2@nav.example"))
    lines = difference(_changed(path, ("nav.url", "https://nav.example/ODataV4")))
    assert lines[0] == '- url = "https://***@nav.example/ODataV4"   # the new one'


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    with files_of_at_most(40), pytest.raises(ConfigError, match="cannot be written"):
        save(_changed(path, ("nav.company", "Contoso")))
    assert path.read_text() == FILE
    assert {one.name for one in path.parent.iterdir()} == {"config.toml", "state"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(path: Path) -> None:
    draft = _changed(path, ("nav.company", "Contoso"))
    path.parent.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="cannot be written"):
            save(draft)
    finally:
        path.parent.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(path: Path) -> None:
    os.chown(path, 4711, 4712)
    save(_changed(path, ("nav.company", "Contoso")))
    assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


def test_a_new_file_is_the_example_with_what_was_filled_in(path: Path) -> None:
    example = (ROOT / "config.toml").read_text()
    place = path.parent / "conf" / "coupler" / "config.toml"
    draft = new_draft(place, example, (("nav", "url"), ("nav", "company"), ("crm", "url")))
    assert not draft.changed
    with pytest.raises(ConfigError) as caught:
        save(draft)
    assert len(caught.value.problems) == 3
    for name, value in (
        ("nav.url", "https://a.example/ODataV4"),
        ("nav.company", "C"),
        ("crm.url", "https://b.example"),
    ):
        draft = put(draft, tuple(name.split(".")), value)
    assert put(draft, ("nav", "company"), "").value(("nav", "company")) == ""
    save(draft)
    assert load(place).nav.company == "C"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert place.read_text().splitlines()[:4] == example.splitlines()[:4]
    with pytest.raises(ConfigError, match="was made meanwhile"):
        save(draft)


@pytest.mark.parametrize(
    ("source", "seen", "how"),
    [
        ("env:NAV_SECRET", "env:NAV_SECRET", "export NAV_SECRET"),
        ("file:/etc/my secret", "file:/etc/my secret", "touch '/etc/my secret'; chmod 600 '/etc/my secret'"),
        ("command:pass show hunter2", "command:pass ***", "Have pass print"),
        ("command:pass", "command:pass", "Have pass print"),
        ("keyring:coupler/nav", "keyring:coupler/nav", "keyring set coupler nav"),
        ("hunter2", "***", ""),
    ],
)
def test_a_reference_is_shown_and_what_may_be_a_secret_is_not(source: str, seen: str, how: str) -> None:
    assert shown(source) == seen
    assert how in how_to_put(source)
    assert "hunter2" not in shown(source) + how_to_put(source)


def test_in_braces_a_secret_is_not_shown_either(path: Path) -> None:
    path.write_text(
        'environment = "uat"\nnav = { url = "https://a.example", company = "C", secret = "env:A" }\n'
        'crm = { url = "https://b.example", secret = "env:B" }\n'
    )
    assert difference(_changed(path, ("nav.secret", "command:print hunter2"))) == ("- ***", "+ ***")


@pytest.mark.parametrize(
    "written",
    [
        '"""\nhunter2"""',
        '"""\\\n  hunter2"""',
        '"""\nhunter2\n"""  # of us',
        '"""\n#hunter2\na = 1 # hunter2\n"""',
        '"""\n\\"""hunter2\nhunter2"""',
        "'''\nhunter2\n'''",
        '"one\u2028hunter2"',
    ],
    ids=["two lines", "continued", "three lines", "like a comment", "quotes in it", "as it is", "another line end"],
)
def test_of_a_secret_over_several_lines_no_line_is_shown(path: Path, written: str) -> None:
    path.write_text(FILE.replace('"env:NAV_SECRET"', written))
    lines = difference(_changed(path, ("nav.secret", "env:NAV_SECRET"), ("nav.company", "Contoso")))
    assert "hunter2" not in "".join(lines)
    assert lines[1] in ("- ***", '- secret = "***"')
    assert '+ company = "Contoso"' in lines
    assert any(one.startswith('+ secret = "env:NAV_SECRET"') for one in lines)


def test_quotes_in_comments_and_short_texts_begin_no_text_over_lines(path: Path) -> None:
    path.write_text(FILE.replace("# ours", "# \"\"\" isn't '''").replace('"CRONUS"', "\"\\\"\" # '''"))
    lines = difference(_changed(path, ("nav.company", "Contoso"), ("nav.page_size", 500)))
    assert lines == ("- company = \"\\\"\" # '''", "+ company = \"Contoso\" # '''", "+ page_size = 500")
