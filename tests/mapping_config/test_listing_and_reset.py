"""`coupler mappings --fields` and `--use-defaults`."""

import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import load, toml
from engine.config.listing import field_rows
from engine.config.reset import removed, without_mappings
from engine.model.errors import ConfigError
from engine.runs import control, snapshots
from engine.store.database import Store
from tests.mapping_config.files import HEAD, VENDOR, coupler, settings
from tests.reliability.disks import files_of_at_most

FILE = """\
# what this is for
environment = "uat"  # not production

[nav]
url = "x"
# our own customers
[mapping.CUSTOMER]
# inside
direction = "to"
fields = [
  { nav = "No", crm = "accountnumber" },  # wanted by sales
]

[[mapping.CUSTOMER.templates]]
side = "crm"

# how it looks
[ui]
ascii = true

[mapping.VENDOR]
direction = "to"
# the last line
"""


def test_only_mappings_are_taken_out() -> None:
    assert removed(FILE) == (
        '# what this is for\nenvironment = "uat"  # not production\n\n[nav]\nurl = "x"\n# our own customers\n'
        "\n# how it looks\n[ui]\nascii = true\n\n# the last line\n"
    )


def test_one_mapping_is_taken_out() -> None:
    assert removed(FILE, "CUSTOMER") == re.sub(r"\[mapping\.CUSTOMER\].*?(\n# how)", r"\1", FILE, flags=re.DOTALL)
    assert removed(FILE, "VENDOR") == FILE.replace('[mapping.VENDOR]\ndirection = "to"\n', "")


def test_what_is_not_there_changes_nothing() -> None:
    assert removed(FILE, "CONTACTS") == FILE
    assert removed(HEAD) == HEAD


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('mapping.A.x = 1\nmapping.B.x = 2\ny = "é"\n', 'mapping.B.x = 2\ny = "é"\n'),
        ("mapping = { A = { x = 1 }, B = { x = 2 } }\n", "mapping = {  B = { x = 2 } }\n"),
        ("[mapping]\nA = { x = 1 }\nB = { x = 2 }\n", "[mapping]\nB = { x = 2 }\n"),
        ("[mapping.A]\r\nx = 1\r\n# b\r\n[mapping.B]\r\nx = 2\r\n", "# b\r\n[mapping.B]\r\nx = 2\r\n"),
        ("\ufeff[mapping.A]\nx = 1\n[mapping.B]\nx = 2\n", "\ufeff[mapping.B]\nx = 2\n"),
    ],
)
def test_every_way_of_writing_it(text: str, left: str) -> None:
    assert removed(text, "A") == left
    assert "mapping" not in toml.parse(removed(text).removeprefix("\ufeff").replace("\r\n", "\n"))


_LINES = st.lists(
    st.sampled_from([
        "# a comment", "", "[mapping.A]", "[mapping.B]", "[[mapping.A.templates]]", "[nav]", "[ui]", 'x = "1"',
        "y = [\n  { a = 1 },  # row\n]", "mapping.C.z = 1", "[mapping.A.nav]", "[keys]",
    ]),
    max_size=14,
)  # fmt: skip


@given(_LINES, st.sampled_from([None, "A", "B"]))
def test_whatever_the_file_is_like_nothing_else_is_lost(lines: list[str], name: str | None) -> None:
    text = "\n".join([*lines, ""])
    try:
        before = toml.parse(text)
    except toml.TomlError:
        return
    try:
        after = removed(text, name)
    except ConfigError:
        return
    own = before.pop("mapping", {})
    left = {} if name is None else {key: value for key, value in own.items() if key != name}
    found = toml.parse(after)
    assert found.pop("mapping", {}) == left
    assert found == before


