"""Folders of this user (XDG on Linux); what is made here can be read by nobody else."""

import os
from pathlib import Path

import platformdirs

from engine.model.errors import ConfigError

_APP = "coupler"


def config_dir() -> Path:
    """Where config.toml is looked for last; it is not made."""
    return platformdirs.user_config_path(_APP)


def state_path() -> Path:
    """Where state stores and logs are kept, whether it is there or not."""
    return platformdirs.user_state_path(_APP)


def state_dir() -> Path:
    """The same folder, made when it is missing."""
    return private(state_path())


def log_dir() -> Path:
    """The folder of log and crash files, made when it is missing."""
    return private(state_path() / "log")


def private(folder: Path) -> Path:
    """The folder, made with its parents when missing; new ones are the owner's alone."""
    missing = []
    at = folder
    while not at.exists() and at != at.parent:
        missing.append(at)
        at = at.parent
    try:
        for one in reversed(missing):
            # Not `parents=True`: it gives parents the mode of the umask.
            one.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder.", "Move it away, or set XDG_STATE_HOME.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(f"The folder {folder} cannot be written.", "Set XDG_STATE_HOME to one that can.")
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} cannot be made: {error.strerror or error}.", "Set XDG_STATE_HOME to one that can."
        ) from error
    return folder
