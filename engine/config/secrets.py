"""Secrets by reference: config.toml says where a token or password is, never what it is."""

import importlib
import os
import re
import shlex
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.model.errors import ConfigError
from engine.model.masking import MASK, conceal

SOURCES = ("env", "file", "command", "keyring")
"""Where a secret can be, as the part before the colon."""

HOW = (
    'say where it is, never what it is: "env:NAME" (an environment variable), "file:PATH" (only its text), '
    '"command:PROGRAM ARGUMENTS" (what it prints) or "keyring:SERVICE/USER"'
)

_SECONDS = 30
_LARGEST = 16_384
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_commands: set[subprocess.Popen[bytes]] = set()


def end_commands() -> None:
    """End the secret commands that are under way, which nobody waits for any more; safe from any thread."""
    for process in list(_commands):
        _end(process)


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A reference to a secret. It shows as `***`; only `reveal` looks it up, anew each time, because tokens change."""

    source: str
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, compare=False)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    @property
    def kind(self) -> str:
        """`env`, `file`, `command` or `keyring`."""
        return self.source.partition(":")[0]

    def reveal(self) -> str:
        """The secret itself; raises ConfigError, which names the place and never what was found there."""
        kind, _, where = self.source.partition(":")
        if kind == "env":
            found = self._from_environment(where)
        elif kind == "file":
            found = self._from_file(where)
        elif kind == "command":
            found = self._from_command(where)
        else:
            found = _from_keyring(where)
        found = found.strip("\r\n")
        if not found.strip():
            raise ConfigError(f"The secret from {self._place()} is empty.", _HINTS[kind])
        if _CONTROL.search(found):
            raise ConfigError(f"The secret from {self._place()} has line breaks or control characters.", _HINTS[kind])
        conceal(found)
        return found

    def warning(self) -> str | None:
        """What is careless about where it is kept, if anything."""
        if self.kind != "file":
            return None
        path = self._path(self.source.partition(":")[2])
        try:
            mode = path.stat().st_mode
        except OSError:
            return None
        if stat.S_IMODE(mode) & 0o077:
            return f"{path} can be read by other users; make it private: chmod 600"
        return None

    def _place(self) -> str:
        # The arguments of a command may hold what should not be shown.
        return "the command" if self.kind == "command" else self.source

    def _path(self, where: str) -> Path:
        return self.folder / Path(where).expanduser()

    def _from_environment(self, name: str) -> str:
        found = self.environ.get(name)
        if found is None:
            raise ConfigError(f"The environment variable {name} is not set.", _HINTS["env"])
        return found

    def _from_file(self, where: str) -> str:
        try:
            path = self._path(where)
            if not path.is_file():
                raise ConfigError(f"The secret file {path} is not there, or is no regular file.", _HINTS["file"])
            with path.open("rb") as file:
                raw = file.read(_LARGEST + 1)
        except (OSError, RuntimeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "the path cannot be used"
            raise ConfigError(f"The secret file {where} cannot be read: {reason}.", _HINTS["file"]) from error
        if len(raw) > _LARGEST:
            raise ConfigError(f"The secret file {path} is too large to hold a secret.", _HINTS["file"])
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            # The original error holds the bytes of the secret.
            raise ConfigError(f"The secret file {path} is not UTF-8 text.", _HINTS["file"]) from None

    def _from_command(self, line: str) -> str:
        hint = _HINTS["command"]
        words = shlex.split(line)
        program = words[0]
        try:
            # No shell: the words are what the config file says.
            process = subprocess.Popen(  # noqa: S603
                words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            _commands.add(process)
            with process:
                try:
                    printed, _ = process.communicate(timeout=_SECONDS)
                except subprocess.TimeoutExpired:
                    _end(process)
                    raise ConfigError(f"The secret command {program} took longer than {_SECONDS} s.", hint) from None
                except KeyboardInterrupt:
                    _end(process)
                    raise
                finally:
                    _commands.discard(process)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it cannot be started"
            raise ConfigError(f"The secret command {program} failed: {reason}.", hint) from None
        if process.returncode != 0:
            raise ConfigError(f"The secret command {program} ended with exit code {process.returncode}.", hint)
        return printed[:_LARGEST].decode("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With what it started, which would hold the pipe open."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def problem(source: str) -> str | None:
    """What is wrong with a reference as it is written, if anything. The text may be a secret, so it is not repeated."""
    kind, colon, where = source.partition(":")
    if not colon or kind not in SOURCES:
        return f"this looks like the secret itself; {HOW}"
    if not where.strip() or _CONTROL.search(where):
        return f'nothing usable follows "{kind}:"; {HOW}'
    if kind == "env" and not _NAME.fullmatch(where):
        return 'what follows "env:" is no name of an environment variable (letters, digits and _)'
    if kind == "keyring" and not all(where.partition("/")[::2]):
        return '"keyring:" must be followed by SERVICE/USER'
    if kind == "command" and not _splits(where):
        return 'what follows "command:" has an unclosed quotation mark'
    return None


def shown(source: str) -> str:
    """A reference as it may be shown: the arguments of a command may hold what should not be, and what is no reference
    may be the secret itself.
    """
    if problem(source):
        return MASK
    kind, _, where = source.partition(":")
    return f"command:{_program(where)}" if kind == "command" else source


def _program(line: str) -> str:
    program, *arguments = shlex.split(line)
    return f"{program} {MASK}" if arguments else program


def how_to_put(source: str) -> str:
    """What an operator does, outside of Coupler, to put a secret where a reference says that it is."""
    kind, _, where = source.partition(":")
    match kind:
        case "env":
            return (
                f"In the shell that starts coupler: read -rs {where}; export {where}. "
                "For a service: EnvironmentFile= in its unit, a file with chmod 600."
            )
        case "file":
            file = shlex.quote(where)
            return f"touch {file}; chmod 600 {file}; then put the secret, and nothing else, into it."
        case "command":
            return f"Have {_program(where).partition(' ')[0]} print the secret, and nothing else, within half a minute."
        case "keyring":
            service, _, user = where.rpartition("/")
            return (
                f"pip install keyring; then, which asks for it: keyring set {shlex.quote(service)} {shlex.quote(user)}"
            )
    return ""


def _splits(line: str) -> bool:
    try:
        return bool(shlex.split(line))
    except ValueError:
        return False


def _from_keyring(where: str) -> str:
    service, _, user = where.rpartition("/")
    hint = _HINTS["keyring"]
    try:
        # Optional, and not there for type checkers either.
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise ConfigError("A secret is in the keyring, and the package keyring is not installed.", hint) from None
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - back ends of keyring raise what they like
        raise ConfigError(f"The keyring cannot be read: {type(error).__name__}.", hint) from None
    if found is None:
        raise ConfigError(f"The keyring has no secret for {service}/{user}.", hint)
    return str(found)


_HINTS = {
    "env": "Set it before you start coupler, or change the secret in config.toml.",
    "file": "Write the secret, and nothing else, into this file, and make it private: chmod 600.",
    "command": "Run the command by hand: it must print the secret, and nothing else, within half a minute.",
    "keyring": "Install it with: pip install keyring; then: keyring set SERVICE USER.",
}
