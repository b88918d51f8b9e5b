"""Every mistake in config.toml is named with its place and a way out, all at once, and never with a secret."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import load
from engine.config.check import nearest
from engine.config.ui import THEMES
from engine.model.errors import ConfigError

GOOD = """\
environment = "uat"

[nav]
url = "https://nav.example/NAV/ODataV4"
company = "CRONUS"
secret = "env:NAV_SECRET"

[crm]
url = "https://crm.example"
secret = "env:CRM_SECRET"

[store]
url = "sqlite:///x.db"
"""


def refuse(path: Path, text: str | bytes) -> ConfigError:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    error = caught.value
    assert 1 <= len(error.problems) <= 60
    assert error.hint
    assert all(len(problem) < 900 and "\n" not in problem for problem in error.problems)
    return error


def change(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


NAV_URL = 'url = "https://nav.example/NAV/ODataV4"'
NAV_SECRET = 'secret = "env:NAV_SECRET"'
STORE_URL = 'url = "sqlite:///x.db"'

CASES: dict[str, tuple[str | bytes, str]] = {
    "unknown key": (change("company", "compny"), r":5: nav\.compny: unknown key; did you mean \"company\"\?"),
    "missing key": (change('company = "CRONUS"\n', ""), r":3: nav\.company: is missing"),
    "missing environment": (change('environment = "uat"\n', ""), r"toml: environment: is missing"),
    "unknown key of crm": (
        GOOD.replace("[crm]", "[crm]\nconcurency = 5"),
        r"crm\.concurency: .* did you mean \"concurrency\"\?",
    ),
    "unknown table": (GOOD + "[stroe]\n", r":14: stroe: unknown key; did you mean \"store\"\?"),
    "unlike anything": (change("[nav]", "zzzqqq = 1\n[nav]"), r"zzzqqq: unknown key; it can be environment, nav, crm"),
    "key of another table": (
        change("[nav]", 'marker_field = "x"\n[nav]'),
        r"marker_field: does not belong here; put it into \[nav\]",
    ),
    "missing table": (GOOD.replace("[crm]", "[nav.x]"), r"crm: the table \[crm\] is missing; it needs url and secret"),
    "misspelt table": (GOOD.replace("[crm]", "[cmr]"), r":8: cmr: unknown key; did you mean \"crm\"\?"),
    "table is a value": (
        "nav = 1\n" + GOOD.replace("[nav]", "[navy]"),
        r":1: nav: must be a table \[nav\], not a whole number",
    ),
    "table is a list": (GOOD.replace("[store]", "[[store]]"), r":12: store: must be a table \[store\], not a list"),
    "number for text": (change('"CRONUS"', "7"), r":5: nav\.company: must be text in quotes, not a whole number"),
    "date for text": (change('"CRONUS"', "2026-01-01"), r"must be text in quotes, not a date or time"),
    "text for number": (
        change(NAV_SECRET, NAV_SECRET + '\npage_size = "9"'),
        r":7: nav\.page_size: must be a whole number, not text",
    ),
    "flag for number": (
        change(NAV_SECRET, NAV_SECRET + "\nbatch = true"),
        r"nav\.batch: must be a whole number, not true or false",
    ),
    "fraction for whole": (
        change(NAV_SECRET, NAV_SECRET + "\nbatch = 1.5"),
        r"nav\.batch: must be a whole number, not a number",
    ),
    "zero": (change(NAV_SECRET, NAV_SECRET + "\npage_size = 0"), r"nav\.page_size: must be from 1 to 20,000"),
    "too many": (
        GOOD.replace('"env:CRM_SECRET"', '"env:X"\nconcurrency = 500'),
        r"crm\.concurrency: must be from 1 to 52",
    ),
    "not a number": (
        change(NAV_SECRET, NAV_SECRET + "\nsettle_wait = nan"),
        r"nav\.settle_wait: must be from 0 to 86,400",
    ),
    "infinite": (change(NAV_SECRET, NAV_SECRET + "\nsettle_wait = inf"), r"nav\.settle_wait: must be from"),
    "text for flag": (GOOD + '[ui]\nmouse = "yes"\n', r"ui\.mouse: must be true or false, not text"),
    "unknown theme": (
        GOOD + '[ui]\ntheme = "dracul"\n',
        r"ui\.theme: \"dracul\" is not known; did you mean \"dracula\"\?",
    ),
    "unknown version": (
        change(NAV_SECRET, NAV_SECRET + '\nversion = "2017"'),
        r"nav\.version: \"2017\" is not known; did you mean \"2018\"\?",
    ),
    "version as a number": (
        change(NAV_SECRET, NAV_SECRET + "\nversion = 2018"),
        r"nav\.version: must be text in quotes",
    ),
    "blank company": (change('"CRONUS"', '"  "'), r"nav\.company: must not be blank"),
    "control character": (change('"CRONUS"', r'"C\u001b[2J"'), r"nav\.company: must not hold control characters"),
    "long company": (change("CRONUS", "C" * 500), r"nav\.company: must not be longer than 120"),
    "environment is a path": (change('"uat"', '"../uat"'), r":1: environment: must be a short name"),
    "environment is long": (change('"uat"', f'"{"u" * 41}"'), r"environment: must be a short name"),
    "http to the network": (change("https://nav", "http://nav"), r":4: nav\.url: must begin with https://"),
    "no scheme": (change("https://nav.example", "nav.example"), r"nav\.url: must look like https://host/path"),
    "other scheme": (change("https://nav", "ftp://nav"), r"nav\.url: must look like https://host/path"),
    "no host": (change("https://nav.example/NAV", "https:///NAV"), r"nav\.url: must look like"),
    "password in the url": (
        change("https://nav", "https://me:hunter2@nav"),
        r"nav\.url: must not hold a user or password",
    ),
    "token in the url": (change("ODataV4", "ODataV4?token=hunter2"), r"nav\.url: must end before \?"),
    "space in the url": (change("/NAV/", "/N V/"), r"nav\.url: has a character .* %20"),
    "port of letters": (change("nav.example", "nav.example:https"), r"nav\.url: is not an address"),
    "port too high": (change("nav.example", "nav.example:70000"), r"nav\.url: is not an address"),
    "broken address": (change("nav.example", "[::1"), r"nav\.url: is not an address"),
    "odd host": (change("nav.example", "nav..example"), r"nav\.url: has no usable host name"),
    "company in the url": (change("ODataV4", "ODataV4/Company('CRONUS')"), r"nav\.url: must end before /Company"),
    "literal secret": (
        change("env:NAV_SECRET", "hunter2"),
        r":6: nav\.secret: this looks like the secret itself; say where it is",
    ),
    "literal with a colon": (change("env:NAV_SECRET", "hunter2:x"), r"nav\.secret: this looks like the secret itself"),
    "secret from nowhere": (change("env:NAV_SECRET", "env:"), r"nav\.secret: nothing usable follows \"env:\""),
    "secret from an odd name": (
        change("env:NAV_SECRET", "env:hunter2 !"),
        r"nav\.secret: what follows \"env:\" is no name",
    ),
    "secret without user": (
        change("env:NAV_SECRET", "keyring:hunter2"),
        r"nav\.secret: \"keyring:\" must be followed by",
    ),
    "secret of an open quote": (
        change("env:NAV_SECRET", "command:pass 'hunter2"),
        r"nav\.secret: .* unclosed quotation mark",
    ),
    "blank secret": (change("env:NAV_SECRET", ""), r"nav\.secret: must not be blank"),
    "user with a colon": (
        change(NAV_SECRET, NAV_SECRET + '\nuser = "a:b"'),
        r"nav\.user: must be a user name without a colon",
    ),
    "marker with a space": (
        change(NAV_SECRET, NAV_SECRET + '\nmarker_field = "CRM Id"'),
        r"nav\.marker_field: must be the name",
    ),
    "store in memory": (change(STORE_URL, 'url = "sqlite://"'), r":13: store\.url: must name a file"),
    "store in memory by name": (change(STORE_URL, 'url = "sqlite:///:memory:"'), r"store\.url: must name a file"),
    "store with options": (change(STORE_URL, 'url = "sqlite:///x.db?mode=ro"'), r"store\.url: must name a file"),
    "store at home": (change(STORE_URL, 'url = "sqlite:///~/x.db"'), r"store\.url: must name the folder in full"),
    "store of another kind": (change(STORE_URL, 'url = "mysql://db/x"'), r"store\.url: must begin with"),
    "store password": (
        change(STORE_URL, 'url = "postgresql://me:hunter2@db/x"'),
        r"store\.url: must not hold the password.*PGPASSWORD",
    ),
    "store password as option": (
        change(STORE_URL, 'url = "postgresql://db/x?password=hunter2"'),
        r"store\.url: must not hold the password",
    ),
    "store without database": (change(STORE_URL, 'url = "postgresql://db"'), r"store\.url: must name the database"),
    "key twice": (
        GOOD + "[keys]\n'run.start' = 'f2'\nrun.pause = 'f3,f2'\n",
        r":16: keys\.run\.pause: \"f2\" is already the key of \"run\.start\"",
    ),
    "key twice on one screen": (
        GOOD + "[keys]\nrun.start = 'f2'\nrun.pause = 'f2'\nhome.x = 'f2'\n",
        r":16: keys\.run\.pause: \"f2\" is already the key of \"run\.start\"",
    ),
    "key with a space": (GOOD + "[keys]\nstart = 'f 2'\n", r"keys\.start: must be keys without spaces"),
    "key that is none": (
        GOOD + "[keys]\nhome.log = 'f2'\nrun.pause = 'f3,pgdn'\n",
        r":16: keys\.run\.pause: \"pgdn\" is no key; did you mean \"pagedown\"\?",
    ),
    "key that is like none": (
        GOOD + "[keys]\nrun.pause = 'C-r'\n",
        r":15: keys\.run\.pause: \"C-r\" is no key; keys are called as in f2, ctrl\+r, pagedown or question_mark",
    ),
    "key twice, once as a sign": (
        GOOD + "[keys]\nrun.start = 'question_mark'\nrun.pause = '?'\n",
        r":16: keys\.run\.pause: \"question_mark\" is already the key of \"run\.start\"",
    ),
    "key of a number": (GOOD + "[keys]\nstart = 2\n", r"keys\.start: must be text in quotes"),
    "not TOML": ("environment = uat\n", r":1: not valid TOML: the value is neither text in quotes"),
    "yaml": ("environment: uat\n", r":1: not valid TOML: expected '='"),
    "open bracket": (GOOD + "[ui\n", r":14: not valid TOML: expected '\]'"),
    "open quote": (change('"CRONUS"', '"CRONUS'), r":5: not valid TOML: "),
    "value twice": (GOOD + 'url = "sqlite:///y.db"\n', r":\d+: not valid TOML: a key is there twice"),
    "table twice": (GOOD + "[nav]\n", r":14: not valid TOML: the table \[nav\] is there twice"),
    "deep": ("a = " + "[" * 100_000, r"toml: not valid TOML: brackets are nested too deeply"),
    "endless number": ("a = " + "9" * 100_000, r"toml: not valid TOML: a number is too long"),
    "not UTF-8": (GOOD.encode().replace(b"CRONUS", b"CRON\xdcS"), r":5: it is not UTF-8 text"),
    "a binary": (b"\x7fELF\x02\x01\x01\x00", r":1: not valid TOML"),
    "huge": ("#" * 1_100_000, r"toml: it is larger than"),
    "empty": ("", r"toml: environment: is missing"),
    "long name": (f"{'k' * 5000} = 1\n" + GOOD, r": k{60}\.\.\.: unknown key"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    text, expected = CASES[name]
    error = refuse(tmp_path / "config.toml", text)
    assert any(re.search(expected, problem) for problem in error.problems), error.problems
    assert all(problem.startswith(str(tmp_path / "config.toml")) for problem in error.problems)
    assert "hunter2" not in "".join((error.message, error.hint, *error.problems))


def test_one_mistake_makes_one_message(tmp_path: Path) -> None:
    for name, (text, _) in CASES.items():
        if name not in {"missing table", "table is a value", "empty"}:
            assert len(refuse(tmp_path / "config.toml", text).problems) == 1, name


def test_all_mistakes_are_named_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        change("CRONUS", "")
        .replace("https://crm", "http://crm")
        .replace("env:CRM_SECRET", "hunter2")
        .replace("sqlite", "sqlit")
        + "[ui]\nmous = true\n"
    )
    problems = refuse(tmp_path / "config.toml", text).problems
    found = [int(problem.removeprefix(str(tmp_path / "config.toml")).split(":")[1]) for problem in problems]
    assert found == [5, 9, 10, 13, 15]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "folder")
    assert "a folder" in caught.value.problems[0]


def test_a_near_file_is_proposed(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD)
    with pytest.raises(ConfigError, match=r'did you mean "config\.toml"\?'):
        load(tmp_path / "confg.toml")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "pipe")
    assert "no regular file" in caught.value.problems[0]


@given(st.text(max_size=400))
def test_no_text_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    with pytest.raises(ConfigError):
        load(path)


_VALUES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(-(10**9), 10**9), st.text("ab:/?#@[]%~. ", max_size=20).map(lambda text: f'"{text}"')
    ),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(map(_toml, items))}]"),
    max_leaves=3,
)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(st.dictionaries(st.sampled_from([line.split(" =")[0] for line in GOOD.splitlines() if " = " in line]), _VALUES))
def test_no_value_does_more_than_be_refused(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "values.toml"
    lines = [
        f"{key} = {_toml(values[key])}" if (key := line.split(" =")[0]) in values and " = " in line else line
        for line in GOOD.splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    with suppress(ConfigError):
        load(path)


def test_the_nearest_name_ignores_case() -> None:
    assert nearest("CompanY", ["company", "url"]) == "company"
    assert nearest("Customer", ["CUSTOMER", "CONTACTS"]) == "CUSTOMER"
    assert nearest("", ["url"]) is None


def test_the_themes_are_the_ones_there_are() -> None:
    from textual.theme import BUILTIN_THEMES

    assert set(THEMES) == set(BUILTIN_THEMES)
