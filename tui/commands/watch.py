"""Looking at runs and telling them what to do: attach, status, stop, cancel, answer."""

import time
from pathlib import Path

import click

from engine.model.errors import RunError
from engine.model.snapshot import RunSnapshot, RunState, Wish
from engine.runs import control, process, snapshots
from engine.store.database import Store
from tui import plain
from tui.commands import records
from tui.commands.ask import allowed
from tui.commands.common import RUN_NUMBER, config_option, json_option, no_screen, opened, out, room
from tui.commands.follow import LOOK, STOPPING, Signals, follow, output_of
from tui.commands.run import answer as give
from tui.commands.screen import show
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_run = click.argument("run_id", metavar="[RUN]", type=RUN_NUMBER, required=False)


@click.command("attach")
@_run
@click.option("--plain", "as_plain", is_flag=True, help="Lines of text also on a terminal, as for a screen reader.")
@json_option
@config_option
def attach_command(*, run_id: int | None, as_plain: bool, as_json: bool, config_file: Path | None) -> int:
    """Show a run that is going, on the screen or, without a terminal, in lines. Leaving does not stop it."""
    with opened(config_file) as (settings, store):
        found = _at_work(store, run_id)
        if not (as_plain or as_json or no_screen()):
            return show(settings, store, attach=found.id)
        output = output_of(as_json=as_json)
        with Signals(store, found.id, owner=False) as signals:
            snapshot, code = follow(store, found.id, output, signals=signals)
        output.ended(snapshot, code)
        return code


@click.command("status")
@_run
@json_option
@config_option
def status_command(*, run_id: int | None, as_json: bool, config_file: Path | None) -> int:
    """Show the run that is not finished or at work, else the last one of any kind that `coupler jobs` lists."""
    with opened(config_file) as (_, store):
        found = _any(store) if run_id is None else snapshots.run(store, run_id)
        busy = snapshots.at_work(store) if run_id is None else None
        if found is None:
            say("coupler: there was no run yet.")
            return ExitCode.OK
        if as_json:
            out(records.line(records.run(found)))
            return ExitCode.OK
        for line in plain.status_lines(found, room()):
            out(line)
        if busy is not None and busy.id != found.id:
            say(f"coupler: an engine works on run {busy.id} ({busy.kind}): coupler status {busy.id}")
        return ExitCode.OK


@click.command("stop")
@_run
@config_option
def stop_command(*, run_id: int | None, config_file: Path | None) -> int:
    """Stop a run of any kind at its next checkpoint. A full synchronization can be resumed, an undo goes on by undo."""
    with opened(config_file) as (_, store):
        found = _at_work(store, run_id)
        if found.state is not RunState.RUNNING:
            raise RunError(f"Run {found.id} is {found.state}; only a running one can be stopped.")
        control.wish(store, found.id, Wish.STOP)
        return _until_quiet(store, found.id)


@click.command("cancel")
@_run
@click.option("-y", "--yes", is_flag=True, help="Give up an undo without asking.")
@config_option
def cancel_command(*, run_id: int | None, yes: bool, config_file: Path | None) -> int:
    """End a run for good at its next checkpoint; Synch. Only Coupled Records is as before it.

    An undo is given up: what it took back stays so. Without its number that is asked.
    """
    with opened(config_file) as (settings, store):
        found = snapshots.run(store, run_id) if run_id is not None else snapshots.active(store) or _at_work(store, None)
        if not found.state.active:
            raise RunError(f"Run {found.id} is {found.state} already.")
        if found.undoes is not None and run_id is None and not _gives_up(found, yes=yes):
            return ExitCode.NOT_FINISHED
        control.cancel(store, found.id, control.who())
        process.tell(settings, found.id)
        return _until_quiet(store, found.id)


def _gives_up(run: RunSnapshot, *, yes: bool) -> bool:
    """Ask whether an undo that nobody named is meant."""
    return allowed(
        f"Give up the undo of run {run.undoes}?",
        f"Run {run.id} undoes run {run.undoes}. Given up, what it took back stays so, and the rest stays as it is.",
        yes=yes,
        done="cancelled",
        unasked=f"Run {run.id} undoes run {run.undoes}, and there is no terminal to ask on whether to give that up. "
        f"Without a question: coupler cancel {run.id}, or --yes.",
    )


@click.command("answer")
@click.argument("words", metavar="[RUN] yes|no", nargs=-1)
@config_option
def answer_command(*, words: tuple[str, ...], config_file: Path | None) -> int:
    """Answer the closing question of a run: does Synch. Only Coupled Records stay cleared?

    yes: scheduled jobs may create records for uncoupled records. no: each mapping is as it was before the run.
    Without RUN, that of the run that asks.
    """
    run_id, keep = _said(words)
    with opened(config_file) as (settings, store):
        asked = snapshots.active(store) if run_id is None else snapshots.run(store, run_id)
        if asked is None:
            raise RunError("No run asks anything.", "coupler status shows the last one.")
        found, code = give(settings, store, asked.id, keep=keep)
        for line in plain.question_lines(found.flags):
            say(line)
        # Failed records are the run's business, not the answer's.
        return ExitCode.OK if code is ExitCode.RECORDS_FAILED else code


def _said(words: tuple[str, ...]) -> tuple[int | None, bool]:
    """The number of a run, if it was given, and the answer."""
    *numbers, answer = words or ("",)
    if answer not in ("yes", "no") or len(numbers) > 1:
        raise click.UsageError("Say yes or no, and the number of the run before it if you like: coupler answer 16 no")
    if not numbers:
        return None, answer == "yes"
    if not (numbers[0].isascii() and numbers[0].isdigit()):
        raise click.UsageError(f'"{safe(numbers[0], 60)}" is not the number of a run.')
    return int(RUN_NUMBER(numbers[0])), answer == "yes"


def _until_quiet(store: Store, number: int) -> int:
    """Wait for the engine to reach its checkpoint, and say where the run is then."""
    end = time.monotonic() + STOPPING
    found = snapshots.run(store, number)
    while found.state is RunState.RUNNING and time.monotonic() < end:
        time.sleep(LOOK)
        found = snapshots.run(store, number)
    if found.state is RunState.RUNNING:
        say(f"coupler: run {number} is asked to stop, and its engine is still busy with its last requests.")
        return ExitCode.NOT_FINISHED
    say(f"coupler: run {number} is {found.state}.")
    return ExitCode.OK


def _at_work(store: Store, run_id: int | None) -> RunSnapshot:
    """The run of that number; without one, that which an engine works on, else that which is not finished."""
    if run_id is not None:
        return snapshots.run(store, run_id)
    found = snapshots.at_work(store) or snapshots.active(store)
    if found is None:
        raise RunError("No run is active.", "coupler status shows the last one; coupler jobs lists all.")
    return found


def _any(store: Store) -> RunSnapshot | None:
    return snapshots.active(store) or snapshots.at_work(store) or snapshots.last(store)
