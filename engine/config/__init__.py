"""Settings: config.toml, checked; secrets by reference; folders. Cheap to import, because every command does."""

from engine.config.load import find_config, load
from engine.config.paths import config_dir, log_dir, state_dir
from engine.config.secrets import Secret
from engine.config.settings import CrmSettings, NavSettings, RunSettings, Settings, StoreSettings, UiSettings

__all__ = [
    "CrmSettings",
    "NavSettings",
    "RunSettings",
    "Secret",
    "Settings",
    "StoreSettings",
    "UiSettings",
    "config_dir",
    "find_config",
    "load",
    "log_dir",
    "state_dir",
]
