"""A door whose reads have hostile texts in every place that holds one."""

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from engine.config.changes import Proposal
from engine.model.detail import Change, MappingDetail
from tests.tui.made.connections import CONFIG, quoted
from tests.tui.script import ScriptedDoor
from tui.door import Door

T = TypeVar("T")
_IDENTITIES = frozenset({"kind", "answer", "nav_id", "crm_id", "id", "source_id"})
"""Texts that the program itself makes, or checked when they arrived."""
_NO_TEXT = ("None", "int", "bool")
_BY_HAND: frozenset[str] = frozenset({"connections.read"})
"""Reads whose answer must fit together, so that `HostileDoor.take` has to put the text where it can stand."""


def filled(value: T, text: str) -> T:
    """The same picture with a hostile text in every place that holds one; those of a list end in their numbers, so that
    no two jobs have the same name, and none has no name.
    """
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text  # type: ignore[return-value]
    if isinstance(value, tuple | list):
        return type(value)(filled(one, f"{text}{at}" if at or not text else text) for at, one in enumerate(value))
    if isinstance(value, dict):
        return {key: filled(one, text) for key, one in value.items()}  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            one.name: filled(getattr(value, one.name), text)
            for one in fields(value)
            if one.init and one.name not in _IDENTITIES
        }
        return replace(value, **changed)
    return value


def reads(protocol: type = Door) -> list[str]:
    """The calls of the door that give something that may hold a text; of what it leads to, `that.call`."""
    found = []
    for name, one in vars(protocol).items():
        if callable(one) and not name.startswith("_") and _named(one.__annotations__.get("return")) not in _NO_TEXT:
            found.append(name)
    for name, kind in _further(protocol).items():
        found += [f"{name}.{one}" for one in reads(kind)]
    return found


def _further(protocol: type) -> dict[str, type]:
    """Protocols that an attribute of this one has."""
    module = vars(sys.modules[protocol.__module__])
    kinds = {name: module.get(_named(kind)) for name, kind in protocol.__annotations__.items()}
    return {
        name: kind for name, kind in kinds.items() if isinstance(kind, type) and getattr(kind, "_is_protocol", False)
    }


def _named(annotation: Any) -> str:
    """An annotation as it is written; the door loads none of the types that it names."""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


class HostileDoor(ScriptedDoor):
    """Whatever is read has the text of the moment in it, also what a door gives one day that nobody has thought of.

    `called` are the reads that somebody made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.called: set[str] = set()
        self.take("x")
        self.log_found = replace(self.log_found, size=self.log_found.end + 1000)  # there is more of it to be read
        for name in reads():
            *way, last = name.split(".")
            subject: Any = self
            for step in way:
                subject = getattr(subject, step)
            setattr(subject, last, self._filling(name, getattr(subject, last)))

    def take(self, text: str) -> None:
        """From now on this is the text."""
        self.text = self.environment = text
        self.scripted.text = CONFIG.replace("CRONUS International", quoted(text)).replace("NAV_SECRET", quoted(text))

    def write_report(self, run: int) -> Path:
        """No file, as a text may be the name of none."""
        del run
        return Path(self.text)

    def mapping(self, name: str) -> MappingDetail:
        """One whatever its name, which screens were told with a text in it."""
        del name
        return self.detail_of(ScriptedDoor.home(self).mappings[3])

    def setting(self, mapping: str, key: str) -> Change:
        """One whatever its names."""
        del mapping, key
        return super().setting("CUSTOMER", "conflict")

    def propose(self, mapping: str, key: str, value: str | None) -> Proposal:
        """One whatever its names."""
        del mapping, key, value
        return super().propose("CUSTOMER", "conflict", "latest")

    def _filling(self, name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def read_and_fill(*arguments: Any, **named: Any) -> Any:
            self.called.add(name)
            found = read(*arguments, **named)
            if name in _BY_HAND:
                return found
            return self._each(found) if isinstance(found, AsyncIterator) else filled(found, self.text)

        return read_and_fill

    async def _each(self, found: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for one in found:
            yield filled(one, self.text)
