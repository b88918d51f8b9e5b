"""Back to the default mappings: config.toml without its [mapping] tables, everything else as it was written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Item, Table

from engine.config import toml
from engine.config.replacing import beside
from engine.model.errors import ConfigError

_MAPPING = "mapping"
_BOM = "\ufeff"
_Body = list[tuple[Any, Item]]


@contextmanager
def without_mappings(path: Path, name: str | None = None) -> Iterator[Path | None]:
    """A new file beside a config file that has its mappings, or one of them, as they are by default; None when they
    are so already. Unless something is raised meanwhile, it takes the place of the old one at the end.

    Raises ConfigError when the file cannot be read, changed or written, or was changed by somebody else meanwhile.
    """
    path = path.resolve()
    try:
        written = path.read_bytes()
        text = written.decode("utf-8")
        changed = removed(text, name)
        if changed == text:
            yield None
            return
        with beside(path, changed.encode(), mode=path.stat().st_mode & 0o777) as made:
            yield made
            if path.read_bytes() != written:
                raise ConfigError(f"{path} was changed meanwhile, and stays as it is now.", "Give the command again.")
            made.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be changed: {error.strerror or error}.", "Edit it by hand.") from error
    except (UnicodeDecodeError, TOMLKitError, toml.TomlError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend it first.") from error


def removed(text: str, name: str | None = None) -> str:
    """The text without its [mapping] tables, or without one of them; comments that do not stand in them stay.

    Raises ConfigError when that cannot be done without changing anything else.
    """
    mark = _BOM if text.startswith(_BOM) else ""
    plain = text.removeprefix(_BOM)
    wanted = toml.parse(plain.replace("\r\n", "\n"))
    own = wanted.get(_MAPPING)
    if own is None or (name is not None and (not isinstance(own, dict) or name not in own)):
        return text
    document = tomlkit.parse(plain)
    _drop(document.body, _MAPPING if name is None else (_MAPPING, name))
    changed = document.as_string()
    if name is None or own.keys() == {name}:
        del wanted[_MAPPING]
    else:
        del own[name]
    found = toml.parse(changed.replace("\r\n", "\n"))
    if found.get(_MAPPING) == {}:
        del found[_MAPPING]
    if found != wanted:
        raise ConfigError(
            "The mappings cannot be taken out of config.toml without changing something else.",
            "Remove the [mapping] tables by hand.",
        )
    return mark + changed


def _drop(body: _Body, name: str | tuple[str, str]) -> None:
    """Take the items of a name out of a body, which may have several; comments behind them stay."""
    first, rest = (name, "") if isinstance(name, str) else name
    at = 0
    while at < len(body):
        key, item = body[at]
        if key is None or key.key != first:
            at += 1
            continue
        if not rest:
            kept = _trailing(item)
            following = body[at + 1][1] if at + 1 < len(body) else None
            body[at : at + 1] = [] if _moved(kept, following) else kept
            continue
        if isinstance(item, InlineTable):
            item.pop(rest, None)
        elif isinstance(item, Table):
            _drop(item.value.body, rest)
            if not any(inner is not None for inner, _ in item.value.body):
                kept = list(item.value.body)
                body[at : at + 1] = kept
                at += len(kept)
                continue
        at += 1


def _moved(kept: _Body, following: Item | None) -> bool:
    """Put comments before the header of the table that follows; on their own they would give its parent a header."""
    if isinstance(following, AoT) and following.body:
        following = following.body[0]
    if not isinstance(following, Table):
        return False
    following.trivia.indent = "".join(item.as_string() for _, item in kept) + following.trivia.indent
    return True


def _trailing(item: Item) -> _Body:
    """The comments and blank lines at the end of a table: they belong to what comes next."""
    if isinstance(item, AoT):
        return _trailing(item.body[-1]) if item.body else []
    if not isinstance(item, Table):
        return []
    found: _Body = []
    for key, inner in reversed(item.value.body):
        if key is not None:
            return [*_trailing(inner), *found]
        found.insert(0, (key, inner))
    return found
