"""Changing settings of config.toml: comments and order stay, and nothing is written that could not be read again."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Comment, Table

from engine.config import toml, urls
from engine.config.check import Fault
from engine.config.files import read
from engine.config.loading import examine
from engine.config.replacing import beside
from engine.config.secrets import shown
from engine.config.settings import Settings
from engine.config.toml import Keys
from engine.model.errors import ConfigError
from engine.model.masking import MASK

Value = str | int | float | None
"""What a key can have here; None leaves it out."""
Anything = Value | list[Any] | dict[str, Any]
"""What it can have where a list, or a table in braces, makes sense as well."""

_BOM = "\ufeff"
_TEXT_OR_COMMENT = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"{3,5}|' + r"'{3}.*?'{3,5}|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'", re.DOTALL
)
_ESCAPED = re.compile(r"[^\S ]|[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_PRIVATE, _SHARED = 0o600, 0o640
"""Modes of a config file; the second one lets a service of its group read it, where somebody wanted that."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A config file that is being changed. `before` is what the file had when it was read, None where there is none
    yet; `base` is the text that changes are compared with, `text` the one with the changes.
    """

    path: Path
    before: bytes | None
    base: str
    text: str

    @property
    def linked(self) -> Path | None:
        """The file that is changed, where the path is a link to it."""
        return self.path.resolve() if self.path.is_symlink() else None

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self.text != self.base

    @property
    def raw(self) -> bytes:
        """The text as it would be saved."""
        return self.text.encode()

    def value(self, keys: Keys) -> Value:
        """What a key is written as; None where it is left out, or is no text and no number."""
        return _value(self.text, keys)

    def differs(self, keys: Keys) -> bool:
        """Whether a key was changed."""
        return _value(self.text, keys) != _value(self.base, keys)


@dataclass(frozen=True, slots=True)
class Form:
    """A draft with what it means: its settings, with stand-ins for what is wrong, and what is wrong."""

    draft: Draft
    settings: Settings
    faults: tuple[Fault, ...]

    def fault(self, keys: Keys) -> str:
        """What is wrong with a key; blank when nothing is."""
        return "; ".join(one.text for one in self.faults if one.keys == keys)

    def faults_without(self, table: str) -> tuple[str, ...]:
        """What is wrong outside of a table, a line each."""
        return tuple(one.named for one in self.faults if one.keys[0] != table)


def formed(draft: Draft) -> Form:
    """A draft with what it means; raises ConfigError where it is no TOML."""
    settings, faults = examine(draft.path, draft.raw)
    return Form(draft, settings, faults)


def read_draft(path: Path) -> Draft:
    """A draft of a file that is there; raises ConfigError where it cannot be read or is no TOML."""
    raw = read(path)
    examine(path, raw)
    text = raw.decode()
    return Draft(path, raw, text, text)


def new_draft(path: Path, example: str, blank: tuple[Keys, ...]) -> Draft:
    """A draft of a file that is not there yet: the example, with some of its texts to be filled in."""
    text = example
    for keys in blank:
        text = _put(text, keys, "")
    return Draft(path, None, text, text)


def put(draft: Draft, keys: Keys, value: Anything) -> Draft:
    """The draft with a value; a blank text or None leaves the key out.

    Raises ConfigError where that cannot be done without changing anything else.
    """
    if isinstance(value, str) and not value.strip():
        # what a new file begins with stays there, so that it can be filled in again
        value = "" if draft.before is None and _value(draft.base, keys) == "" else None
    with _by_hand(draft.path):
        text = _put(draft.text, keys, value)
    # what was taken back is no change, wherever its line would stand now
    return replace(draft, text=draft.base if _parse(text) == _parse(draft.base) else text)


def rewritten(draft: Draft, what: str, change: Callable[[MutableMapping[str, Any]], None]) -> Draft:
    """The draft after a change that does to a TOML document what it does to plain values. `what` is said where that
    cannot be done without changing anything else, with a ConfigError.
    """
    with _by_hand(draft.path):
        return replace(draft, text=_changed(draft.text, what, change, lambda document, _: change(document)))


@contextmanager
def _by_hand(path: Path) -> Iterator[None]:
    try:
        yield
    except TOMLKitError as error:
        raise ConfigError(f"{path} cannot be changed: {error}.", "Edit it by hand.") from error


def difference(draft: Draft) -> tuple[str, ...]:
    """The lines that change, those that go with `-` before them and those that come with `+`; secrets are not shown."""
    old, new = _lines(draft.base), _lines(draft.text)
    old_shown, new_shown = _lines_shown(draft.base), _lines_shown(draft.text)
    lines: list[str] = []
    for kind, begin, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            lines += [f"- {one}" for one in old_shown[begin:end]]
            lines += [f"+ {one}" for one in new_shown[first:last]]
    return tuple(lines)


def modes(draft: Draft) -> tuple[int | None, int]:
    """The mode that the file has, None where there is none, and the one that it has once it is saved."""
    try:
        now = stat.S_IMODE(draft.path.stat().st_mode)
    except OSError:
        return None, _PRIVATE
    return now, _SHARED if now == _SHARED else _PRIVATE


def save(draft: Draft) -> None:
    """Write the file in the place of the one that was read, with the mode that `modes` says; a link stays, its file is
    changed.

    Raises ConfigError, and writes nothing, where it would have faults, was changed meanwhile or cannot be written.
    """
    _, faults = examine(draft.path, draft.raw)
    if faults:
        raise ConfigError("It would have faults.", "Mend them first.", tuple(one.told for one in faults))
    path = draft.path.resolve()
    try:
        if draft.before is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with beside(path, draft.raw, mode=modes(draft)[1]) as made:
            if draft.before is None:
                os.link(made, path)  # which never takes the place of another file
            elif path.read_bytes() != draft.before:
                raise ConfigError(
                    f"{path} was changed meanwhile, and stays as it is now.", "Leave this screen, and open it again."
                )
            else:
                made.replace(path)
    except FileExistsError:
        raise ConfigError(f"{path} was made meanwhile, and stays as it is.", "Start coupler again.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}.", "Mend the cause.") from error


def _value(text: str, keys: Keys) -> Value:
    value = found(text, keys)
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def found(text: str, keys: Keys) -> Any:
    """What the text of a file has under a key; None where it has nothing."""
    value: Any = _parse(text)
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _parse(text: str) -> dict[str, Any]:
    return toml.parse(text.removeprefix(_BOM).replace("\r\n", "\n"))


def _put(text: str, keys: Keys, value: Anything) -> str:
    before = found(text, keys)
    if before == value and type(before) is type(value):
        return text
    return _changed(text, ".".join(keys), partial(_assign, keys=keys, value=value), partial(_write, keys, value))


def _changed(
    text: str,
    what: str,
    assign: Callable[[MutableMapping[str, Any]], None],
    write: Callable[[MutableMapping[str, Any], str], None],
) -> str:
    """The text after `write` did to the document, whose lines end in a text, what `assign` does to its values."""
    mark = _BOM if text.startswith(_BOM) else ""
    plain = text.removeprefix(_BOM)
    plain = plain if plain.endswith("\n") or not plain else f"{plain}\n"
    wanted = _parse(plain)
    assign(wanted)
    document = tomlkit.parse(plain)
    newline = "\r\n" if "\r\n" in plain else "\n"
    write(document, newline)
    changed = document.as_string()
    if plain.count("\n") == plain.count("\r\n"):
        changed = re.sub(r"(?<!\r)\n", newline, changed)
    try:
        same = _parse(changed) == wanted
    except toml.TomlError:
        same = False
    if not same:
        raise ConfigError(f"{what} cannot be changed without changing something else.", "Edit config.toml by hand.")
    return mark + changed


def _assign(values: MutableMapping[str, Any], keys: Keys, value: Anything) -> None:
    *tables, name = keys
    for one in tables:
        values = values.setdefault(one, {})
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def _write(keys: Keys, value: Anything, document: MutableMapping[str, Any], newline: str) -> None:
    """Change one key; one that is new comes behind the comment that shows it, else behind the last one of its table."""
    *tables, name = keys
    table = document
    for depth, one in enumerate(tables, 1):
        if one not in table:
            table[one] = tomlkit.table(is_super_table=depth < len(tables))
        table = table[one]
    if value is None:
        table.pop(name, None)
        return
    put_item(table, name, value, newline)


def put_item(table: MutableMapping[str, Any], name: str, value: Any, newline: str = "\n") -> None:
    """Change a value in a table of a document, or add it in its place."""
    item = tomlkit.value(written(value))
    if name in table or not isinstance(table, Table) or table.is_super_table():
        table[name] = item
    else:
        item.trivia.trail = newline
        table.value.body.insert(_place(table, name), (tomlkit.key(name), item))


def written(value: Any) -> str:
    """A value as it stands in a config file, on one line; characters that cannot be seen as their numbers."""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda one: f"\\U{ord(one[0]):08x}", tomlkit.item(value).as_string())
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{tomlkit.key(name).as_string()} = {written(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return str(tomlkit.item(value).as_string())


def _place(table: Table, name: str) -> int:
    at = 0
    for index, (key, item) in enumerate(table.value.body):
        if isinstance(item, Table | AoT):
            break
        if isinstance(item, Comment) and re.match(rf"\s*#\s*{re.escape(name)}\s*=", item.as_string()):
            return index + 1
        if key is not None:
            at = index + 1
    return at


def _lines(text: str) -> list[str]:
    """Lines as TOML has them: other characters that end lines elsewhere may stand in a text."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _lines_shown(text: str) -> list[str]:
    """The lines as they may be shown. Of a text that goes over several nothing is: it may be a secret, and none of its
    lines says so.
    """
    lines = _lines(text)
    whole = "\n".join(lines)
    found = [_shown(one) for one in lines]
    for part in _TEXT_OR_COMMENT.finditer(whole):
        first, last = (whole.count("\n", 0, at) for at in part.span())
        if first < last:
            found[first : last + 1] = [MASK] * (last + 1 - first)
    return found


def _shown(line: str) -> str:
    """A line of the file; of a secret only what may be shown, and of a table in braces with one nothing."""
    if "secret" not in line or line.lstrip().startswith("#"):
        return urls.shown(line)
    try:
        values = toml.parse(line)
    except toml.TomlError:
        return MASK
    source = values.get("secret")
    return f'secret = "{shown(source)}"' if isinstance(source, str) and len(values) == 1 else MASK
