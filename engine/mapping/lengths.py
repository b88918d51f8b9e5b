"""Lengths as both products count them: UTF-16 code units, of which a character beyond U+FFFF has two."""

_ONE_UNIT = "\uffff"


def units(text: str) -> int:
    """How long a text is for NAV and for CRM."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def longer(text: str, limit: int) -> bool:
    """Whether a text has more units than that."""
    return 2 * len(text) > limit and units(text) > limit


def cut(text: str, limit: int) -> str:
    """The longest beginning of at most `limit` units, without spaces at its end; a character is never split."""
    size = 0
    for at, one in enumerate(text):
        size += 2 if one > _ONE_UNIT else 1
        if size > limit:
            return text[:at].rstrip()
    return text.rstrip()
