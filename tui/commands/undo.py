"""Taking back a full synchronization."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from engine.config import Settings
from engine.model.snapshot import JobSnapshot, RunSnapshot, RunState
from engine.model.undo import UndoLine
from engine.runs import control, snapshots, undoing
from engine.store.database import Store
from tui import plain, undone
from tui.commands import ask, records
from tui.commands.common import RUN_NUMBER, can_ask, config_option, json_option, opened, out, plain_option
from tui.commands.coupling import Quiet
from tui.commands.follow import Output, output_of
from tui.commands.run import Wanted, find_secrets, watch
from tui.diagnostics import say
from tui.exitcodes import ExitCode

_EXIT_CODES = """\b
Exit codes:
  0    all was taken back, or a dry run would leave nothing
  1    some records, or values of them, were left, or a dry run would leave some
  2    usage, or the run cannot be undone; nothing was done
  3    a server or the state store is down or refuses; undo again
  4    another run is not finished, or an engine is at work
  5    not started, or stopped; undo again for the rest, or give it up with cancel
  70   the engine was lost, or a fault of the program; undo again for the rest
"""


@click.command("undo", epilog=_EXIT_CODES)
@click.argument("run_id", metavar="RUN", type=RUN_NUMBER)
@click.option("--dry-run", is_flag=True, help="Say what would be done; nothing is written.")
@click.option("--yes", is_flag=True, help="Do it without a dry run and a question.")
@plain_option
@json_option
@config_option
def undo_command(
    *, run_id: int, dry_run: bool, yes: bool, as_plain: bool, as_json: bool, config_file: Path | None
) -> int:
    """Take back full synchronization RUN: remove what it created, write back what it overwrote, uncouple its pairs.

    What was changed since, or what others belong to, is left with the reason. A run that was stopped is ended by it.
    Until it is finished, or given up with `coupler cancel`, nothing else may write.
    """
    output = output_of(as_json=as_json, as_plain=as_plain)
    with opened(config_file) as (settings, store):
        snapshots.run(store, run_id)  # that there is none of that number goes before how to ask
        if not (yes or dry_run or can_ask()):
            ways = "Without a question: --yes; to look first: --dry-run."
            raise click.UsageError(f"There is no terminal to ask on. {ways}")
        find_secrets(settings)
        if dry_run or not yes:
            number, code = _work(settings, store, run_id, None)
            if code is not ExitCode.OK or dry_run:
                return _told(store, number, code, output if as_json else Quiet(), as_json=as_json)
            # What the question is about is for who answers it, also where the rest is for a program.
            _told(store, number, code, Quiet(), tell=say if as_json else out)
            if not _allowed(settings, run_id):
                say("Nothing was undone.")
                return ExitCode.NOT_FINISHED
        number, code = _work(settings, store, run_id, output)
        return _told(store, number, code, output, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Jobs:
    """Output of the jobs alone, if at all: how the run ended is told when it is known what was left."""

    output: Output | None

    def changed(self, run: RunSnapshot, job: JobSnapshot) -> None:
        """A job is in a new state."""
        if self.output is not None:
            self.output.changed(run, job)

    def ended(self, run: RunSnapshot, code: ExitCode) -> None:
        """That is told later."""


def _work(settings: Settings, store: Store, run_id: int, output: Output | None) -> tuple[int, ExitCode]:
    """Undo a run; without an output, only look."""
    number = undoing.start(store, settings, run_id, dry=output is None, by=control.who())
    return number, ExitCode(watch(settings, store, number, Wanted(None, _Jobs(output), ask=False)))


def _allowed(settings: Settings, run_id: int) -> bool:
    for line in undone.KEPT:
        say(line)
    if settings.production:
        return ask.typed(f"undo run {run_id}", settings.environment)
    return ask.yes_or_no(f"Undo run {run_id} now? yes or no [no]: ", default=False) is True


def _told(
    store: Store,
    number: int,
    code: ExitCode,
    output: Output,
    *,
    as_json: bool = False,
    tell: Callable[[str], None] = out,
) -> ExitCode:
    """Say what was done, or would be, what is left and why, and how it ended; the exit code.

    `tell` writes the lines of the table that people get.
    """
    run = snapshots.run(store, number)
    dry = run.undoes is None
    found, kept = undoing.report(store, number), undoing.kept_flags(store, number)
    causes = [one for one in snapshots.causes(store, number) if one.kind == "left"]
    if as_json:
        for line in found:
            out(records.line({"type": "undo", "run": number, "dry": dry, **_record(line)}))
        for one in causes:
            out(records.line({"type": "left", **records.cause(one)}))
        for name in kept:
            out(records.line({"type": "flag_kept", "run": number, "mapping": name}))
    else:
        for text in plain.columns(undone.DUE if dry else undone.DONE, undone.rows(found), right=undone.NUMBERS):
            tell(text)
        say(f"coupler: {undone.COUNTED}")
        for one in causes:
            say(f"coupler: {one.count:,} of {one.mapping} left: {one.cause}")
        for name in kept:
            say(f"coupler: Synch. Only Coupled Records of {name} was changed by somebody and stays as it is")
        if run.state is RunState.FINISHED:
            say(f"coupler: each record: coupler errors {number} --records")
    if code is ExitCode.OK and any(line.left for line in found):
        code = ExitCode.RECORDS_FAILED
    output.ended(run, code)
    return code


def _record(line: UndoLine) -> dict[str, object]:
    return {
        "mapping": line.mapping,
        "removed": line.removed,
        "restored": line.restored,
        "uncoupled": line.uncoupled,
        "left": line.left,
    }
