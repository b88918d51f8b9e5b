"""Coupling management: couple, match, uncouple, and couplings with a lost partner."""

from itertools import islice
from pathlib import Path

import click

from engine.config import Settings
from engine.model.mapping import Direction
from engine.model.snapshot import RecordOutcome, RunSnapshot
from engine.runs import control, coupling
from engine.runs.requests import Couple, Match, Mend, Request, Uncouple
from engine.store.database import Store
from tui import plain
from tui.commands import records
from tui.commands.ask import allowed
from tui.commands.common import config_option, json_option, known, opened, out, plain_option
from tui.commands.follow import Output, output_of
from tui.commands.lists import outcomes
from tui.commands.run import Wanted, find_secrets, watch
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_SHOWN = 20
_WAYS = {"to": Direction.TO_INTEGRATION_TABLE, "from": Direction.FROM_INTEGRATION_TABLE}
_yes = click.option("--yes", is_flag=True, help="Do it without asking.")


@click.command("couple")
@click.argument("mapping")
@click.option("--nav", metavar="NO|ID", default="", help="The NAV record, by number or id.")
@click.option("--crm", metavar="ID", default="", type=str, help="The CRM row, by id.")
@click.option("--create", is_flag=True, help="Make the partner of the one record that is named.")
@click.option(
    "--synchronize",
    type=click.Choice(list(_WAYS)),
    help="Then write the values of NAV to CRM (to), or those of CRM to NAV (from).",
)
@json_option
@config_option
def couple_command(
    *, mapping: str, nav: str, crm: str, create: bool, synchronize: str | None, as_json: bool, config_file: Path | None
) -> int:
    """Couple a NAV record and a CRM row by hand, or make the partner of one of them.

    With --create, a record that matches exactly one on the other side is coupled with that one instead.
    """
    if create and (bool(nav) == bool(crm) or synchronize):
        raise click.UsageError("--create needs one record: --nav or --crm, and no --synchronize.")
    if not create and not (nav and crm):
        raise click.UsageError("Name both records with --nav and --crm, or one of them with --create.")
    with opened(config_file) as (settings, store):
        name = known(settings, mapping)
        lead = None if synchronize is None else _WAYS[synchronize]
        return carry_out(settings, store, Couple(name, nav, crm, lead), output_of(as_json=as_json))


@click.command("match")
@click.option("--only", multiple=True, metavar="MAPPING", help="This mapping only; may be given several times.")
@click.option("--create-unmatched", is_flag=True, help="Make CRM rows for NAV records that match none; never users.")
@plain_option
@json_option
@config_option
def match_command(
    *, only: tuple[str, ...], create_unmatched: bool, as_plain: bool, as_json: bool, config_file: Path | None
) -> int:
    """Couple uncoupled NAV records and CRM rows that match each other and nothing else."""
    output = output_of(as_json=as_json, as_plain=as_plain)
    with opened(config_file) as (settings, store):
        names = tuple(known(settings, name) for name in only)
        return carry_out(settings, store, Match(names, create_unmatched), output)


@click.command("uncouple")
@click.argument("mapping")
@click.option("--nav", "records_", metavar="NO|ID", multiple=True, help="A NAV record; may be given several times.")
@click.option("--all", "every", is_flag=True, help="All couplings of the mapping.")
@_yes
@json_option
@config_option
def uncouple_command(
    *, mapping: str, records_: tuple[str, ...], every: bool, yes: bool, as_json: bool, config_file: Path | None
) -> int:
    """Remove couplings. The records stay on both sides; with a customer, its contacts are uncoupled too."""
    if every == bool(records_):
        raise click.UsageError("Name records with --nav, or all of the mapping with --all.")
    with opened(config_file) as (settings, store):
        name = known(settings, mapping)
        what = f"all couplings of {name}" if every else f"{len(records_)} couplings of {name}"
        if not allowed(f"Remove {what}?", yes=yes):
            return ExitCode.NOT_FINISHED
        return carry_out(settings, store, Uncouple(name, records_), output_of(as_json=as_json))


@click.command("broken")
@click.option("--mapping", metavar="NAME", help="Only those of this mapping.")
@click.option("--restore", is_flag=True, help="Make the lost partners again from the records that are left.")
@click.option("--remove", is_flag=True, help="Remove these couplings.")
@_yes
@json_option
@config_option
def broken_command(
    *, mapping: str | None, restore: bool, remove: bool, yes: bool, as_json: bool, config_file: Path | None
) -> int:
    """Find couplings whose NAV record or CRM row is gone. Without --restore and --remove they stay as they are.

    The exit code is 1 when there are any.
    """
    if restore and remove:
        raise click.UsageError("--restore and --remove exclude each other.")
    action = "restore" if restore else "remove" if remove else ""
    with opened(config_file) as (settings, store):
        name = "" if mapping is None else known(settings, mapping)
        if action:
            question = "Make lost partners again?" if restore else "Remove the couplings with a lost partner?"
            if not allowed(question, yes=yes):
                return ExitCode.NOT_FINISHED
            return carry_out(settings, store, Mend(name, action), output_of(as_json=as_json))
        number, code = quietly(settings, store, Mend(name))
        found = list(outcomes(store, number))
        if as_json:
            for one in found:
                out(records.line(_broken(one)))
        elif found:
            rows = ((one.mapping, one.code, one.nav_no, one.nav_id, one.crm_id) for one in found)
            for line in plain.columns(("Mapping", "What", "No.", "NAV id", "CRM id"), rows):
                out(line)
        elif code is ExitCode.OK:
            say("coupler: no coupling is broken.")
        return code


class Quiet:
    """Output of a run whose result is listed by the command itself."""

    def changed(self, run: RunSnapshot, job: object) -> None:
        """Nothing is said."""
        del run, job

    def ended(self, run: RunSnapshot, code: ExitCode) -> None:
        """Only why it did not get to its end."""
        del code
        if run.message:
            say(f"coupler: {run.message}")
        if run.hint:
            say(f"  {run.hint}")


def quietly(settings: Settings, store: Store, request: Request) -> tuple[int, ExitCode]:
    """Carry out a request and say only what went wrong with the whole of it."""
    find_secrets(settings)
    number = coupling.start(store, settings, request, by=control.who())
    return number, ExitCode(watch(settings, store, number, Wanted(None, Quiet(), ask=False)))


def carry_out(settings: Settings, store: Store, request: Request, output: Output) -> int:
    """Carry out a request, follow it, and say which records failed."""
    find_secrets(settings)
    number = coupling.start(store, settings, request, by=control.who())
    code = watch(settings, store, number, Wanted(None, output, ask=False))
    say_failures(store, number)
    return code


def say_failures(store: Store, number: int) -> None:
    """Say which records of a run failed or were left out, and why: the first of them."""
    found = list(islice((one for one in outcomes(store, number) if one.kind != "warning"), _SHOWN + 1))
    for one in found[:_SHOWN]:
        what = " ".join(part for part in (one.mapping, one.nav_no, one.name) if part)
        say(f"coupler: {safe(what)}: {one.message}")
    for hint in dict.fromkeys(one.hint for one in found[:_SHOWN] if one.hint):
        say(f"  {hint}")
    if len(found) > _SHOWN:
        say(f"  All of them: coupler errors {number} --records")


def _broken(one: RecordOutcome) -> dict[str, object]:
    return {
        "mapping": one.mapping,
        "what": one.code,
        "nav_no": one.nav_no,
        "nav_id": one.nav_id,
        "crm_id": one.crm_id,
        "message": one.message,
    }
