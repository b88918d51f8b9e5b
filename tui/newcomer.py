"""The full-screen program of somebody who has no config file yet: the connection setup, with the demo beside it."""

from pathlib import Path
from typing import NoReturn, cast

from engine.config import log_dir
from engine.model.errors import ConfigError
from tui.app import CouplerApp, show
from tui.connections import FileConnections
from tui.door import Door
from tui.look import Look
from tui.screens.page import Page
from tui.screens.setup import Choice, Setup


class Unconfigured:
    """A door behind which nothing is yet but the connections: everything else refuses."""

    environment = "new"
    production = False
    demo = False

    def __init__(self, path: Path) -> None:
        self.connections = FileConnections(path, lambda _: None)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ConfigError("There is no config file yet.", "Save the connections first.")


class NewcomerApp(CouplerApp):
    """Begins with the connection setup, and ends with what comes after it."""

    CSS_PATH = "tui.tcss"

    def __init__(self, path: Path, look: Look, *, mouse: bool = False, log: Path | None = None) -> None:
        super().__init__(cast("Door", Unconfigured(path)), look, log=log)
        self.path = path
        self.mouse = mouse
        self.then: list[str] | None = None
        """The arguments with which the program goes on."""

    def first(self) -> Page:
        """The connection setup."""
        return Setup(self.door, self.look, leave=self._leave)

    def _leave(self, choice: Choice) -> None:
        more = ["--mouse"] if self.mouse else []
        self.then = ["demo"] if choice == "demo" else [*more, "--config", str(self.path)]
        self.exit()


def run(path: Path, *, mouse: bool) -> tuple[int, list[str] | None]:
    """Shows the connection setup for a config file to be; the exit code, and the arguments to go on with, if any."""
    app = NewcomerApp(path, Look(), mouse=mouse, log=log_dir() / "tui.log")
    code = show(app, mouse=mouse)
    return code, app.then if not code else None
