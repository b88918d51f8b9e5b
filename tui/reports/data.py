"""A report of a run for programs and spreadsheets: one JSON object, or one table of comma-separated values.

Both hold every record that something is to be said about; causes, conflicts and decisions end at `MOST`, and it is said
how many more there are.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from engine.model.report import Bar, Most, Report
from engine.model.snapshot import RecordOutcome
from tui import format as form
from tui.commands import records
from tui.reports import words
from tui.reports.files import csv_lines

MOST = Most(causes=1_000, records=0, conflicts=10_000, decisions=10_000)

_COUNTERS = (
    "read", "inserted", "modified", "unchanged", "skipped", "failed", "coupled", "ambiguous", "warnings", "uncoupled",
)  # fmt: skip
COLUMNS = (
    "run", "section", "at", "mapping", "direction", "kind", "code", "nav_no", "name", "cause", "message", "hint",
    "by", "field", "nav_value", "crm_value", "nav_id", "crm_id", "count", "seconds", *_COUNTERS,
)  # fmt: skip
"""Of the one table; `section` says what a line is about: run, job, throughput, cause, record, conflict, decision, flag,
left out.
"""


def document(report: Report, outcomes: Iterable[RecordOutcome]) -> Iterator[str]:
    """The report as one JSON object, with each record on a line of its own."""
    whole = records.line(facts(report))
    yield f'{whole[:-1]}, "records": ['
    between = "\n"
    for one in outcomes:
        yield f"{between}{records.line(records.outcome(one))}"
        between = ",\n"
    yield "\n]}\n"


def facts(report: Report) -> dict[str, Any]:
    """All but the records."""
    run = report.run
    return {
        **records.run(run),
        "made": form.iso(run.now),
        "passes": [records.one_pass(one) for job in run.jobs for one in job.passes],
        "throughput": [_bar(one) for one in report.bars],
        "causes": [records.cause(one.cause) for one in report.groups],
        "conflicts": [records.conflict(one) for one in report.conflicts],
        "decisions": [
            {
                "at": form.iso(one.at),
                "by": one.by,
                "deed": str(one.deed),
                "mapping": one.mapping,
                "nav_no": one.nav_no,
                "text": one.text,
            }
            for one in report.decisions
        ],
        "left_out": words.left_out(report),
    }


def _bar(one: Bar) -> dict[str, Any]:
    return {"at": form.iso(one.at), "seconds": one.seconds, "seq": one.seq, "read": one.read, "failed": one.failed}


def table(report: Report, outcomes: Iterable[RecordOutcome]) -> Iterator[str]:
    """The report as lines of comma-separated values."""
    rows: Iterator[dict[str, object]] = chain(_of_facts(report), map(_of_record, outcomes))
    return csv_lines(COLUMNS, ([report.run.id, *(row.get(name) for name in COLUMNS[1:])] for row in rows))


def _of_facts(report: Report) -> Iterator[dict[str, object]]:
    found = facts(report)
    names = {job["seq"]: job["job"] for job in found["jobs"]}
    yield {
        "section": "run",
        "at": found["started"],
        "kind": found["kind"],
        "code": found["state"],
        "name": found["environment"],
        "message": found["message"],
        "hint": found["hint"],
        "by": report.decisions[0].by if report.decisions else None,
        "nav_value": found["nav"],
        "crm_value": found["crm"],
        "seconds": found["worked"],
        **found["counters"],
    }
    for one in found["passes"]:
        told = {name: one[name] for name in ("mapping", "direction", "message", *_COUNTERS)}
        seconds = {"seconds": one["took"], "count": one["total"]}
        yield {"section": "job", "at": one["started"], "kind": one["type"], "code": one["state"], **told, **seconds}
    for one in found["flags"]:
        values_of_flag = ", ".join(f"{name} {form.on_off(one[name])}" for name in ("before", "now", "if_yes", "if_no"))
        code = "edited" if one["edited"] else ""
        yield {"section": "flag", "mapping": one["mapping"], "code": code, "message": values_of_flag}
    for one in found["throughput"]:
        told = {name: one[name] for name in ("at", "seconds", "read", "failed")}
        yield {"section": "throughput", "mapping": names.get(one["seq"]), **told}
    for one in found["decisions"]:
        told = {name: one[name] for name in ("at", "by", "mapping", "nav_no")}
        yield {"section": "decision", "kind": one["deed"], "message": one["text"], **told}
    for one in found["conflicts"]:
        told = {name: one[name] for name in ("mapping", "nav_no", "name", "nav_id", "crm_id")}
        for field in one["fields"]:
            values: dict[str, object] = {"field": f"{field['nav']}={field['crm']}", "code": field["choice"]}
            values |= {name: field[name] for name in ("nav_value", "crm_value")}
            yield {"section": "conflict", "at": one["since"], **told, **values}
    for one in found["causes"]:
        told = {name: one[name] for name in ("mapping", "kind", "code", "cause", "hint", "count")}
        yield {"section": "cause", "at": one["first_seen"], **told}
    for kind, number in found["left_out"].items():
        if number:
            yield {"section": "left out", "kind": kind, "count": number}


def _of_record(one: RecordOutcome) -> dict[str, object]:
    told = records.outcome(one)
    return {"section": "record", **{name: value for name, value in told.items() if name in COLUMNS}}
