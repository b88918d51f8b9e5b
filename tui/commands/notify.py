"""Notifications: try whether they arrive, and send what was not sent."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import click

from engine.config import Settings
from engine.config.check import meant
from engine.config.notify import Notification
from engine.model.errors import ConfigError
from engine.model.masking import mask
from engine.runs.notifier import Means, tell_left, try_out
from engine.runs.sending import Undelivered
from tui.commands import records
from tui.commands.common import config_option, json_option, opened, out, settings
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_LONGEST = 500
_EXIT_CODES = """\b
Exit codes:
  0    all of them arrived
  2    usage or configuration, or none is configured
  3    one of them did not arrive
"""


@dataclass(frozen=True, slots=True)
class _Tried:
    to: Notification
    arrived: bool
    said: str


@click.group("notify")
def notify_group() -> None:
    """Try whether notifications arrive; send what was not sent."""


@notify_group.command("test", short_help="Send a test to every [notify] of the configuration.", epilog=_EXIT_CODES)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@config_option
def test_command(*, names: tuple[str, ...], as_json: bool, config_file: Path | None) -> int:
    """Send a test to every notification of the configuration, or to those that are named, once and without a repeat.

    Its event is "test", and it names no run.
    """
    found = settings(config_file)
    done = asyncio.run(_all(found, _chosen(found, names)))
    for one in done:
        if as_json:
            said = {"name": one.to.name, "to": one.to.where, "arrived": one.arrived, "said": mask(one.said)}
            out(records.line(said))
        else:
            state = "ok" if one.arrived else "failed"
            out(safe(mask(f"{one.to.name}  {state}  {one.to.where}: {one.said}"), _LONGEST))
    return ExitCode.OK if all(one.arrived for one in done) else ExitCode.CONNECTION


@notify_group.command("send", short_help="Send what was not sent, as when the machine went down.")
@config_option
def send_command(*, config_file: Path | None) -> int:
    """Send what was not sent because the machine, or all that belongs to a run, went down before it was done.

    The next run does this too. Runs that lost their engine are told of. Meant for when the machine starts.
    """
    with opened(config_file) as (found, store):
        sent = asyncio.run(tell_left(store, found, Means(lambda what, **why: say(_line(what, why)))))
    say(f"coupler: {sent} sent.")
    return ExitCode.OK


def _line(what: str, why: dict[str, str]) -> str:
    return f"coupler: {what}: {', '.join(why.values())}"


def _chosen(found: Settings, names: tuple[str, ...]) -> list[Notification]:
    if not found.notify:
        raise ConfigError("No notification is configured.", "Add a table [notify.NAME]; config.toml shows how.")
    known = {one.name: one for one in found.notify}
    for name in names:
        if name not in known:
            raise click.UsageError(f'There is no notification "{safe(name, 60)}"; {meant(name, known)}')
    return [one for one in found.notify if not names or one.name in names]


async def _all(found: Settings, chosen: list[Notification]) -> list[_Tried]:
    return list(await asyncio.gather(*(_one(found, one) for one in chosen)))


async def _one(found: Settings, to: Notification) -> _Tried:
    try:
        return _Tried(to, arrived=True, said=await try_out(found, to, Means(say)))
    except Undelivered as fault:
        return _Tried(to, arrived=False, said=fault.reason)
