"""Settings of a mapping, changed one by one in config.toml: what stays, what is refused, and the way back."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Settings, changes, load
from engine.config.changes import KEYS, Proposal
from engine.config.edit import read_draft, save
from engine.config.edit import written as as_written
from engine.config.listing import field_rows
from engine.model.errors import ConfigError, LockHeld, OnHold
from engine.model.snapshot import RunState
from engine.runs import changing
from engine.store.database import Store
from engine.store.lock import engine_lock
from tests.mapping_config.files import HEAD, VENDOR, coupler, settings
from tests.runs_store.tools import put
from tests.store.tools import new_run

OURS = """\
# sales wants this
[mapping.CUSTOMER]
conflict = "ask"  # until spring
fields = [
  { nav = "Fax_No", crm = "fax", enabled = false },  # nobody has one
  { nav = "No", crm = "accountnumber", direction = "to" },
  { nav = "Name", crm = "name", crm_length = 50 },
]

# how it looks
[ui]
ascii = true
"""


def proposed(folder: Path, mapping: str, key: str, value: str | None) -> Proposal:
    return changes.propose(read_draft(folder / "config.toml"), mapping, key, value)


def written(folder: Path, mapping: str, key: str, value: str | None) -> str:
    """What follows the head of the file after a change."""
    made = proposed(folder, mapping, key, value)
    assert not made.fault
    save(made.draft)
    return (folder / "config.toml").read_text().removeprefix(HEAD)


def file(folder: Path, text: str) -> None:
    (folder / "config.toml").write_text(HEAD + text)


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("conflict", "latest", '"ask"', '"latest"'),
        ("conflict", None, 'conflict = "ask"  # until spring\n', ""),
        ("direction", "to", "]\n\n# how", ']\ndirection = "to"\n\n# how'),
        ("Fax_No=fax", "from", "enabled = false", 'direction = "from"'),
        ("Fax_No=fax", None, '  { nav = "Fax_No", crm = "fax", enabled = false },  # nobody has one\n', ""),
        ("No=accountnumber", None, '  { nav = "No", crm = "accountnumber", direction = "to" },\n', ""),
        ("Name=name", "to", "crm_length = 50 }", 'crm_length = 50, direction = "to" }'),
    ],
)
def test_only_what_is_changed_changes(tmp_path: Path, key: str, value: str | None, old: str, new: str) -> None:
    file(tmp_path, OURS)
    assert written(tmp_path, "CUSTOMER", key, value) == OURS.replace(old, new)


@pytest.mark.parametrize(
    ("key", "value", "new"),
    [
        ("enabled", "false", "enabled = false"),
        ("deletion", "remove_coupling", 'deletion = "remove_coupling"'),
        ("create_unmatched", "true", "create_unmatched = true"),
        ("nav.entity", "Debitoren", 'nav = { entity = "Debitoren" }'),
        ("crm_filter", '[ ["name","ne",""] ]', 'crm_filter = [["name", "ne", ""]]'),
        ("match", '[[["Name","name"]]]', 'match = [[["Name", "name"]]]'),
        ("Name=name", "off", 'fields = [{ nav = "Name", crm = "name", direction = "off" }]'),
    ],
)
def test_a_mapping_of_which_nothing_is_written_gets_a_table_and_loses_it_again(
    tmp_path: Path, key: str, value: str, new: str
) -> None:
    file(tmp_path, "")
    assert written(tmp_path, "CUSTOMER", key, value) == f"[mapping.CUSTOMER]\n{new}\n"
    assert written(tmp_path, "CUSTOMER", key, None) in ("", HEAD.removesuffix("\n"))


def test_rows_that_are_tables_of_their_own_keep_what_stands_behind_them(tmp_path: Path) -> None:
    file(
        tmp_path,
        '[[mapping.CUSTOMER.fields]]\nnav = "No"\ncrm = "accountnumber"\ndirection = "to"\n\n# how it looks\n[ui]\nascii = true\n',
    )
    text = written(tmp_path, "CUSTOMER", "Name=name", "to")
    assert text.count("[[mapping.CUSTOMER.fields]]") == 2
    text = written(tmp_path, "CUSTOMER", "No=accountnumber", None)
    assert text.endswith("\n\n# how it looks\n[ui]\nascii = true\n")
    assert text.startswith(
        '[[mapping.CUSTOMER.fields]]\nnav = "No"\ncrm = "accountnumber"\ndirection = "off"\n\n[[mapping'
    )
    rows = {
        (one.field.nav, one.field.crm): one.direction for one in field_rows(load(tmp_path / "config.toml"), "CUSTOMER")
    }
    assert (rows["No", "accountnumber"], rows["Name", "name"]) == ("off", "to")


def test_windows_lines_stay_windows_lines(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes((HEAD + OURS).replace("\n", "\r\n").encode())
    written(tmp_path, "CONTACTS", "conflict", "ask")
    raw = (tmp_path / "config.toml").read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n") > OURS.count("\n")


@pytest.mark.parametrize(
    ("mapping", "key", "value", "why"),
    [
        ("CUSTOMER", "conflict", "lates", 'did you mean "latest"?'),
        ("CURRENCY", "direction", "both", "can only go to CRM"),
        ("CUSTOMER", "nav_filter", '[["Blocked", "is", " "]]', '"is" is no operator'),
        ("CUSTOMER", "nav_filter", "[[", "cannot be read"),
        ("CUSTOMER", "nav_filter", '[]\nconflict = "ask"', "one value"),
        ("CUSTOMER", "match", '[[["Nam", "name"]]]', "is not mapped"),
        ("CUSTOMER", "nav.entity", "Cust omers", "a name of letters"),
        ("CUSTOMER", "enabled", "no", "cannot be read"),
        ("CURRENCY", "enabled", "false", "CURRENCY is left out"),
        ("VENDOR", "Name=name", "off", "is not mapped"),
    ],
)
def test_what_loading_would_refuse_is_refused_and_not_written(
    tmp_path: Path, mapping: str, key: str, value: str, why: str
) -> None:
    file(tmp_path, VENDOR)
    made = proposed(tmp_path, mapping, key, value)
    assert why in made.fault
    if made.draft.changed:
        with pytest.raises(ConfigError, match="faults"):
            save(made.draft)
    assert (tmp_path / "config.toml").read_text() == HEAD + VENDOR


@pytest.mark.parametrize(
    ("mapping", "key", "why"),
    [
        ("CUSTOMERS", "conflict", 'did you mean "CUSTOMER"?'),
        ("CUSTOMER", "conflicts", 'did you mean "conflict"?'),
        ("CUSTOMER", "templates", "one by one"),
        ("CUSTOMER", "Nam=name", "no field mapping"),
        ("CONTACTS", "conflict", "does not take part"),
    ],
)
def test_names_that_are_not_there_are_told(tmp_path: Path, mapping: str, key: str, why: str) -> None:
    file(tmp_path, "[mapping.CONTACTS]\nenabled = false\n")
    with pytest.raises(ConfigError, match=why.replace("?", r"\?")):
        proposed(tmp_path, mapping, key, None)


def test_every_setting_has_choices_that_can_all_be_said_in_a_line_and_names_its_default(tmp_path: Path) -> None:
    file(tmp_path, OURS)
    draft = read_draft(tmp_path / "config.toml")
    for key in (*KEYS, "Name=name", "No=accountnumber"):
        found = changes.read(draft, "CUSTOMER", key)
        assert found.default is not None
        assert found.help
        wide = max((len(one.name) for one in found.choices), default=0)
        assert all(one.meaning and len(one.meaning) + wide + 4 <= 76 for one in found.choices), key
        assert not found.choices or found.value in [one.name for one in found.choices]
    assert changes.read(draft, "CUSTOMER", "conflict").default == "none"
    assert changes.read(draft, "CUSTOMER", "conflict").value == "ask"
    assert changes.read(draft, "CUSTOMER", "No=accountnumber").default == "off"
    assert changes.read(draft, "CUSTOMER", "Fax_No=fax").value == "off"
    assert not changes.read(draft, "CUSTOMER", "nav_filter").written


@pytest.mark.parametrize(
    ("mapping", "key", "names", "why"),
    [
        ("CURRENCY", "direction", ["to"], "Not both, from: this mapping can only go to CRM."),
        ("SALEPEOPLE", "direction", ["from"], "Not both, to: this mapping can only go from CRM."),
        ("ITEM-PRODUCT", "Unit_Price=price", [], "Not both, to, from, off: the special handling of this mapping needs"),
    ],
)
def test_what_would_be_refused_is_no_choice_and_why_is_said(
    tmp_path: Path, mapping: str, key: str, names: list[str], why: str
) -> None:
    file(tmp_path, "")
    found = changes.read(read_draft(tmp_path / "config.toml"), mapping, key)
    assert [one.name for one in found.choices] == names
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith(why)


def test_what_is_wrong_in_the_file_already_takes_no_choice_away(tmp_path: Path) -> None:
    file(tmp_path, '[mapping.CONTACTS]\nconflict = "never"\n')
    found = changes.read(read_draft(tmp_path / "config.toml"), "CURRENCY", "direction")
    assert [one.name for one in found.choices] == ["to"]


def test_no_choice_that_is_offered_is_refused(tmp_path: Path) -> None:
    file(tmp_path, OURS)
    draft = read_draft(tmp_path / "config.toml")
    for key in (*KEYS, "Name=name", "No=accountnumber", "Fax_No=fax"):
        for one in changes.read(draft, "CUSTOMER", key).choices:
            assert not changes.propose(draft, "CUSTOMER", key, one.name).fault, (key, one.name)


def test_a_mapping_of_ones_own_has_no_default_for_what_it_must_say(tmp_path: Path) -> None:
    file(tmp_path, VENDOR)
    draft = read_draft(tmp_path / "config.toml")
    assert changes.read(draft, "VENDOR", "nav.entity").default is None
    assert changes.read(draft, "VENDOR", "conflict").default == "none"
    assert changes.read(draft, "VENDOR", "Name=name").default == "both"


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_of_a_filter_comes_back_as_it_was(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    file(folder, OURS)
    draft = read_draft(folder / "config.toml")
    value = as_written([["Search_Name", "ne", text]])
    made = changes.propose(draft, "CUSTOMER", "nav_filter", value)
    assert not made.fault
    again = changes.read(made.draft, "CUSTOMER", "nav_filter")
    assert again.value == value
    assert not {one for one in value if ord(one) < 0x20 or one in "\x7f\u202e\u2066\u200b\ufeff\u2028"}


def used(folder: Path, text: str = OURS) -> Settings:
    return settings(folder, text)


def test_it_is_written_for_its_owner_alone_and_used_from_then_on(tmp_path: Path) -> None:
    before = used(tmp_path)
    store = Store.open(before.store.url)
    try:
        now = changing.write(store, before, proposed(tmp_path, "CUSTOMER", "direction", "to").draft)
    finally:
        store.close()
    assert {str(one.direction) for one in now.mappings if one.name == "CUSTOMER"} == {"ToIntegrationTable"}
    assert repr(now.mappings) == repr(load(tmp_path / "config.toml").mappings)
    assert stat.S_IMODE((tmp_path / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.STOPPED, RunState.ASKING])
def test_while_a_run_is_not_finished_and_answered_nothing_is_written(tmp_path: Path, state: RunState) -> None:
    before = used(tmp_path)
    store = Store.open(before.store.url)
    try:
        put(store, new_run(store), state)
        made = proposed(tmp_path, "CUSTOMER", "direction", "to")
        with pytest.raises(OnHold, match="not finished"):
            changing.write(store, before, made.draft)
    finally:
        store.close()
    assert (tmp_path / "config.toml").read_text().endswith(OURS)


def test_while_an_engine_works_on_anything_nothing_is_written(tmp_path: Path) -> None:
    before = used(tmp_path)
    store = Store.open(before.store.url)
    try:
        with engine_lock(store), pytest.raises(LockHeld):
            changing.write(store, before, proposed(tmp_path, "CUSTOMER", "direction", "to").draft)
    finally:
        store.close()
    assert (tmp_path / "config.toml").read_text().endswith(OURS)


def test_what_somebody_else_wrote_meanwhile_stays_and_other_systems_are_not_taken_over(tmp_path: Path) -> None:
    before = used(tmp_path)
    path = tmp_path / "config.toml"
    store = Store.open(before.store.url)
    try:
        made = proposed(tmp_path, "CUSTOMER", "direction", "to")
        path.write_text(path.read_text() + "# mine\n")
        with pytest.raises(ConfigError, match="changed meanwhile"):
            changing.write(store, before, made.draft)
        path.write_text(path.read_text().replace("crm.example", "other.example"))
        with pytest.raises(ConfigError, match="other systems"):
            changing.write(store, before, proposed(tmp_path, "CUSTOMER", "direction", "to").draft)
    finally:
        store.close()
    assert path.read_text().endswith("# mine\n")


def test_the_command_shows_the_lines_and_writes_only_when_told_to(tmp_path: Path) -> None:
    file(tmp_path, OURS)
    unasked = coupler(tmp_path, "mappings", "customer", "--set", "conflict", "latest")
    assert (unasked.returncode, (tmp_path / "config.toml").read_text()) == (2, HEAD + OURS)
    assert '- conflict = "ask"' in unasked.stderr
    told = coupler(tmp_path, "mappings", "customer", "--set", "conflict", "latest", "--yes")
    assert (told.returncode, told.stdout) == (0, "CUSTOMER: conflict is changed\n")
    assert (tmp_path / "config.toml").read_text() == HEAD + OURS.replace('"ask"', '"latest"')
    again = coupler(tmp_path, "mappings", "CUSTOMER", "--set", "conflict", "latest", "--yes")
    assert (again.returncode, again.stdout) == (0, "CUSTOMER: nothing changes\n")
    wrong = coupler(tmp_path, "mappings", "CUSTOMER", "--set", "nav_filter", '[["Blocked"]]', "--yes")
    assert wrong.returncode == 2
    assert "each condition must be [field, operator, value]" in wrong.stderr
    assert coupler(tmp_path, "mappings", "CONTACTS", "--set", "enabled", "false", "--yes").returncode == 0
    assert coupler(tmp_path, "mappings", "CONTACTS").returncode == 2
    assert coupler(tmp_path, "mappings", "CONTACTS", "--default", "enabled", "--yes").returncode == 0
    assert (tmp_path / "config.toml").read_text().strip() == (HEAD + OURS.replace('"ask"', '"latest"')).strip()
