"""The report of a run as lines of text, as the screens write it."""

from engine.model.snapshot import RunSnapshot
from tui import format as fmt
from tui.dialogs.question import meaning, summary
from tui.widgets import jobs


def report_lines(run: RunSnapshot) -> list[str]:
    """The report of a run."""
    return [
        f"Full synchronization, run {run.id}",
        f"NAV {run.nav}",
        f"CRM {run.crm} ({run.environment})",
        f"Started {fmt.iso(run.started)}, ended {fmt.iso(run.ended) or '-'}, worked {fmt.duration(run.worked)}",
        "",
        *summary(run),
        "",
        *(line for job in run.jobs for line in (f"{job.state:<6}{jobs.counters(job.mapping, job.counters)}",)),
        "",
        *meaning(run),
    ]
