"""Full synchronizations without a screen: run, sync, resume."""

from dataclasses import dataclass
from pathlib import Path

import click

from engine.config import Settings
from engine.model.errors import RunError, StoreError
from engine.model.snapshot import RunSnapshot, RunState
from engine.runs import control, process, snapshots
from engine.store.database import Store
from tui import diagnostics
from tui.commands import ask
from tui.commands.common import RUN_NUMBER, can_ask, config_option, json_option, known, opened, plain_option
from tui.commands.follow import Output, Signals, follow, output_of
from tui.diagnostics import say
from tui.exitcodes import ExitCode, of_run

_only = click.option("--only", multiple=True, metavar="JOB", help="Run this job only; may be given several times.")
_yes = click.option("--yes", is_flag=True, help="Start without asking; needs --keep-cleared.")
_keep = click.option(
    "--keep-cleared",
    type=click.Choice(["yes", "no"]),
    help="The answer to the closing question: does Synch. Only Coupled Records stay cleared?",
)

_EXIT_CODES = """\b
Exit codes:
  0    finished, no failed records
  1    finished, some records failed
  2    usage or configuration; nothing was done
  3    a server or the state store is down or refuses; the run can be resumed
  4    another run is active
  5    a job failed, or the run was stopped or cancelled; or not started, as answered
  6    the closing question waits for its answer
  7    the answer could not be applied; answer again
  8    stopped, as one side looks like an older or another one
  70   internal error
  129  hang-up: the run goes on
  130  Ctrl+C: stopped at a checkpoint
  143  SIGTERM: stopped at a checkpoint
"""
_SYNC_CODES = """\b
Exit codes:
  0    finished, no failed records
  1    finished, some records failed
  2    usage or configuration; nothing was done
  3    a server or the state store is down or refuses; the next one starts where this one did
  4    on hold: a full synchronization or an undo is not finished, or an engine is at work; nothing was done
  5    a job failed, or the run was stopped or cancelled
  8    stopped, as one side looks like an older or another one
  70   the engine was lost, or a fault of the program; the next one starts where this one did
  129  hang-up: the run goes on
  130  Ctrl+C: stopped at a checkpoint
  143  SIGTERM: stopped at a checkpoint
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said on the command line about asking and telling."""

    keep: bool | None
    output: Output
    ask: bool


def wanted(*, yes: bool, keep_cleared: str | None, as_json: bool, as_plain: bool) -> Wanted:
    """The options, checked; a usage error when they cannot be meant together."""
    output = output_of(as_json=as_json, as_plain=as_plain)
    if yes and keep_cleared is None:
        raise click.UsageError(
            "--yes needs the answer to the closing question: --keep-cleared yes or --keep-cleared no."
        )
    keep = None if keep_cleared is None else keep_cleared == "yes"
    return Wanted(keep, output, ask=not yes)


def refuse_unasked(want: Wanted) -> None:
    """A usage error when a question is to be asked and nobody would see it."""
    if want.ask and not can_ask():
        raise click.UsageError(
            "There is no terminal to ask on. Without questions: --yes --keep-cleared yes, or --yes --keep-cleared no."
        )


@click.command("run", epilog=_EXIT_CODES)
@_only
@_yes
@_keep
@plain_option
@json_option
@config_option
def run_command(
    *,
    only: tuple[str, ...],
    yes: bool,
    keep_cleared: str | None,
    as_plain: bool,
    as_json: bool,
    config_file: Path | None,
) -> int:
    """Run a full synchronization and show its progress in lines.

    It asks before it starts, and whether Synch. Only Coupled Records stays cleared; --yes and --keep-cleared answer
    both beforehand. Ctrl+C stops it at a checkpoint; a terminal that goes away does not.
    """
    want = wanted(yes=yes, keep_cleared=keep_cleared, as_json=as_json, as_plain=as_plain)
    refuse_unasked(want)
    with opened(config_file) as (settings, store):
        return run(settings, store, want, only)


def run(settings: Settings, store: Store, want: Wanted, only: tuple[str, ...] = ()) -> int:
    """Start a run, follow it, and see to its question."""
    find_secrets(settings)
    home = snapshots.home(store, settings)
    jobs = tuple(known(settings, name, "job") for name in only)
    if home.active is not None:
        return busy(home.active)
    if want.ask and not ask.may_start(home, jobs, production=settings.production):
        say("Nothing was started.")
        return ExitCode.NOT_FINISHED
    try:
        number = control.start(store, settings, kind="run", only=jobs, keep_cleared=want.keep, by=control.who())
    except RunError as error:
        diagnostics.fail(error)
        return ExitCode.BUSY
    say(f"coupler: run {number} is started")
    return watch(settings, store, number, want)


@click.command("sync", epilog=_SYNC_CODES)
@_only
@plain_option
@json_option
@config_option
def sync_command(*, only: tuple[str, ...], as_plain: bool, as_json: bool, config_file: Path | None) -> int:
    """Synchronize what failed before and what was modified since the last time; for schedules, without questions.

    Synch. Only Coupled Records counts as it is stored. While a full synchronization is not finished and answered,
    this is refused.
    """
    output = output_of(as_json=as_json, as_plain=as_plain)
    with opened(config_file) as (settings, store):
        jobs = tuple(known(settings, name, "job") for name in only)
        return start_sync(settings, store, jobs, output)


