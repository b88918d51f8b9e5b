"""The page about a run: what is in it, that nothing in it runs or loads, and that texts are shown as texts."""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine.model.report import Group, Report
from engine.model.snapshot import JobState, RunState
from tests.reliability.hostile import filled
from tests.reliability.payloads import PAYLOADS, foreign
from tests.reports.made import at, made_bars, made_groups, made_records, made_report, whole
from tests.tui.made.runs import made_run, made_undo
from tui.reports import data
from tui.reports.markup import LONGEST
from tui.reports.page import page
from tui.reports.sections import MOST
from tui.text import safe

GOLDEN = Path(__file__).parent / "golden"
VOID = ("meta", "br")
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "span", "div", "p", "dl", "dt", "dd", "ul", "li", "b", "br", "code",
    "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "g", "line", "rect", "text", "details", "summary", "footer",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "scope", "open", "role", "aria-label", "viewbox",
    "x", "y", "x1", "x2", "y1", "y2", "width", "height",
}  # fmt: skip


@dataclass
class Read(HTMLParser):
    """What a page is made of: its tags with their attributes, and the texts between them."""

    tags: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def read(text: str) -> Read:
    found = Read()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def shown(report: Report) -> str:
    return " ".join(" ".join(read(whole(page(report))).texts).split())


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("run.html", lambda: page(made_report())),
        ("running.html", lambda: page(made_report(RunState.RUNNING))),
        ("run.json", lambda: data.document(made_report(), made_records(made_report()))),
        ("run.csv", lambda: data.table(made_report(), made_records(made_report()))),
    ],
)
def test_it_is_as_it_was(name: str, made: object) -> None:
    """`COUPLER_GOLDEN=write` writes the files anew; look at the difference."""
    assert callable(made)
    found = whole(made()).encode()
    path = GOLDEN / name
    if os.environ.get("COUPLER_GOLDEN") == "write":
        path.write_bytes(found)
    assert found == path.read_bytes()


def test_nothing_in_it_runs_or_loads() -> None:
    for report in (
        made_report(),
        made_report(RunState.RUNNING),
        filled(made_report(), "javascript:alert(1)//http://x"),
    ):
        found = read(whole(page(report)))
        assert {tag for tag, _ in found.tags} <= TAGS
        assert {name for _, names in found.tags for name in names} <= ATTRIBUTES


def test_the_policy_allows_its_own_style_and_nothing_else() -> None:
    text = whole(page(made_report()))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert "url(" not in style[1]
    assert "@import" not in style[1]


@pytest.mark.parametrize("text", [one for one in PAYLOADS if one])
def test_a_hostile_text_is_shown_and_changes_nothing_around_it(text: str) -> None:
    plain, hostile = (
        read(whole(page(filled(report(), one)))) for report, one in ((made_report, "x"), (made_report, text))
    )
    assert sorted(set(hostile.tags)) == sorted(set(plain.tags)) or "`" in text
    assert [tag for tag, _ in hostile.tags if tag != "code"] == [tag for tag, _ in plain.tags if tag != "code"]
    written = [one for one in (*hostile.texts, *hostile.values) if foreign(one)]
    assert written == []
    if text.strip() and "`" not in text:
        assert safe(text, LONGEST) in hostile.texts


def test_what_the_run_did_is_there() -> None:
    text = shown(made_report())
    for words in (
        "Full synchronization, run 16 finished",
        "2026-03-12 11:57:53 by ops@bastion",
        "17,622 records read",
        "CUSTOMER <> PART 4,105 1,368 1,026 1,632 0 79 0",
        "PART got to its end, and some of its records failed.",
        "Left out: 11:00:00 without work from 2026-03-12 11:59:14 on.",
        "77 failed CUSTOMER CRM 412 duplicate accountnumber",
        "What to do: Couple by hand.",
        "01450001 Progressive Home Furnishings",
        "Name = name New Concepts Furniture New Concepts Ltd. not yet",
        "11:58:14 kim@bastion paused it",
        "kim@bastion set Synch. Only Coupled Records CONTACTS off",
        "ops@bastion resolved a conflict CUSTOMER 01450001 City=nav: Bonn, not Berlin",
        "no, by ops@bastion, 2026-03-12 23:04:14: Synch. Only Coupled Records is as before this run",
        "CONTACTS on off set by hand meanwhile; it stays",
    ):
        assert words in text, words


