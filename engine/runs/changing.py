"""Writing a config file that says something else of a mapping, while no run needs it as it is."""

from engine.config import Settings
from engine.config.edit import Draft, formed, save
from engine.model.errors import ConfigError
from engine.runs.control import refuse_active, refuse_busy
from engine.store.database import Store


def refuse(store: Store) -> None:
    """Raise LockHeld while an engine works, and OnHold while a run is not finished and answered: it could not be
    resumed with other mappings.
    """
    refuse_busy(store)
    with store.reading() as connection:
        refuse_active(connection)


def write(store: Store, settings: Settings, draft: Draft) -> Settings:
    """Write the file, and return what it says now; `settings` are those in use.

    Raises as `refuse` does, and ConfigError where the file would have faults, was changed meanwhile, cannot be written,
    or names other systems than those in use.
    """
    refuse_busy(store)
    now = formed(draft).settings
    if _systems(now) != _systems(settings):
        raise ConfigError(
            f"{draft.path} names other systems than those that are shown.", "Leave, and start coupler again."
        )
    with store.writing() as connection:  # in which no run can begin
        refuse_active(connection)
        save(draft)
    return now


def _systems(settings: Settings) -> tuple[str, ...]:
    nav, crm = settings.nav, settings.crm
    return settings.environment, nav.url, nav.company, nav.version, nav.kind, crm.url, settings.store.url
