"""Settings: config.toml, checked; secrets by reference; folders. Its parts are loaded when they are first named."""

from typing import TYPE_CHECKING

from engine.on_first_use import on_first_use

_PLACES = {
    **dict.fromkeys(("NoConfigFile", "find_config"), "files"),
    "load": "loading",
    **dict.fromkeys(("config_dir", "log_dir", "state_dir"), "paths"),
    "Secret": "secrets",
    **dict.fromkeys(("CrmSettings", "NavSettings", "RunSettings", "Settings", "StoreSettings"), "settings"),
    **dict.fromkeys(("Glance", "UiSettings", "glance"), "ui"),
}

__all__ = [
    "CrmSettings",
    "Glance",
    "NavSettings",
    "NoConfigFile",
    "RunSettings",
    "Secret",
    "Settings",
    "StoreSettings",
    "UiSettings",
    "config_dir",
    "find_config",
    "glance",
    "load",
    "log_dir",
    "state_dir",
]

if TYPE_CHECKING:
    from engine.config.files import NoConfigFile, find_config
    from engine.config.loading import load
    from engine.config.paths import config_dir, log_dir, state_dir
    from engine.config.secrets import Secret
    from engine.config.settings import CrmSettings, NavSettings, RunSettings, Settings, StoreSettings
    from engine.config.ui import Glance, UiSettings, glance
else:
    __getattr__ = on_first_use(__name__, __all__, _PLACES)