@pytest.mark.parametrize("state", list(RunState))
def test_every_state_has_its_word_and_what_to_do(state: RunState) -> None:
    text = shown(made_report(state))
    assert f"run 16 {state}" in text
    assert ("This run is still going" in text) is (state is RunState.RUNNING)
    assert ("coupler resume 16" in text) is (state in (RunState.STOPPED, RunState.INTERRUPTED))
    assert ("coupler answer 16 yes|no" in text) is (state is RunState.ASKING)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (made_run(RunState.FINISHED, kind="sync"), "Synchronization of modified records, run 16"),
        (made_run(RunState.FINISHED, kind="plan"), "Plan of a full synchronization, run 16"),
        (made_undo(), "Undo of run 8, run 23"),
        (replace(made_undo(), undoes=None), "Look at an undo, run 23"),
    ],
)
def test_every_kind_has_its_title(run: object, words: str) -> None:
    report = replace(made_report(), run=run)  # type: ignore[arg-type]  # it is a run
    text = shown(report)
    assert text.startswith(f"{words} ({report.run.environment}) {words}")
    # what an undo did to records is no error
    assert ("Errors by cause" in text) is ("run 23" not in words)


def test_what_is_left_out_is_said_with_the_way_to_it() -> None:
    report = replace(made_report(), all_causes=1_002, all_problems=300_000, all_conflicts=52, all_decisions=508)
    text = shown(report)
    assert "300,000 problems with 1,002 causes." in text
    assert f"at most {MOST.records} records are shown, of at most {MOST.causes} causes" in text
    assert "… and 57 more records: coupler report 16 --format csv" in text
    assert "… and 1,000 more causes: coupler report 16 --format json" in text
    assert "… and 50 more records in conflict: coupler conflicts" in text
    assert "… and 500 more decisions before the last ones: coupler report 16 --format json" in text


def test_nothing_is_said_to_be_left_out_when_all_is_there() -> None:
    groups = tuple(replace(one, cause=replace(one.cause, count=len(one.records))) for one in made_groups())
    assert "more" not in shown(replace(made_report(), groups=groups)).replace("Modified", "")


def test_a_run_without_anything() -> None:
    report = replace(
        made_report(), bars=(), groups=(), all_causes=0, all_problems=0, conflicts=(), all_conflicts=0, decisions=()
    )
    text = shown(report)
    assert "No record was read." in text
    assert "There is nothing to be said about any record." in text
    assert "Conflicts" not in text


def test_a_job_that_could_not_go_on_says_why() -> None:
    run = made_run(RunState.FINISHED)
    jobs = tuple(
        replace(job, state=JobState.SKIP, message="needs CUSTOMER") if job.mapping == "CONTACTS" else job
        for job in run.jobs
    )
    text = shown(replace(made_report(), run=replace(run, jobs=jobs)))
    assert "CONTACTS <> needs CUSTOMER SKIP" in text
    assert "SKIP was skipped, because a job that it needs could not go on" in text


def test_only_the_first_causes_are_open() -> None:
    groups: Sequence[Group] = made_groups() * 3
    text = whole(page(replace(made_report(), groups=tuple(groups))))
    assert [bool(one) for one in re.findall(r"<details( open=\"\")?>", text)] == [True] * 3 + [False] * 3


def test_times_of_another_day_have_their_date() -> None:
    run = made_run(RunState.FINISHED)
    late = replace(run.jobs[0].passes[0], started=at(90_000), ended=at(90_001))
    text = shown(replace(made_report(), run=replace(run, jobs=(replace(run.jobs[0], passes=(late,)), *run.jobs[1:]))))
    assert "2026-03-13 12:57:34 00:00:01" in text
    assert " 11:58:34 00:00:31" in text
    assert len(made_bars()) == 15
