"""The names of keys in [keys] of config.toml: letters and digits stand for themselves, all else has the name by which
screens hear of it; a sign may be written as it is, too.
"""

import unicodedata

from engine.config.check import nearest

_MODIFIERS = ("alt", "ctrl", "shift")
_NAMED = (
    *("enter", "escape", "tab", "space", "backspace", "insert", "delete"),
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *(f"f{number}" for number in range(1, 25)),
)
_OTHERWISE = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""What is not called as Unicode calls it."""
_SAME = {
    "ctrl+h": "backspace",
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+left_square_bracket": "escape",
}
"""Keys that most terminals cannot tell from others."""


def _name(sign: str) -> str:
    name = unicodedata.name(sign).lower().replace("-", "_").replace(" ", "_")
    return _OTHERWISE.get(name, name)


SIGNS = {
    sign: _name(sign) for sign in (*map(chr, range(0x21, 0x100)), "€") if sign.isprintable() and not sign.isalnum()
}
"""The names of the signs that keyboards have."""


def key_name(text: str) -> str | None:
    """The one name of a key that may be written in several ways; None when there is no such key."""
    modifiers, key = _parts(text)
    name = "+".join((*sorted(modifiers), key))
    if len(set(modifiers)) < len(modifiers) or not set(modifiers) <= {*_MODIFIERS} or name in _SAME:
        return None
    if key in _NAMED:
        return name
    # Shift makes another letter or sign, and with ctrl or alt there are no capital ones.
    is_character = key in SIGNS.values() or (len(key) == 1 and key.isalnum())
    return name if is_character and modifiers != ["shift"] and (not modifiers or key == key.lower()) else None


def nearest_key(text: str) -> str | None:
    """The key that was probably meant by what is none."""
    modifiers, key = _parts(text)
    if not modifiers and len(key) == 2 and key.startswith("^"):
        modifiers, key = ["ctrl"], key[1]
    near = [nearest(one, _MODIFIERS) for one in modifiers]
    known = len(key) == 1 or key in SIGNS.values()
    found = key.lower() if known else nearest(key, _NAMED) or nearest(key, SIGNS.values())
    if found is None or None in near:
        return None
    name = "+".join((*(one for one in near if one), found))
    by_itself = found.upper() if len(found) == 1 else found
    return _SAME.get(name) or key_name(name) or (key_name(by_itself) if near == ["shift"] else None)


def _parts(text: str) -> tuple[list[str], str]:
    """What is held down, and the key; a plus at the end is a key."""
    before, plus, begin = text[:-1].rpartition("+")
    key = begin + text[-1:]
    return before.split("+") if plus else [], SIGNS.get(key, key)
