"""Comparing both sides with what is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from engine.model.check import Finding
from engine.runs import checking
from tui import format as form
from tui.commands import records
from tui.commands.common import config_option, json_option, known, opened, out
from tui.commands.run import find_secrets
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_SHOWN = 5
_EXIT_CODES = """\b
Exit codes:
  0    no faults
  1    faults
  2    usage or configuration
  3    a server or the state store is down or refuses
  4    an engine works on this store; see --while-running
"""


@dataclass(slots=True)
class _Group:
    """Findings of one kind and mapping: how many, and the first of them."""

    number: int = 0
    first: list[Finding] = field(default_factory=list)


@click.command("check", epilog=_EXIT_CODES)
@click.option("--only", multiple=True, metavar="MAPPING", help="This mapping only; may be given several times.")
@click.option("--while-running", is_flag=True, help="Although an engine works: what it is doing may look like a fault.")
@json_option
@config_option
def check_command(*, only: tuple[str, ...], while_running: bool, as_json: bool, config_file: Path | None) -> int:
    """Compare both sides with what is recorded, and say what is wrong; nothing is written.

    Duplicates, records that were created and are not coupled, couplings with a lost record, coupled records that
    differ and which way they would go, creates that were not settled, waiting links, flags and counters. With --json,
    every record.
    """
    groups: dict[tuple[bool, str, str], _Group] = {}

    def tell(found: Finding) -> None:
        group = groups.setdefault((not found.fault, found.mapping, str(found.what)), _Group())
        group.number += 1
        if as_json:
            out(records.line(_record(found)))
        elif len(group.first) < _SHOWN:
            group.first.append(found)

    with opened(config_file) as (settings, store):
        find_secrets(settings)
        names = tuple(known(settings, name) for name in only)
        checking.check(
            store,
            settings,
            only=names,
            while_running=while_running,
            tell=tell,
            working=lambda name: say(f"coupler: checks {name}"),
        )
    faults = sum(group.number for (is_note, _, _), group in groups.items() if not is_note)
    notes = sum(group.number for (is_note, _, _), group in groups.items() if is_note)
    code = ExitCode.RECORDS_FAILED if faults else ExitCode.OK
    if as_json:
        out(records.line({"type": "result", "faults": faults, "notes": notes, "exit": int(code)}))
    else:
        _show(groups)
        out(f"{form.many(faults, 'fault')}, {form.many(notes, 'note')}")
    return code


def _show(groups: Mapping[tuple[bool, str, str], _Group]) -> None:
    for (is_note, mapping, what), group in sorted(groups.items()):
        out(f"{'note' if is_note else 'FAULT'}  {safe(mapping)}  {what}  {group.number:,}")
        for one in group.first:
            who = " ".join(part for part in (safe(one.nav_no), safe(one.name)) if part)
            out("    " + ": ".join(part for part in (who, safe(one.message)) if part))
        if group.number > len(group.first):
            out(f"    and {group.number - len(group.first):,} more; all of them with --json")


def _record(found: Finding) -> dict[str, Any]:
    return {
        "type": "fault" if found.fault else "note",
        "what": str(found.what),
        "mapping": found.mapping,
        "nav_no": found.nav_no,
        "name": found.name,
        "nav_id": found.nav_id,
        "crm_id": found.crm_id,
        "message": found.message,
    }
