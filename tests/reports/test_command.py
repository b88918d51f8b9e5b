"""`coupler report`: where it writes, what it says, and how it ends."""

import csv
import io
import json
import stat
from pathlib import Path

import pytest

from engine.config import Settings
from engine.model.snapshot import RunState, Wish
from engine.runs import control
from engine.store.database import Store
from engine.store.lock import engine_lock
from tests.cli.conftest import Coupler
from tests.runs_store.tools import add_page, put, scope_of
from tests.store.tools import TO, done, failed, page_of

SECRET = "hunter2-secret"


@pytest.fixture
def number(store: Store, settings: Settings) -> int:
    """A run that is over, with one record that failed."""
    made = control.start(store, settings, by="me@here")
    control.wish(store, made, Wish.STOP, by="kim@bastion")
    add_page(store, scope_of(made, "CUSTOMER", TO), page_of(None, "1", [done(1), failed(2)]))
    put(store, made, RunState.ASKING)
    control.answer(store, made, yes=False, by="ops@bastion")
    return made


def test_a_page_in_a_new_file_here_whose_name_is_told(coupler: Coupler, number: int, tmp_path: Path) -> None:
    for name in ("coupler-run-1.html", "coupler-run-1-2.html"):
        done = coupler("report", str(number))
        path = tmp_path / name
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}\n", "")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = path.read_text()
        assert text.startswith("<!DOCTYPE html>")
        assert text.endswith("</html>\n")
        assert "There is no city." in text
        assert "kim@bastion" in text


def test_no_name_left_is_said(coupler: Coupler, number: int, tmp_path: Path) -> None:
    for other in ("", *(f"-{n}" for n in range(2, 1_000))):
        (tmp_path / f"coupler-run-1{other}.html").touch()
    refused = coupler("report", str(number))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "coupler: coupler-run-1.html is there already, and so is each name with a number.\n"
        "  Name another file with --output.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--format", "csv"), "coupler-run-1.csv"),
        (("--format", "json"), "coupler-run-1.json"),
        (("--output", "x.json"), "x.json"),
        (("-o", "x.CSV"), "x.CSV"),
        (("-o", "x.csv", "--format", "json"), "x.csv"),
        (("-o", "x"), "x"),
    ],
)
def test_the_format_is_what_is_said_or_what_the_file_ends_in(
    coupler: Coupler, number: int, tmp_path: Path, arguments: tuple[str, ...], name: str
) -> None:
    done = coupler("report", str(number), *arguments)
    assert done.stdout == f"{tmp_path / name}\n"
    begin = (tmp_path / name).read_text()[:9]
    if "json" in arguments or name.endswith(".json"):
        assert begin == '{"run": 1'
    else:
        assert begin == ("run,secti" if name.lower().endswith(".csv") else "<!DOCTYPE")


@pytest.mark.parametrize("kind", ["html", "csv", "json"])
def test_a_dash_is_standard_output_and_no_file(coupler: Coupler, number: int, tmp_path: Path, kind: str) -> None:
    before = sorted(tmp_path.iterdir())
    done = coupler("report", str(number), "--output", "-", "--format", kind)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(tmp_path.iterdir()) == before
    assert "There is no city." in done.stdout
    if kind == "json":
        found = json.loads(done.stdout)
        assert found["counters"]["failed"] == 1
        assert [one["nav_no"] for one in found["records"]] == ["C2"]
        assert [one["deed"] for one in found["decisions"]] == ["start", "stop", "answer"]
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [row["nav_no"] for row in rows if row["section"] == "record"] == ["C2"]


def test_what_is_there_stays_unless_it_is_to_be_replaced(coupler: Coupler, number: int, tmp_path: Path) -> None:
    path = tmp_path / "x.html"
    path.write_text("mine")
    refused = coupler("report", str(number), "-o", "x.html")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == "coupler: x.html is there already.\n  Name another file, or replace it with --force.\n"
    assert path.read_text() == "mine"
    assert coupler("report", str(number), "-o", "x.html", "--force").returncode == 0
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_without_a_number_it_is_the_last_run(coupler: Coupler, number: int, store: Store, settings: Settings) -> None:
    control.start(store, settings, kind="plan", by="me@here")
    done = coupler("report", "-o", "-", "--format", "json")
    assert json.loads(done.stdout)["run"] == number
    assert json.loads(coupler("report", "2", "-o", "-", "--format", "json").stdout)["kind"] == "plan"


def test_a_run_that_is_going_has_a_report_that_says_so(coupler: Coupler, store: Store, settings: Settings) -> None:
    made = control.start(store, settings, by="me@here")
    with engine_lock(store):
        done = coupler("report", str(made), "-o", "-")
    assert done.returncode == 0
    assert done.stderr == f"coupler: run {made} is still going; the report is of this moment.\n"
    assert "This run is still going." in done.stdout


@pytest.mark.usefixtures("config")
def test_what_is_not_there_is_said(coupler: Coupler) -> None:
    for arguments, said in (
        (("report",), "coupler: There was no run yet.\n"),
        (("report", "99"), "coupler: There is no run 99.\n  `coupler jobs` lists the runs there are.\n"),
    ):
        done = coupler(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "nowhere/x.html"), "The report cannot be written: No such file or directory."),
        (("-o", "."), ". is a folder.\n  Name a file in it."),
        (("-o", "./", "--force"), "./ is a folder.\n  Name a file in it."),
        (("-o", "new/"), "new/ is a folder."),
        (("-o", ""), "--output needs the name of a FILE."),
        (("-o", "/dev/null"), "/dev/null is no plain file.\n  Name another one, or - for standard output."),
        (("--force",), "--force is for --output FILE."),
        (("-o", "-", "--force"), "--force is for --output FILE."),
        (("--format", "pdf"), "'pdf' is not one of 'html', 'csv', 'json'."),
        (("0",), "0 is not in the range"),
    ],
)
def test_what_cannot_be_meant_or_written_ends_with_2(
    coupler: Coupler, number: int, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = sorted(tmp_path.iterdir())
    done = coupler("report", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 2
    assert sorted(tmp_path.iterdir()) == before


def test_no_secret_is_in_it(coupler: Coupler, number: int, store: Store) -> None:
    with store.reading() as connection:
        (fingerprint,) = connection.exec_driver_sql("SELECT fingerprint FROM run").one()
    for kind in ("html", "csv", "json"):
        done = coupler("report", str(number), "-o", "-", "--format", kind)
        assert done.stdout
        for hidden in (SECRET, "COUPLER_TEST_SECRET", fingerprint):
            assert hidden not in done.stdout


def test_the_help_fits_on_a_screen(coupler: Coupler) -> None:
    done = coupler("report", "--help")
    assert done.stdout.count("\n") < 24
    assert "20 records of each of the 100 worst causes" in done.stdout
