"""The connections of a config file: reading it, saving it, trying them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import tui
from engine.config.edit import Form, formed, new_draft, read_draft, save
from engine.config.files import read
from engine.config.settings import Settings
from engine.config.usable import doubts
from engine.runs.connection import Tried, try_side
from tui.door import Side

_BLANK = (("nav", "url"), ("nav", "company"), ("crm", "url"))
"""What nobody can guess."""


class FileConnections:
    """A `tui.door.Connections` over config.toml; `saved` gets what was written."""

    def __init__(self, path: Path, saved: Callable[[Settings], None]) -> None:
        self._path = path
        self._saved = saved
        self._last: Form | None = None

    def read(self) -> Form:
        """The file as it is, else what a new one begins with."""
        raw = read(self._path) if self._path.exists() or self._path.is_symlink() else None
        if self._last is None or self._last.draft.before != raw:
            draft = new_draft(self._path, _example(), _BLANK) if raw is None else read_draft(self._path)
            self._last = formed(draft)
        return self._last

    def doubts(self, form: Form) -> list[str]:
        """What would keep the settings from being used, and what is careless; secrets are looked up."""
        problems, warnings = doubts(form.settings)
        return [*problems, *warnings]

    def save(self, form: Form) -> None:
        """Writes the file."""
        save(form.draft)
        self._saved(form.settings)

    def steps(self, form: Form, side: Side) -> AsyncIterator[Tried]:
        """Tries one side, step by step."""
        return try_side(form.settings, side)


def _example() -> str:
    """The example that is shipped beside this package, or lies in the folder above it."""
    here = Path(tui.__file__).parent
    shipped = here / "config.example.toml"
    return (shipped if shipped.exists() else here.parent / "config.toml").read_text(encoding="utf-8")
