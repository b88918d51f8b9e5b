"""The command `coupler`. Commands are loaded when they are used: help and version must not wait for libraries."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tui import __version__, diagnostics
from tui.commands.common import config_option, out, silence
from tui.exitcodes import ExitCode

_COMMANDS = {
    "run": ("tui.commands.run:run_command", "Run a full synchronization and show its progress in lines."),
    "plan": ("tui.commands.plan:plan_command", "Count what a full synchronization would do, or list it."),
    "sync": ("tui.commands.run:sync_command", "Synchronize failed and modified records; for schedules."),
    "schedule": (
        "tui.commands.schedule:schedule_group",
        "Keep the schedule: synchronize modified records again and again.",
    ),
    "attach": ("tui.commands.watch:attach_command", "Show a run that is going."),
    "status": ("tui.commands.watch:status_command", "Show the run that is not finished, else the last one."),
    "stop": ("tui.commands.watch:stop_command", "Stop a run at its next checkpoint."),
    "resume": ("tui.commands.run:resume_command", "Go on with a run that was stopped or interrupted."),
    "cancel": ("tui.commands.watch:cancel_command", "End a run for good."),
    "answer": ("tui.commands.watch:answer_command", "Answer the closing question of a run."),
    "jobs": ("tui.commands.lists:jobs_command", "List integration synchronization jobs."),
    "errors": ("tui.commands.lists:errors_command", "List what went wrong."),
    "report": ("tui.commands.report:report_command", "Write what a run did as a page, CSV or JSON."),
    "conflicts": ("tui.commands.queues:conflicts_group", "List or resolve what both sides changed."),
    "matches": ("tui.commands.matches:matches_command", "List what several match, or one beside these."),
    "skipped": ("tui.commands.queues:skipped_command", "List records that are left alone after failing twice."),
    "retry": ("tui.commands.queues:retry_command", "Let skipped records take part again."),
    "couplings": ("tui.commands.couplings:couplings_group", "List what is coupled, export it or import it."),
    "couple": ("tui.commands.coupling:couple_command", "Couple two records, or one with a new partner."),
    "match": ("tui.commands.coupling:match_command", "Couple uncoupled records that match."),
    "uncouple": ("tui.commands.coupling:uncouple_command", "Remove couplings; the records stay."),
    "broken": ("tui.commands.coupling:broken_command", "Find couplings whose partner is gone; restore or remove them."),
    "undo": ("tui.commands.undo:undo_command", "Take back what a full synchronization did."),
    "check": ("tui.commands.check:check_command", "Compare both sides with what is recorded; writes nothing."),
    "mappings": ("tui.commands.mappings:mappings_command", "List mappings and their fields; set or reset them."),
    "config": ("tui.commands.config:config_group", "Check or show the configuration."),
    "connection": ("tui.commands.connection:connection_group", "Try the connections to both systems."),
    "notify": ("tui.commands.notify:notify_group", "Try whether notifications arrive; send what was not sent."),
    "paths": ("tui.commands.config:paths_command", "Show which files and folders are used."),
    "completion": (
        "tui.commands.completion:completion_command",
        "Print what makes a shell complete commands.",
    ),
    "demo": ("tui.commands.demo:demo_command", "Try everything on two local servers with demo data."),
    "sandbox": ("sandbox.command:sandbox_command", "Serve a NAV company and a CRM organization on this machine."),
}
_HIDDEN = {
    "engine": "tui.commands.engine:engine_command",
    "notifier": "tui.commands.engine:notifier_command",
    "demo-servers": "tui.commands.demo:servers_command",
}


class LazyGroup(click.Group):
    """A group whose help is made without loading its commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded now."""
        del ctx
        place = _COMMANDS[cmd_name][0] if cmd_name in _COMMANDS else _HIDDEN.get(cmd_name)
        if place is None:
            return None
        found = _loaded(place)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; for an unknown one, the nearest name."""
        name = args[0]
        if name not in _COMMANDS and name not in _HIDDEN:
            from engine.config.check import meant  # noqa: PLC0415 - only for this message

            raise click.UsageError(f'There is no command "{name}"; {meant(name, _COMMANDS)}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _loaded(place: str) -> Any:
    """What is at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's way
    del parameter
    if value and not context.resilient_parsing:
        out(f"coupler {__version__}")
        context.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command, the full-screen program opens; with --plain, what it shows first is written in lines.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.option("--plain", is_flag=True, help="The first screen as lines, as for a screen reader; then end.")
@click.option("--mouse", is_flag=True, help="Use the mouse in the full-screen program.")
@config_option
@click.pass_context
def cli(context: click.Context, *, plain: bool, mouse: bool, config_file: Path | None) -> int:
    """Synchronize Dynamics NAV and Business Central with Dynamics CRM and Dataverse."""
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    if plain:
        return int(_loaded("tui.commands.home:show_lines")(config_file))
    return int(_loaded("tui.commands.screen:begin")(config_file, mouse=mouse))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; its exit code. Nothing leaves here as a traceback."""
    # What is made is the owner's: stores and logs hold the names of people.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A terminal that cannot show a letter shows its number, and no command ends because of it.
            reconfigure(errors="backslashreplace")
    code = _run(arguments)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        silence(sys.stdout)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        if (instruction := os.environ.get("_COUPLER_COMPLETE")) is not None:
            from tui.completion import complete  # noqa: PLC0415 - only where a shell asks

            return complete(instruction)
        result = cli.main(args=arguments, prog_name="coupler", standalone_mode=False)
    except BrokenPipeError:
        # Whoever read the output has had enough.
        silence(sys.stdout)
        return ExitCode.OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place that can say it in one line
        return diagnostics.fail(error)
    return int(result) if isinstance(result, int) else ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
