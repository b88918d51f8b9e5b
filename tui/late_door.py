"""A door that opens when it is first asked for something: checking the configuration, loading the engine and opening
the store take longer than painting the first screen, which need not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from engine.model.errors import CouplerError

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.store.database import Store
    from tui.door import Connections, Door


class LateDoor:
    """Each call waits until the store is open. When it cannot be opened, or `settings` raises ConfigError, `refused` is
    told and every call raises it.
    """

    def __init__(self, environment: str, settings: Callable[[], Settings], *, production: bool) -> None:
        self.production = production
        self.environment = environment
        self.demo = False
        self.refused: Callable[[], None] = lambda: None
        self.error: CouplerError | None = None
        self._settings = settings
        self._opening = Lock()
        self._store: Store | None = None
        self._door: Door | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A read or wish of `tui.door`, which waits for the store in the thread that it is called from."""

        def call(*arguments: Any, **options: Any) -> Any:
            return getattr(self._opened(), name)(*arguments, **options)

        return call

    @property
    def connections(self) -> Connections:
        """Both connections; waits as calls do, and so must be asked for in a thread, too."""
        return self._opened().connections

    def as_door(self) -> Door:
        """What screens take it for."""
        return cast("Door", self)

    def close(self) -> None:
        """Closes the store, if it was opened."""
        with self._opening:
            if self._store is not None:
                self._store.close()

    def _opened(self) -> Door:
        with self._opening:
            if self.error is not None:
                raise self.error
            if self._door is None:
                from engine.store.database import Store  # noqa: PLC0415 - the module's docstring says why
                from tui.engine_door import EngineDoor  # noqa: PLC0415

                try:
                    settings = self._settings()
                    self._store = Store.open(settings.store.url)
                except CouplerError as error:
                    self.error = error
                    self.refused()
                    raise
                self._door = EngineDoor(settings, self._store)
            return self._door
