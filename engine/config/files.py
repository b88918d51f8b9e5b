"""Which config.toml is used, and what stands in it as TOML."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from engine.config import toml
from engine.config.check import Report, Table, meant
from engine.config.paths import config_dir
from engine.model.errors import ConfigError

_LARGEST = 1_000_000


class NoConfigFile(ConfigError):
    """No config file was named, and there is none in its usual places."""


def find_config(explicit: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to use: the one named, $COUPLER_CONFIG, ./config.toml, the user's; raises ConfigError."""
    if explicit is not None:
        return _existing(explicit, "--config")
    if named := environ.get("COUPLER_CONFIG"):
        return _existing(Path(named), "$COUPLER_CONFIG")
    places = (Path("config.toml"), config_dir() / "config.toml")
    for place in places:
        if place.exists():
            return place.absolute()
    looked = "\n".join(f"not there: {place.absolute()}" for place in places)
    raise NoConfigFile(
        "There is no config file.",
        "Name one with --config FILE, or copy the example config.toml; `coupler demo` needs none.",
        tuple(looked.split("\n")),
    )


def read(path: Path) -> bytes:
    """The bytes of a config file; raises ConfigError where it is too large, or none that can be read again."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise refused(path, (f"{path}: it is {what}; the engine must be able to read it again",))
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise refused(path, (f"{path}: it cannot be read: {error.strerror or error}",)) from error
    if len(raw) > _LARGEST:
        raise refused(path, (f"{path}: it is larger than {_LARGEST:,} bytes",))
    return raw


def document(path: Path, raw: bytes) -> tuple[Table, Report]:
    """The whole file of these bytes, and where to note what is wrong with it; raises ConfigError where they are no
    TOML.
    """
    text = _text(path, raw)
    try:
        values = toml.parse(text)
    except toml.TomlError as fault:
        place = str(path) if fault.line is None else f"{path}:{fault.line}"
        raise refused(path, (f"{place}: not valid TOML: {fault.message}",)) from None
    report = Report(str(path), toml.lines(text))
    return Table(values, (), report), report


def refused(path: Path, problems: tuple[str, ...]) -> ConfigError:
    """The error that tells everything that is wrong in a file."""
    count = "one error" if len(problems) == 1 else f"{len(problems)} errors"
    return ConfigError(f"The config file {path} has {count}.", "Mend it, and see `coupler config check`.", problems)


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refused(path, (f"{path}:{line}: it is not UTF-8 text",)) from None


def _existing(path: Path, said: str) -> Path:
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name that is too long, or is none
        reason = getattr(error, "strerror", None) or "it is no path"
        raise ConfigError(f"{str(path)[:100]}: it cannot be read: {reason}", f"Mend what {said} says.") from error
    if not there:
        beside = [one.name for one in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        near = f"; {meant(path.name, sorted(beside)[:20])}" if beside else ""
        raise ConfigError(f"{path}: there is no such file{near}", f"Mend what {said} says.")
    return path.absolute()
