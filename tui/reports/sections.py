"""The parts of a page about a run; what may be without end ends at `MOST`, and says how much more there is."""

from datetime import date, datetime

from engine.model.conflict import Clash, Shown
from engine.model.mapping import Direction
from engine.model.report import Group, Most, Report
from engine.model.snapshot import Counters, JobSnapshot, JobState, PassSnapshot
from tui import format as form
from tui.reports import words
from tui.reports.chart import chart, gaps
from tui.reports.markup import BREAK, Markup, coded, element, joined, moment, shown, table

MOST = Most(causes=100, records=20, conflicts=200, decisions=500)
"""What a page holds: more can hardly be read, and would not open on a phone."""

COUNTERS = ("inserted", "modified", "unchanged", "skipped", "failed", "coupled")
_OPEN = 3
"""Causes whose records are open from the start."""
_JOB_TONES = {
    JobState.OK: "good",
    JobState.PART: "fair",
    JobState.FAIL: "bad",
    JobState.STOP: "fair",
    JobState.SKIP: "bad",
}
_JOB_HEADING = (
    "#", "Job", "State", "Read", "Inserted", "Modified", "Unchanged", "Skipped", "Failed", "Coupled",
    "Began", "Took", "Rec/s",
)  # fmt: skip
_JOB_NUMBERS = ("#", "Read", "Inserted", "Modified", "Unchanged", "Skipped", "Failed", "Coupled", "Took", "Rec/s")


def jobs(report: Report) -> list[Markup]:
    """The jobs in their order, and what their words mean."""
    run_jobs = report.run.jobs
    rows = [row for job in run_jobs for row in _job_rows(job, report.run.started.date())]
    every = ("", "all", "", *_numbers(report.run.counters), "", form.duration(report.run.worked), "")
    rows.append(tuple(element("b", cell) for cell in every))
    states = dict.fromkeys(job.state for job in run_jobs)
    legend = "; ".join(f"{state} {words.STATES[state]}" for state in states if state in words.STATES)
    parts = [table(_JOB_HEADING, rows, numbers=_JOB_NUMBERS)]
    if any(len(job.passes) > 1 for job in run_jobs):
        both = (
            "A bidirectional job reads both sides, to CRM first, and its numbers are those of both directions together."
        )
        parts.append(element("p", both, class_="soft"))
    return [*parts, element("p", f"{legend}.", class_="soft")] if legend else parts


def _job_rows(job: JobSnapshot, day: date) -> list[tuple[object, ...]]:
    """The job, and its two passes where it has two."""
    name = [job.mapping, element("span", f" {job.direction.arrow}", class_="soft")]
    if job.message:
        name += [BREAK, element("span", job.message, class_="soft why")]
    begun = min((one.started for one in job.passes if one.started is not None), default=None)
    took = [one.took for one in job.passes if one.took is not None]
    seconds = sum(took) if len(took) == len(job.passes) else None
    times = (_clock(begun, day), form.duration(seconds), _speed(job.done, seconds))
    whole = (str(job.seq), joined(name), _state(job.state), *_numbers(job.counters), *times)
    return [whole, *(_pass_row(one, day) for one in job.passes if len(job.passes) > 1)]


def _pass_row(one: PassSnapshot, day: date) -> tuple[object, ...]:
    way = "from CRM" if one.direction is Direction.FROM_INTEGRATION_TABLE else "to CRM"
    times = (_clock(one.started, day), form.duration(one.took), _speed(one.counters.read, one.took))
    cells = ("", way, one.state.value, *_numbers(one.counters), *times)
    return tuple(element("span", cell, class_="soft") for cell in cells)


def _state(state: JobState) -> Markup:
    return element("b", str(state), class_=_JOB_TONES.get(state))


def _clock(at: datetime | None, day: date) -> str:
    """The time of a day, with the date when it is another one."""
    return form.clock(at) if at is not None and at.date() == day else moment(at)


def _numbers(sums: Counters) -> tuple[str, ...]:
    return tuple(form.count(getattr(sums, name)) for name in ("read", *COUNTERS))


def _speed(read: int, seconds: float | None) -> str:
    return form.rate(read / seconds) if seconds else form.NONE


def throughput(report: Report) -> list[Markup]:
    """The chart, and what it leaves out."""
    if not report.bars:
        return [element("p", "No record was read.", class_="soft")]
    names = {job.seq: job.mapping for job in report.run.jobs}
    width = form.many(round(max(bar.seconds for bar in report.bars)), "second")
    caption = [
        f"Records a second, by the moment in which their page was committed; a bar is {width}. Below it the job."
    ]
    if any(bar.failed for bar in report.bars):
        caption.append("Failed records are the lower part of a bar, in another colour.")
    caption += [
        f"Left out: {form.duration(took)} without work from {moment(at)} on." for at, took in gaps(report.bars)[:5]
    ]
    drawn = element("figure", chart(report.bars, names), element("figcaption", " ".join(caption)))
    return [drawn]


