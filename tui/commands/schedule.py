"""The schedule: keep it in the foreground, list its entries, hold, resume or run them now."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from engine.config import Settings, load
from engine.model.schedule import Entry, EntryState, ScheduleRow, ScheduleSnapshot
from engine.runs import control
from engine.runs.schedule import wishes
from engine.runs.schedule.keeping import keep_schedule
from engine.runs.schedule.scheduler import Tell, Told
from engine.store.database import Store
from tui import format as form
from tui import plain
from tui.commands import records
from tui.commands.common import config_option, json_option, known, opened, out, plain_option, room
from tui.commands.follow import output_of
from tui.commands.run import find_secrets
from tui.exitcodes import ExitCode
from tui.text import LONG, safe

_EXIT_CODES = """\b
Exit codes:
  0    ended by coupler schedule stop
  2    usage or configuration; it did not start
  3    the state store cannot be opened
  4    another process keeps the schedule
  129  hang-up: a synchronization that is under way goes on
  130  Ctrl+C: what was under way is stopped at a checkpoint
  143  SIGTERM: what was under way is stopped at a checkpoint
"""
_UNSCHEDULED = "no mapping is scheduled"
_mappings = click.argument("mappings", metavar="[MAPPING]...", nargs=-1)


@click.group(
    "schedule",
    invoke_without_command=True,
    short_help="Keep the schedule: synchronize modified records again and again.",
    epilog=_EXIT_CODES,
)
@plain_option
@json_option
@config_option
@click.pass_context
def schedule_group(context: click.Context, *, as_plain: bool, as_json: bool, config_file: Path | None) -> int:
    """Synchronize modified records again and again, as [schedule] of config.toml says; stays in the foreground.

    A server or a state store that is away is waited for. One process keeps the schedule of a store; the commands
    below act through the store, whether it runs or not; stop is for when it does.
    """
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    output_of(as_json=as_json, as_plain=as_plain)
    with opened(config_file) as (settings, store):
        find_secrets(settings)
        return asyncio.run(_keep(settings, store, partial(_tell, as_json=as_json)))


async def _keep(settings: Settings, store: Store, tell: Tell) -> int:
    stop = asyncio.Event()
    received: list[int] = []
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup has them ignored, and that must stay.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, partial(_note, number, received, stop))
    leave_run = partial(_hung_up, received)
    await keep_schedule(store, settings, tell=tell, stop=stop, load=load, leave_run=leave_run)
    if not received:
        return ExitCode.OK
    tell(Told(datetime.now(UTC), "stopped", text=f"by {signal.Signals(received[0]).name}"))
    return 128 + received[0]


def _note(number: int, received: list[int], stop: asyncio.Event) -> None:
    if received:
        os._exit(128 + number)  # twice means now; an engine goes to its checkpoint in any case
    received.append(number)
    stop.set()


def _hung_up(received: Sequence[int]) -> bool:
    return signal.SIGHUP in received


@schedule_group.command("list", short_help="List the entries: when each has its turn, and how it ended.")
@json_option
@config_option
def list_command(*, as_json: bool, config_file: Path | None) -> int:
    """List the entries of the schedule: state, next turn, attempts, how the last one ended, who changed it when."""
    with opened(config_file) as (settings, store):
        found = wishes.look_up(store, settings)
    if as_json:
        out(records.line({"type": "schedule", **_keeper(found)}))
        for row in found.rows:
            out(records.line(_record(row)))
        return ExitCode.OK
    keeper = found.keeper
    if found.running and keeper is not None:
        out(f"kept by {safe(keeper.owner)}, since {form.iso(keeper.started_at)}")
    else:
        out("nobody keeps the schedule: start `coupler schedule`")
    if found.running and keeper is not None and keeper.waiting:
        out(f"waits: {safe(keeper.waiting, LONG)}")
    for line in _table(found, room()):
        out(line)
    failures: dict[str, list[str]] = {}
    for row in found.rows:
        if row.entry is not None and row.entry.message:
            failures.setdefault(row.entry.message, []).append(safe(row.mapping))
    for message, names in failures.items():
        out(f"{', '.join(names)}: {safe(message, LONG)}")
    return ExitCode.OK


@schedule_group.command("hold", short_help="Put entries on hold until they are resumed.")
@_mappings
@config_option
def hold_command(*, mappings: tuple[str, ...], config_file: Path | None) -> int:
    """Put the entries of mappings on hold, or all. A synchronization that is under way ends as it would."""
    return _act(wishes.hold, mappings, config_file, _UNSCHEDULED)


@schedule_group.command("resume", short_help="Let entries go on that are on hold or in error.")
@_mappings
@config_option
def resume_command(*, mappings: tuple[str, ...], config_file: Path | None) -> int:
    """Let entries, or all, have their usual turns again: those on hold, inactive or in error."""
    return _act(wishes.resume, mappings, config_file, "nothing is on hold, inactive or in error")


@schedule_group.command("now", short_help="Give entries their turn at once.")
@_mappings
@config_option
def now_command(*, mappings: tuple[str, ...], config_file: Path | None) -> int:
    """Give entries their turn at once, or all that no operator put on hold.

    While nobody keeps the schedule, that is when `coupler schedule` is started.
    """
    return _act(wishes.now, mappings, config_file, "everything is on hold; `coupler schedule resume` comes first")


@schedule_group.command("stop", short_help="End the process that keeps the schedule.")
@config_option
def stop_command(*, config_file: Path | None) -> int:
    """End the process that keeps the schedule; a synchronization under way is stopped at a checkpoint."""
    with opened(config_file) as (_, store):
        keeper = wishes.stop(store, by=control.who())
    out(f"told to end: {safe(keeper.owner)}")
    return ExitCode.OK


def _act(act: Callable[..., list[Entry]], mappings: Sequence[str], config_file: Path | None, idle: str) -> int:
    """Do it and say what each entry became, or why there was nothing to do: `idle`."""
    with opened(config_file) as (settings, store):
        names = list(dict.fromkeys(known(settings, name) for name in mappings))
        changed = act(store, settings, names, by=control.who())
        for entry in changed:
            out(f"{safe(entry.mapping)}: {_state(entry)}")
        if not changed:
            scheduled = any(settings.schedule.timing(one.name).enabled for one in settings.mappings)
            out(f"nothing to do: {idle if scheduled else _UNSCHEDULED}")
    return ExitCode.OK


def _tell(told: Told, *, as_json: bool) -> None:
    """Write a line; a disk that is full must not end the schedule."""
    with suppress(OSError):
        out(records.line(_told(told)) if as_json else _line(told))


def _line(told: Told) -> str:
    words = [f"{form.clock(told.at)}Z", f"schedule {told.event}"]
    words += [f"run={told.run}"] if told.run is not None else []
    words += [safe(",".join(told.mappings), LONG)] if told.mappings else []
    if (entry := told.entry) is not None:
        words += [f"state={entry.word}", f"next={form.iso(entry.next_at) or form.NONE}"]
        words += [f"attempts={entry.attempts}"] if entry.attempts else []
        words += [f"result={safe(entry.result)}"] if entry.result else []
        words += [f"message={safe(entry.message, LONG)}"] if entry.message else []
    words += [safe(told.text, LONG)] if told.text else []
    return " ".join(words)


def _told(told: Told) -> dict[str, Any]:
    record: dict[str, Any] = {
        "type": "schedule",
        "event": told.event,
        "at": form.iso(told.at),
        "mappings": list(told.mappings),
        "run": told.run,
        "text": told.text,
    }
    if told.entry is not None:
        record["entry"] = _entry(told.entry)
    return record


def _keeper(found: ScheduleSnapshot) -> dict[str, Any]:
    keeper = found.keeper
    return {
        "running": found.running,
        "owner": None if keeper is None else keeper.owner,
        "since": None if keeper is None else form.iso(keeper.started_at),
        "waiting": keeper.waiting if found.running and keeper is not None else "",
    }


def _record(row: ScheduleRow) -> dict[str, Any]:
    own = {} if row.entry is None else _entry(row.entry)
    return {"type": "entry", "mapping": row.mapping, "when": row.when, **own}


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "state": entry.word,
        "next": form.iso(entry.next_at),
        "run": entry.run,
        "attempts": entry.attempts,
        "code": entry.code,
        "message": entry.message,
        "last_run": entry.last_run,
        "last": form.iso(entry.last_at),
        "result": entry.result,
        "changed": form.iso(entry.changed_at),
        "changed_by": entry.changed_by,
    }


def _table(found: ScheduleSnapshot, columns: int | None) -> list[str]:
    """The entries; on a terminal that is too narrow for all of it, with a short time, and without who changed them."""
    rows = [_cells(row, found) for row in found.rows]
    header = ("Mapping", "When", "State", "Next (UTC)", "Failed", "Last run", "Result", "Changed by")
    right = frozenset({4, 5})
    lines = plain.columns(header, rows, right=right)
    if columns is None or lines == plain.columns(header, rows, right=right, room=columns):
        return lines
    short = [_cells(row, found, turn=lambda at: f"{at:%m-%d %H:%M}")[:-1] for row in found.rows]
    return plain.columns((*header[:5], "Run", "Result"), short, right=right, room=columns)


def _cells(
    row: ScheduleRow, found: ScheduleSnapshot, *, turn: Callable[[datetime], str | None] = form.iso
) -> tuple[object, ...]:
    name, when, entry = row.mapping, row.when, row.entry
    if entry is None:
        return (name, when, form.NONE, form.NONE, "", "", "", "")
    next_turn = form.NONE if entry.next_at is None else turn(entry.next_at)
    late = entry.state is EntryState.READY and entry.next_at is not None and entry.next_at <= found.now
    by = f"{entry.changed_by}, {form.stamp(entry.changed_at, found.now)}"
    last = form.NONE if entry.last_run is None else entry.last_run
    return (name, when, entry.word, "now" if late else next_turn, entry.attempts or "", last, entry.result, by)


def _state(entry: Entry) -> str:
    turn = "" if entry.next_at is None else f", next {form.iso(entry.next_at)}"
    return f"{entry.state}{turn}"
