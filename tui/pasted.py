"""What is pasted is text: no sequence in it is taken for keys, which would answer a question in place of a person."""

from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

_ESCAPE = "\x1b"
_BEGIN, _END = f"{_ESCAPE}[200~", f"{_ESCAPE}[201~"


def guard() -> None:
    """Have the terminal's input read so. Textual makes its parser where it reads, and takes no other one."""
    linux_driver.XTermParser = Parser  # type: ignore[attr-defined]  # its seam


class Parser(XTermParser):
    """Textual's, which takes sequences within a paste for keys; here a paste has none."""

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - as Textual calls it
        super().__init__(debug)
        self._pasting = False
        self._before = ""
        """The end of what came before, where a mark may have begun."""

    def feed(self, data: str) -> Iterable[Message]:
        """As Textual's: tokens of what came; nothing is the end of the input."""
        harmless = self._harmless(data)
        return () if data and not harmless else super().feed(harmless)

    def _harmless(self, data: str) -> str:
        if self._pasting:
            data, self._before = self._before + data, ""
            end = data.rfind(_END)  # whoever pastes the mark of an end has the rest of it taken for keys
            if end >= 0:
                self._pasting = False
                return data[:end].replace(_ESCAPE, "") + data[end:]
            kept = next((size for size in range(len(_END) - 1, 0, -1) if data.endswith(_END[:size])), 0)
            data, self._before = data[: len(data) - kept], data[len(data) - kept :]
            return data.replace(_ESCAPE, "")
        known = len(self._before)
        at = (self._before + data).find(_BEGIN)
        if at < 0:
            self._before = (self._before + data)[1 - len(_BEGIN) :]
            return data
        begun = at + len(_BEGIN) - known
        self._pasting, self._before = True, ""
        return data[:begun] + self._harmless(data[begun:])