def causes(report: Report) -> list[Markup]:
    """Equal problems as one, with the first records of each."""
    if not report.groups:
        return [element("p", "There is nothing to be said about any record.", class_="soft")]
    number = report.run.id
    about = f"{form.many(report.all_problems, 'problem')} with {form.many(report.all_causes, 'cause')}. "
    about += f"Of each cause, at most {MOST.records} records are shown, of at most {MOST.causes} causes."
    parts = [element("p", about, class_="soft")]
    parts += [_cause(group, number, opened=at < _OPEN) for at, group in enumerate(report.groups)]
    rest = words.more("causes", words.left_out(report)["causes"], f"coupler report {number} --format json")
    return [*parts, element("p", coded(rest), class_="more")] if rest else parts


def _cause(group: Group, number: int, *, opened: bool) -> Markup:
    cause = group.cause
    tone = "bad" if cause.kind == "failed" else "fair"
    head = element(
        "summary",
        element("b", form.count(cause.count), class_=tone),
        f" {cause.kind}  {cause.mapping}  ",
        element("b", cause.cause),
        element("span", f"  {cause.code}, first at {moment(cause.first_seen)}", class_="soft"),
    )
    rows = [
        (
            one.nav_no or form.NONE,
            one.name,
            one.direction.arrow,
            one.message,
            moment(one.at),
            _ids(one.nav_id, one.crm_id),
        )
        for one in group.records
    ]
    parts: list[Markup] = [
        table(("NAV No.", "Name", "", "Message", "At", "Ids"), rows, texts=("Name", "Message", "Ids"))
    ]
    if cause.hint:
        parts.insert(0, element("p", coded(f"What to do: {cause.hint}")))
    where = f"coupler report {number} --format csv"
    if rest := words.more("records", cause.count - len(group.records), where):
        parts.append(element("p", coded(rest), class_="more"))
    return element("details", head, *parts, open="" if opened else None)


def _ids(nav_id: str | None, crm_id: str | None) -> Markup:
    found = [f"{side} {id}" for side, id in (("NAV", nav_id), ("CRM", crm_id)) if id]
    return element("span", joined((shown(one) for one in found), BREAK), class_="soft") if found else shown(form.NONE)


def conflicts(report: Report) -> list[Markup]:
    """What both sides changed."""
    if not report.conflicts:
        return []
    rows = [
        (
            one.mapping,
            one.nav_no,
            one.name,
            f"{clash.nav} = {clash.crm}",
            _value(clash.nav_value),
            _value(clash.crm_value),
            _choice(clash),
        )
        for one in report.conflicts
        for clash in one.fields
    ]
    about = "Fields that both sides changed, and that wait for a choice or for the next run to apply it."
    parts = [
        element("p", about, class_="soft"),
        table(
            ("Mapping", "NAV No.", "Name", "Field", "NAV has", "CRM has", "Chosen"),
            rows,
            texts=("Name", "NAV has", "CRM has"),
        ),
    ]
    rest = words.more("records in conflict", words.left_out(report)["conflicts"], "coupler conflicts")
    return [*parts, element("p", coded(rest), class_="more")] if rest else parts


def _value(value: Shown) -> str:
    return form.NONE if value is None or value == "" else str(value)


def _choice(clash: Clash) -> str:
    return "not yet" if clash.choice is None else clash.choice.value.upper()


def decisions(report: Report) -> list[Markup]:
    """Who decided what, and when."""
    rows = [
        (
            moment(one.at),
            one.by,
            words.DEEDS[one.deed],
            " ".join(filter(None, (one.mapping, one.nav_no))),
            one.text,
        )
        for one in report.decisions
    ]
    parts = [table(("When", "Who", "Did what", "Record", "How"), rows, texts=("Who", "How"))]
    rest = words.more(
        "decisions before the last ones",
        words.left_out(report)["decisions"],
        f"coupler report {report.run.id} --format json",
    )
    return [*parts, element("p", coded(rest), class_="more")] if rest else parts


def flags(report: Report) -> list[Markup]:
    """What the run and its answer meant for each mapping."""
    run = report.run
    if run.kind != "run" or not run.flags:
        return []
    open_ones = run.answer is None and run.state.active
    heading = ("Mapping", "Before", "Now", *(("If Yes", "If No") if open_ones else ()), "")
    rows = []
    for flag in run.flags:
        values = (flag.before, flag.now, *((flag.if_yes, flag.if_no) if open_ones else ()))
        rows.append((flag.mapping, *map(form.on_off, values), "set by hand meanwhile; it stays" if flag.edited else ""))
    return [table(heading, rows)]
