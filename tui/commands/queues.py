"""What waits for operators: conflicts and skipped records."""

from collections.abc import Sequence
from pathlib import Path

import click

from engine.config.check import meant
from engine.model.conflict import Choice, Conflict, Shown
from engine.model.errors import RunError
from engine.runs import queues
from tui import format as form
from tui.commands import records
from tui.commands.common import config_option, json_option, known, opened, out, out_table
from tui.commands.follow import PlainOutput
from tui.commands.run import start_sync
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe


@click.group("conflicts", invoke_without_command=True)
@json_option
@config_option
@click.pass_context
def conflicts_group(context: click.Context, *, as_json: bool, config_file: Path | None) -> int:
    """List fields that both sides changed and that wait for a choice; `conflicts resolve` makes it."""
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    with opened(config_file) as (settings, store):
        found = queues.conflicts(store)
        if as_json:
            for one in found:
                out(records.line(records.conflict(one)))
        elif found:
            rows = [
                (
                    one.mapping,
                    one.nav_no,
                    one.name,
                    clash.nav,
                    _value(clash.nav_value),
                    clash.crm_name or _value(clash.crm_value),
                    _choice(clash.choice),
                )
                for one in queues.with_names(store, found, settings.mappings)
                for clash in one.fields
            ]
            header = ("Mapping", "No.", "Name", "Field", "NAV", "CRM", "Choice")
            out_table(header, rows, whole="coupler conflicts --json")
            say("coupler: to choose: coupler conflicts resolve MAPPING NO FIELD=nav|crm ...")
        else:
            say("coupler: no conflict waits.")
        return ExitCode.OK


@conflicts_group.command("resolve")
@click.argument("mapping")
@click.argument("nav_no", metavar="NAV_NO")
@click.argument("choices", metavar="[FIELD=nav|crm]...", nargs=-1)
@click.option("--all", "every", type=click.Choice([one.value for one in Choice]), help="The side for all other fields.")
@click.option("--now", is_flag=True, help="Synchronize the mapping's modified records at once, which applies it.")
@config_option
def resolve_command(
    *, mapping: str, nav_no: str, choices: tuple[str, ...], every: str | None, now: bool, config_file: Path | None
) -> int:
    """Choose whose value fields in conflict get on both sides. The next pass applies it.

    Fields that are not named still wait.
    """
    if not choices and every is None:
        raise click.UsageError(
            "Name fields with their side, as in Name=nav Phone_No=crm, or all with --all nav or crm."
        )
    with opened(config_file) as (settings, store):
        name = known(settings, mapping)
        one = queues.conflict(store, name, nav_no)
        chosen = {} if every is None else {clash.key: Choice(every) for clash in one.fields}
        chosen.update(_chosen(one, choices))
        queues.choose(store, one, chosen)
        left = [clash.nav for clash in one.fields if clash.key not in chosen and clash.choice is None]
        when = "" if now else " The next pass applies it."
        say(f"coupler: chosen for {safe(one.mapping)} {safe(one.nav_no)}.{when}")
        if left:
            say(f"  these fields still wait: {', '.join(map(safe, left))}")
        return start_sync(settings, store, (name,), PlainOutput()) if now else ExitCode.OK


@click.command("skipped")
@click.option("--all", "every", is_flag=True, help="Also those that failed the last time and are tried again.")
@json_option
@config_option
def skipped_command(*, every: bool, as_json: bool, config_file: Path | None) -> int:
    """List records that are left alone because they failed twice in a row in the same way."""
    with opened(config_file) as (_, store):
        found = queues.ledger(store, skipped=not every)
        if as_json:
            for one in found:
                out(records.line(records.trouble(one)))
        elif found:
            rows = [
                (
                    one.mapping,
                    one.direction.arrow,
                    one.nav_no or form.NONE,
                    one.name,
                    "skipped" if one.skipped else "retried",
                    str(one.run),
                    one.message,
                )
                for one in found
            ]
            header = ("Mapping", "", "No.", "Name", "State", "Run", "Message")
            out_table(header, rows, whole="coupler skipped --json")
        else:
            say("coupler: no record is skipped." if not every else "coupler: no record failed the last time.")
        return ExitCode.OK


@click.command("retry")
@click.argument("mapping", required=False)
@click.argument("nav_no", metavar="[NAV_NO]", required=False)
@click.option("--all", "every", is_flag=True, help="All records that are skipped.")
@config_option
def retry_command(*, mapping: str | None, nav_no: str | None, every: bool, config_file: Path | None) -> int:
    """Let skipped records take part again: one by its mapping and NAV number, or all. The next pass tries them."""
    if every == (mapping is not None) or (mapping is not None) != (nav_no is not None):
        raise click.UsageError("Name a mapping and a NAV number, or give --all.")
    with opened(config_file) as (settings, store):
        name = None
        if mapping is not None:
            name = known(settings, mapping)
        number = queues.retry(store, name, nav_no)
        if not number and not every:
            raise RunError(f"{name} {nav_no} is not skipped.", "`coupler skipped` lists what is.")
        say(f"coupler: {form.count(number)} skipped {'record' if number == 1 else 'records'} will be tried again.")
        return ExitCode.OK


def _chosen(one: Conflict, choices: Sequence[str]) -> dict[str, Choice]:
    """The choices as they were typed, by `Clash.key`; a field may be called by its name on either side."""
    found = {}
    for text in choices:
        field, _, side = text.partition("=")
        if side.lower() not in set(Choice):
            raise click.UsageError(f'"{safe(text, 60)}" is not a choice; write FIELD=nav or FIELD=crm.')
        meant_by = [clash for clash in one.fields if field.casefold() in (clash.nav.casefold(), clash.crm.casefold())]
        if not meant_by:
            fields = [clash.nav for clash in one.fields]
            raise click.UsageError(f'There is no conflict in "{safe(field, 60)}"; {meant(field, fields)}')
        found.update({clash.key: Choice(side.lower()) for clash in meant_by})
    return found


def _value(value: Shown) -> str:
    return form.NONE if value is None or value == "" else str(value)


def _choice(choice: Choice | None) -> str:
    return form.NONE if choice is None else choice.value
