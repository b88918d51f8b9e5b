"""Trying the connections to both systems."""

import asyncio
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from engine.config import Settings
from engine.model.masking import mask
from engine.runs.connection import Lacking, State, Tried, try_connections
from tui.commands import records
from tui.commands.common import config_option, json_option, out, settings
from tui.exitcodes import ExitCode
from tui.text import safe

_WIDTH = 80
_INDENT = " " * 16
_LONGEST = 2000
_EXIT_CODES = """\b
Exit codes:
  0    both sides answer, and the account may do what the mappings need
  1    both sides answer, but rights or tables are missing
  2    usage or configuration, a secret that is not there among it
  3    a server is down or refuses
"""
_CODES = {
    Lacking.RIGHTS: ExitCode.RECORDS_FAILED,
    Lacking.CONNECTION: ExitCode.CONNECTION,
    Lacking.CONFIG: ExitCode.USAGE,
}


@click.group("connection")
def connection_group() -> None:
    """Try the connections to both systems."""


@connection_group.command("test", short_help="Try both connections step by step; writes nothing.", epilog=_EXIT_CODES)
@json_option
@config_option
def test_command(*, as_json: bool, config_file: Path | None) -> int:
    """Try both connections step by step, and say what to do about what does not work; nothing is written.

    The secret, the address, TLS, the token, the company or organization, what the account may do with each page and
    table of the mappings, which bulk messages each table has, and whether it may read the pages and tables that a run
    needs besides: the setup of NAV, units and price lists of CRM. NAV tells whether it may be written to only when that
    is done.
    """
    found = asyncio.run(_all(settings(config_file), as_json=as_json))
    lacking = {one.lacking for one in found}
    code = next((code for kind, code in reversed(_CODES.items()) if kind in lacking), ExitCode.OK)
    failed = sum(one.state is State.FAILED for one in found)
    untried = sum(one.state is State.NOT_TRIED for one in found)
    if as_json:
        out(records.line({"type": "result", "failed": failed, "not_tried": untried, "exit": int(code)}))
    else:
        out(f"{len(found) - failed - untried} ok, {failed} failed, {untried} not tried")
    return code


async def _all(found: Settings, *, as_json: bool) -> list[Tried]:
    done = []
    async for one in try_connections(found):
        done.append(one)
        if as_json:
            out(records.line(_record(one)))
        else:
            _show(one)
    return done


def _show(one: Tried) -> None:
    line = f"{one.side}  {one.state:<9}  {safe(one.step, 60)}"
    for text in (f"{line}: {mask(one.detail)}" if one.detail else line, f"{_INDENT}{one.hint}" if one.hint else ""):
        for part in wrap(safe(text, _LONGEST), _WIDTH, subsequent_indent=_INDENT, break_on_hyphens=False):
            out(part)


def _record(one: Tried) -> dict[str, Any]:
    return {
        "type": "step",
        "side": one.side,
        "step": one.step,
        "state": str(one.state),
        "detail": mask(one.detail),
        "hint": one.hint,
    }