def test_the_file_keeps_its_mode_and_is_whole_at_any_time(tmp_path: Path) -> None:
    settings(tmp_path, VENDOR)
    path = tmp_path / "config.toml"
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    with pytest.raises(ConfigError, match="no"), without_mappings(link):
        raise ConfigError("no")
    assert VENDOR in path.read_text()
    with without_mappings(link) as made:
        assert made is not None and load(made).path == made
    assert path.read_text() == HEAD.replace("secret", 'version = "bc", secret', 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.toml", "link.toml"]


def test_what_somebody_else_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    settings(tmp_path, VENDOR)
    path = tmp_path / "config.toml"
    edited = path.read_text().replace("CRONUS", "Contoso")
    with pytest.raises(ConfigError, match="was changed meanwhile"), without_mappings(path):
        path.write_text(edited)
    assert path.read_text() == edited
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


def test_rows_say_what_differs(tmp_path: Path) -> None:
    text = """\
[mapping.CUSTOMER]
fields = [
  { nav = "No", crm = "accountnumber", direction = "to", crm_length = 15 },
  { nav = "Name", crm = "name", validate = false, transforms = [{ rule = "prefix", arguments = ["X "], direction = "to" }] },
  { nav = "Fax_No", crm = "fax", enabled = false },
  { nav = "Search_Name", crm = "description" },
]
"""
    found = {(row.field.nav, row.field.crm): row for row in field_rows(settings(tmp_path, text), "CUSTOMER")}
    assert found["No", "accountnumber"].differs == ("direction: off -> to", "crm_length: 20 -> 15")
    assert found["Name", "name"].differs == ("validate: true -> false", "transforms: none -> prefix('X ') to")
    assert found["Name", "name"].rules == ("prefix('X ') to",)
    assert (found["Fax_No", "fax"].direction, found["Fax_No", "fax"].differs) == ("off", ("direction: both -> off",))
    assert found["Search_Name", "description"].differs == ("added",)
    assert found["Mobile_Phone_No", "telephone2"].direction == "off"
    assert found["City", "address1_city"].differs == ()
    assert not any(row.differs for row in field_rows(settings(tmp_path, ""), "CUSTOMER"))
    assert not any(row.differs for row in field_rows(settings(tmp_path, VENDOR), "VENDOR"))


CHANGED = '[mapping.CUSTOMER]  # ours\nfields = [{ nav = "No", crm = "accountnumber", direction = "to" }]\n'


def test_fields_are_listed(tmp_path: Path) -> None:
    settings(tmp_path, CHANGED)
    done = coupler(tmp_path, "mappings", "customer", "--fields")
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if "accountnumber" in line)
    assert line.split(maxsplit=4)[:4] == ["CUSTOMER", "No", "->", "accountnumber"]
    assert line.endswith("direction: off -> to")
    rows = [
        json.loads(line) for line in coupler(tmp_path, "mappings", "CUSTOMER", "--fields", "--json").stdout.splitlines()
    ]
    assert next(row for row in rows if row["crm"] == "accountnumber")["differs"] == ["direction: off -> to"]
    assert next(row for row in rows if row["crm"] == "customertypecode")["constant"] == 3
    everything = coupler(tmp_path, "mappings", "--fields", "--json").stdout.splitlines()
    assert {json.loads(line)["mapping"] for line in everything} >= {"CURRENCY", "ITEM-PRODUCT"}


def flags(folder: Path) -> dict[str, bool]:
    found = load(folder / "config.toml")
    store = Store.open(found.store.url)
    try:
        return {one.name: one.only_coupled for one in snapshots.home(store, found).mappings}
    finally:
        store.close()


def test_back_to_the_defaults(tmp_path: Path) -> None:
    settings(tmp_path, "# kept\n" + CHANGED + VENDOR)
    for name in ("CUSTOMER", "CONTACTS", "VENDOR"):
        assert coupler(tmp_path, "mappings", name, "--only-coupled", "off").returncode == 0
    refused = coupler(tmp_path, "mappings", "--use-defaults")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert CHANGED in (tmp_path / "config.toml").read_text()
    assert flags(tmp_path)["CUSTOMER"] is False

    done = coupler(tmp_path, "mappings", "CUSTOMER", "--use-defaults", "--yes")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "config.toml").read_text()
    assert CHANGED not in text and VENDOR in text and "# kept" in text
    assert flags(tmp_path) | {"CUSTOMER": True, "CONTACTS": False, "VENDOR": False} == flags(tmp_path)

    assert coupler(tmp_path, "mappings", "--use-defaults", "--yes").returncode == 0
    assert "mapping" not in (tmp_path / "config.toml").read_text()
    assert set(flags(tmp_path).values()) == {True}
    (tmp_path / "config.toml").write_text(text)
    assert flags(tmp_path)["VENDOR"] is True


def test_a_mapping_may_be_named_in_small_letters(tmp_path: Path) -> None:
    settings(tmp_path, CHANGED)
    assert coupler(tmp_path, "mappings", "customer", "--only-coupled", "off").returncode == 0
    done = coupler(tmp_path, "mappings", "customer", "--use-defaults", "--yes")
    assert (done.returncode, done.stdout) == (0, "CUSTOMER: as by default\n")
    assert CHANGED not in (tmp_path / "config.toml").read_text()
    assert flags(tmp_path)["CUSTOMER"] is True


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    settings(tmp_path, CHANGED)
    done = coupler(tmp_path, "mappings", "CUSTOMRE", "--use-defaults", "--yes")
    assert done.returncode == 2
    assert 'did you mean "CUSTOMER"?' in done.stderr


def test_nothing_is_reset_under_a_run(tmp_path: Path) -> None:
    found = settings(tmp_path, CHANGED)
    store = Store.open(found.store.url)
    control.start(store, found, only=["CURRENCY"], by="test")
    store.close()
    done = coupler(tmp_path, "mappings", "--use-defaults", "--yes")
    assert done.returncode == 2
    assert "is not finished" in done.stderr
    assert CHANGED in (tmp_path / "config.toml").read_text()


def test_a_file_that_needs_what_is_taken_out_stays(tmp_path: Path) -> None:
    settings(tmp_path, VENDOR + '[mapping.CONTACTS]\ndepends = ["VENDOR"]\n')
    before = (tmp_path / "config.toml").read_text()
    done = coupler(tmp_path, "mappings", "VENDOR", "--use-defaults", "--yes")
    assert done.returncode == 2
    assert 'there is no mapping "VENDOR"' in done.stderr
    assert (tmp_path / "config.toml").read_text() == before


def test_a_config_file_for_which_there_is_no_room_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    with (
        files_of_at_most(40),
        pytest.raises(ConfigError, match="cannot be changed: File too large"),
        without_mappings(path),
    ):
        pass
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == FILE
