"""The two lines at the bottom that say which keys there are."""

from collections.abc import Collection, Mapping, Sequence

from tui import actions
from tui.look import Look
from tui.widgets.line import Line

_LINES = 2
_FIRST_TO_GO = ("copy", "zone")
"""What gives way, one after the other, where there is no room for all; the help page has them."""
_ON_HELP = "to_file"
"""What only the help page has, and boxes of text."""


class Keys(Line):
    """The keys of a screen, as many as fit; the help page has them all, and the way to it and out is always there."""

    def __init__(self, scope: actions.Scope, look: Look) -> None:
        super().__init__(id="keys")
        self._scope = scope
        self._look = look
        self._labels: dict[str, str] = {}
        self._without: frozenset[str] = frozenset()

    def on_mount(self) -> None:
        """Shows them at once, so that the first paint is complete."""
        self._write()

    def on_resize(self) -> None:
        """Wraps anew."""
        self._write()

    def label(self, labels: Mapping[str, str]) -> None:
        """Other labels for some actions by name, such as `Resume` for `pause`."""
        if dict(labels) != self._labels:
            self._labels = dict(labels)
            self._write()

    def leave_out(self, names: Collection[str]) -> None:
        """Does not offer these actions of the screen, because they cannot do anything now."""
        if frozenset(names) != self._without:
            self._without = frozenset(names)
            self._write()

    def _write(self) -> None:
        offered = [one for one in actions.of(self._scope) if one.name not in self._without]
        everywhere = [one for one in actions.of("everywhere") if one.name != _ON_HELP]
        give_way = [
            *(one for name in _FIRST_TO_GO for one in everywhere if one.name == name),
            *(one for one in reversed(offered) if one.name != "back"),
        ]
        keys = [*offered, *everywhere]
        while len(lines := self._lines(keys)) > _LINES and give_way:
            keys.remove(give_way.pop(0))
        self.put(*(f" {one}" for one in lines[:_LINES]))

    def _lines(self, keys: Sequence[actions.Action]) -> list[str]:
        width = (self.size.width or 80) - 2
        lines = [""]
        for one in keys:
            key = actions.shown(one, self._look.keys, self._scope)
            part = f"{key} {self._labels.get(one.name, one.label)}"
            if lines[-1] and len(lines[-1]) + 2 + len(part) > width:
                lines.append("")
            lines[-1] += f"  {part}" if lines[-1] else part
        return lines
