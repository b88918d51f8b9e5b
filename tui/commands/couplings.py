"""Couplings as lists and files: list, show both records of one, export, import."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import click

from engine.config import Settings
from engine.model.coupled import Alike, BothRecords, CoupledRow
from engine.model.errors import RunError
from engine.runs import browsing, snapshots
from engine.runs.coupling_files import HEADER, Parsed, csv_cells, digest, parse, read_file
from engine.runs.requests import Import
from engine.store.database import Store
from tui.commands import records
from tui.commands.ask import allowed
from tui.commands.common import config_option, json_option, known, opened, out, write
from tui.commands.coupling import quietly
from tui.commands.lists import outcomes
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe
from tui.widgets import pairs

_SHOWN = 200
_CELL = 1000
_NEAR = 20
"""Couplings that a search may find before the one whose number or id is the text as a whole."""
_MARKS = {Alike.DIFFERS: "! differs", Alike.UNKNOWN: "? cannot be compared"}
_mapping = click.option("--mapping", metavar="NAME", help="Only those of this mapping.")


@click.group("couplings", invoke_without_command=True)
@_mapping
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values with a first line of names.")
@json_option
@config_option
@click.pass_context
def couplings_group(
    context: click.Context, *, mapping: str | None, as_csv: bool, as_json: bool, config_file: Path | None
) -> int:
    """List what is coupled: mapping, NAV number, NAV id, CRM id; or import it from a file."""
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    with opened(config_file) as (settings, store):
        if mapping is not None:
            mapping = known(settings, mapping)
        if as_csv:
            write(_csv_line(HEADER))
        for one in snapshots.couplings(store, mapping):
            if as_csv:
                write(_csv_line([safe(cell, _CELL) for cell in csv_cells(one)]))
            elif as_json:
                out(records.line(records.coupling(one)))
            else:
                out("\t".join(map(safe, (one.mapping, one.nav_no, one.nav_id, one.crm_id))))
        return ExitCode.OK


@couplings_group.command("show", short_help="Show both records of a coupling, with what differs.")
@click.argument("named", metavar="NO|ID")
@_mapping
@json_option
@config_option
def show_command(*, named: str, mapping: str | None, as_json: bool, config_file: Path | None) -> int:
    """Show both records of a coupling as NAV and CRM have them now, field by field, with what differs.

    NO is the number in NAV, ID that of either record. Where several mappings have it, each pair is shown.
    """
    with opened(config_file) as (settings, store):
        names = [one.name for one in settings.mappings] if mapping is None else [known(settings, mapping)]
        found = [one for name in names for one in _named(store, settings, name, named)]
        if not found:
            raise RunError(f"{safe(named, 60)} is not coupled.", "`coupler couplings` lists what is.")
        for one in found:
            both = browsing.both_records(store, settings, one)
            if as_json:
                out(records.line(records.both(both)))
            else:
                for line in _side_by_side(both):
                    out(line)
        return ExitCode.OK


def _named(store: Store, settings: Settings, mapping: str, named: str) -> list[CoupledRow]:
    """The couplings of a mapping with that number or id: those of a search that are no mere beginning."""
    found = browsing.couplings(store, settings, mapping, named, None, _NEAR).rows
    return [one for one in found if named.casefold() in (one.nav_no.casefold(), one.nav_id, one.crm_id)]


def _side_by_side(found: BothRecords) -> Iterator[str]:
    yield safe(f"{found.mapping} {found.nav_no}".rstrip())
    yield from pairs.heading(found, _CELL)
    for one in found.fields if found.nav.found or found.crm.found else ():
        nav, crm = (
            safe(pairs.value(value, of), _CELL)
            for value, of in ((one.nav_value, found.nav), (one.crm_value, found.crm))
        )
        names = safe(" = ".join(filter(None, (one.nav, one.crm))))
        note = f" ({safe(one.note, _CELL)})" if one.note else ""
        yield (
            f"  = {names}: {nav}"
            if one.alike is Alike.SAME
            else f"  {_MARKS[one.alike]} {names}: NAV {nav}; CRM {crm}{note}"
        )


@couplings_group.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", metavar="NAME", help="The mapping of lines that name none; others are left out.")
@click.option("--skip-bad", is_flag=True, help="Store the good lines although others are wrong.")
@click.option("--dry-run", is_flag=True, help="Check everything and store nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@config_option
def import_command(
    *,
    file: Path,
    mapping: str | None,
    skip_bad: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    config_file: Path | None,
) -> int:
    """Import couplings from CSV or JSON Lines (mapping, nav_no or nav_id, crm_id), or from NAV's table CRM Integration
    Record as exported from SQL (CRM ID, Integration ID, Table ID).

    Every line is checked against both sides before anything is stored.
    """
    with opened(config_file) as (settings, store):
        only = "" if mapping is None else known(settings, mapping)
        path = str(file.resolve())
        content = read_file(path)
        parsed = parse(content, settings.mappings, only)
        for name, count in parsed.left_out.items():
            say(f"coupler: left out: {count} lines of {safe(name)}")
        dry = dry_run or bool(parsed.faults and not skip_bad)
        if not dry and not allowed(f"Import {len(parsed.lines)} couplings?", yes=yes):
            return ExitCode.NOT_FINISHED
        names = {name for line in parsed.lines for name in line.mappings}
        ordered = tuple(one.name for one in settings.mappings if one.name in names)
        request = Import(path, digest(content), ordered, only, skip_bad, dry)
        return _import(settings, store, parsed, request, as_json=as_json)


def _import(settings: Settings, store: Store, parsed: Parsed, request: Import, *, as_json: bool) -> int:
    faults = [(fault.number, str(fault)) for fault in parsed.faults]
    stored = known_before = 0
    if request.mappings:
        number, code = quietly(settings, store, request)
        if code not in (ExitCode.OK, ExitCode.RECORDS_FAILED):
            return code
        faults += [(_line_of(one.message), one.message) for one in outcomes(store, number)]
        counters = snapshots.run(store, number).counters
        stored, known_before = counters.coupled, counters.unchanged
    faults.sort()
    result = "would be stored" if request.dry_run else "stored"
    if as_json:
        for line, message in faults:
            out(records.line({"type": "fault", "line": line, "message": message}))
        told = {"coupled": stored, "known": known_before, "faults": len(faults), "dry_run": request.dry_run}
        out(records.line({"type": "result", **told, "left_out": dict(parsed.left_out)}))
    else:
        for _, message in faults[:_SHOWN]:
            say(f"coupler: {safe(message, 500)}")
        if len(faults) > _SHOWN:
            say(f"  ... and {len(faults) - _SHOWN} more; --json has all")
        out(f"{stored} couplings {result}, {known_before} known before, {len(faults)} lines wrong")
    if faults and not request.skip_bad:
        say("coupler: nothing was stored. Mend the file, or leave bad lines out with --skip-bad.")
    return ExitCode.RECORDS_FAILED if faults else ExitCode.OK


def _line_of(message: str) -> int:
    """The number in `line 12: ...`."""
    return int(message.removeprefix("line ").partition(":")[0])


def _csv_line(cells: list[str] | tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
