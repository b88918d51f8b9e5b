"""The engine's own process, and that of its notifier; started by the other commands, not by people."""

from pathlib import Path

import click

from engine.model.errors import ConfigError
from engine.runs import process
from tui.commands.common import RUN_NUMBER, config_option, settings
from tui.diagnostics import code_of
from tui.exitcodes import ExitCode


@click.command("engine", hidden=True)
@click.argument("run_id", metavar="RUN", type=RUN_NUMBER)
@config_option
def engine_command(*, run_id: int, config_file: Path | None) -> int:
    """Work on a run until it is done, stopped or cancelled."""
    try:
        found = settings(config_file)
    except ConfigError as wrong:
        process.refused(run_id, wrong)
        raise
    failed = process.main(found, run_id)
    return ExitCode.OK if failed is None else code_of(failed)


@click.command("notifier", hidden=True)
@click.argument("run_id", metavar="RUN", type=RUN_NUMBER)
@config_option
def notifier_command(*, run_id: int, config_file: Path | None) -> int:
    """Tell people how a run ended, once standard input ends."""
    error = process.notify(settings(config_file), run_id)
    return ExitCode.OK if error is None else code_of(error)