def start_sync(settings: Settings, store: Store, jobs: tuple[str, ...], output: Output) -> int:
    """Start a synchronization of modified records, and follow it."""
    try:
        control.refuse_on_hold(store)
        find_secrets(settings)
        number = control.start(store, settings, kind="sync", only=jobs, by=control.who())
    except RunError as error:
        diagnostics.fail(error)
        return ExitCode.BUSY
    say(f"coupler: run {number} is started")
    return watch(settings, store, number, Wanted(None, output, ask=False))


@click.command("resume")
@click.argument("run_id", metavar="[RUN]", type=RUN_NUMBER, required=False)
@_yes
@_keep
@plain_option
@json_option
@config_option
def resume_command(
    *, run_id: int | None, yes: bool, keep_cleared: str | None, as_plain: bool, as_json: bool, config_file: Path | None
) -> int:
    """Go on with a run that was stopped or interrupted; without RUN, with the one that is not finished."""
    want = wanted(yes=yes, keep_cleared=keep_cleared, as_json=as_json, as_plain=as_plain)
    with opened(config_file) as (settings, store):
        found = snapshots.active(store) if run_id is None else snapshots.run(store, run_id)
        if found is None:
            raise RunError("There is no run to resume.", "coupler status shows the last one.")
        if found.state is RunState.RUNNING:
            say(f"coupler: run {found.id} is running already. To watch it: coupler attach {found.id}")
            return ExitCode.BUSY
        if found.state.resumable and found.undoes is not None:
            return busy(found)
        if found.state.resumable and found.kind != "run":
            raise RunError(f"Run {found.id} cannot be resumed.", "`coupler status` says which run can.")
        if not found.state.active:
            say(f"coupler: run {found.id} is {found.state}; there is nothing to resume.")
            want.output.ended(found, of_run(found))
            return of_run(found)
        refuse_unasked(want)
        if found.state is RunState.ASKING:
            return _close(settings, store, found, want, of_run(found))
        find_secrets(settings)
        control.resume(store, settings, found.id, keep_cleared=want.keep)
        say(f"coupler: run {found.id} goes on")
        return watch(settings, store, found.id, want)


def find_secrets(settings: Settings) -> None:
    """Raises ConfigError while nothing is begun; the engine would find out too late for that."""
    settings.nav.secret.reveal()
    settings.crm.secret.reveal()


def watch(settings: Settings, store: Store, number: int, want: Wanted) -> int:
    """Start an engine for a run that is committed, follow it to its end, and see to its question."""
    with Signals(store, number, owner=True) as signals:
        pid = process.spawn(settings, number)
        snapshot, code = follow(store, number, want.output, signals=signals, pid=pid)
    if snapshot.state is RunState.INTERRUPTED:
        say(f"coupler: the engine's log: {process.log_path(settings)}")
    return _close(settings, store, snapshot, want, code)


def _close(settings: Settings, store: Store, snapshot: RunSnapshot, want: Wanted, code: ExitCode) -> int:
    """Answer the closing question when that was asked for, and say how it ended."""
    if code in (ExitCode.ASKING, ExitCode.NOT_APPLIED):
        keep = ask.keep_cleared(snapshot) if want.keep is None and want.ask else want.keep
        if keep is not None:
            snapshot, code = answer(settings, store, snapshot.id, keep=keep)
    want.output.ended(snapshot, code)
    return code


def answer(settings: Settings, store: Store, number: int, *, keep: bool) -> tuple[RunSnapshot, ExitCode]:
    """Answer the closing question of a run; raises RunError when it asks nothing."""
    try:
        control.answer(store, number, yes=keep, by=control.who())
    except StoreError as error:
        diagnostics.fail(error)
        say(f"  Until it is applied, Synch. Only Coupled Records is as before. Again: coupler answer {number} yes|no")
        return snapshots.run(store, number), ExitCode.NOT_APPLIED
    process.tell(settings, number)
    found = snapshots.run(store, number)
    return found, of_run(found)


def busy(active: RunSnapshot) -> ExitCode:
    """Say that another run goes first, and what to do about that one; the exit code."""
    if active.undoes is not None:
        say(f"coupler: run {active.id}, which undoes run {active.undoes}, is {active.state}; it goes first.")
        say(f"  coupler undo {active.undoes} goes on with it, coupler cancel {active.id} gives it up")
        return ExitCode.BUSY
    ways = {
        RunState.RUNNING: f"coupler attach {active.id} shows it, coupler stop {active.id} stops it",
        RunState.ASKING: f"answer it: coupler answer {active.id} yes|no",
    }
    way = ways.get(active.state, f"coupler resume {active.id} goes on with it, coupler cancel {active.id} ends it")
    say(f"coupler: run {active.id} is {active.state}, and there is one run at a time.")
    say(f"  {way}")
    return ExitCode.BUSY
