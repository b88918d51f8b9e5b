"""Reports for programs and spreadsheets are whole: what is read back is what was written."""

import csv
import io
import json
from dataclasses import replace

import pytest

from engine.model.snapshot import RunState
from tests.reliability.hostile import filled
from tests.reliability.payloads import PAYLOADS, foreign
from tests.reports.made import made_records, made_report, whole
from tui.commands import records
from tui.reports import data
from tui.reports.files import quoted

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.RUNNING])
def test_json_read_back_is_the_report_with_every_record(state: RunState) -> None:
    report = made_report(state)
    every = made_records(report)
    found = json.loads(whole(data.document(report, every)))
    assert found.pop("records") == [records.outcome(one) for one in every]
    assert found == data.facts(report)
    assert found["state"] == state
    assert [one["deed"] for one in found["decisions"]][:3] == ["start", "pause", "go_on"]
    assert sum(one["read"] for one in found["throughput"]) == sum(one.read for one in report.bars)


def test_json_without_records_is_json() -> None:
    assert json.loads(whole(data.document(made_report(), [])))["records"] == []


def test_csv_read_back_has_the_same_as_json() -> None:
    report = made_report()
    every = made_records(report)
    rows, facts = rows_of(whole(data.table(report, every))), data.facts(report)
    assert {row["run"] for row in rows} == {"16"}
    of = {name: [row for row in rows if row["section"] == name] for name in {row["section"] for row in rows}}
    (run,) = of["run"]
    assert {name: int(run[name]) for name in facts["counters"]} == facts["counters"]
    assert (run["code"], run["by"], run["at"]) == ("finished", "ops@bastion", facts["started"])
    for name, section in (
        ("passes", "job"),
        ("throughput", "throughput"),
        ("decisions", "decision"),
        ("causes", "cause"),
    ):
        assert len(of[section]) == len(facts[name])
    for row, one in zip(of["job"], facts["passes"], strict=True):
        assert (row["mapping"], row["direction"], row["code"]) == (one["mapping"], one["direction"], one["state"])
        assert all(int(row[name]) == one[name] for name in facts["counters"])
    for row, told in zip(of["record"], map(records.outcome, every), strict=True):
        names = [name for name in told if name in data.COLUMNS]
        assert {name: row[name] for name in names} == {name: quoted(told[name]) for name in names}
    fields = [(one["nav_no"], field) for one in facts["conflicts"] for field in one["fields"]]
    assert [(row["nav_no"], row["nav_value"]) for row in of["conflict"]] == [
        (no, one["nav_value"]) for no, one in fields
    ]
    assert [(row["by"], row["kind"], row["message"]) for row in of["decision"]] == [
        (one["by"], one["deed"], one["text"]) for one in facts["decisions"]
    ]


def test_what_is_left_out_is_counted() -> None:
    report = replace(made_report(), all_causes=1_002, all_conflicts=52)
    assert data.facts(report)["left_out"] == {"causes": 1_000, "conflicts": 50, "decisions": 0}
    rows = [row for row in rows_of(whole(data.table(report, []))) if row["section"] == "left out"]
    assert [(row["kind"], row["count"]) for row in rows] == [("causes", "1000"), ("conflicts", "50")]


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_hostile_text_stays_in_its_cell_and_runs_nowhere(text: str) -> None:
    report = filled(made_report(), text)
    every = [filled(one, text) for one in made_records(report)]
    written = whole(data.table(report, every))
    assert not foreign(written)
    rows = list(csv.reader(io.StringIO(written)))
    assert {len(row) for row in rows} == {len(data.COLUMNS)}
    assert len(rows) == len(list(csv.reader(io.StringIO(whole(data.table(made_report(), every))))))
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA)]
    as_json = whole(data.document(report, every))
    assert not foreign(as_json)
    assert json.loads(as_json)["records"][0]["message"] == every[0].message
