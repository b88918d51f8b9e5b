"""The script that teaches a shell what `coupler` takes."""

import click
from click.shell_completion import get_completion_class

from tui.commands.common import out
from tui.completion import SHELLS, VARIABLE
from tui.exitcodes import ExitCode

_FILES = """\b
Where it goes, for new shells to know it (make the folder where it is missing):
  bash   coupler completion bash > ~/.local/share/bash-completion/completions/coupler
  zsh    coupler completion zsh > ~/.zfunc/_coupler
         and in ~/.zshrc, before compinit: fpath+=~/.zfunc
  fish   coupler completion fish > ~/.config/fish/completions/coupler.fish
"""


@click.command("completion", epilog=_FILES)
@click.argument("shell", metavar=f"{{{'|'.join(SHELLS)}}}", type=click.Choice(SHELLS), required=False)
def completion_command(*, shell: str | None) -> int:
    """Print what makes a shell complete commands, options, and the names of runs and mappings."""
    if shell is None:  # what click says of a choice that is missing has several lines
        raise click.UsageError(f"Say for which shell: {', '.join(SHELLS)}.")
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"This version of click knows no {shell}.")
    out(script(click.get_current_context().find_root().command, {}, "coupler", VARIABLE).source())
    return ExitCode.OK
