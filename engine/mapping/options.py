"""Options: which NAV codes and which values of a CRM choice mean the same (reference/domain.md section 1.8)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.mapping.transfer import FROM
from engine.model.mapping import Direction, FieldKind, FieldMapping

CODE_LENGTH = 10
"""Characters of a label that make a NAV code."""


def option_partners(
    field: FieldMapping, one_way: Direction, labels: Mapping[int, str], pairs: Sequence[tuple[str, int]]
) -> dict[str, str]:
    """What a code or name, casefolded, or the text of a value is on the other side, for `transfer.Partners`.

    The codes of a choice are the labels in CRM, cut and upper-case, those of an option the labels as they are. Labels
    that would give the same code give none. `pairs` come before the labels.
    """
    choice = field.kind is FieldKind.CHOICE
    names = {value: _code(label) if choice else label.strip() for value, label in labels.items()}
    number = Counter(name.casefold() for name in names.values())
    clear = [(name, value) for value, name in names.items() if name and number[name.casefold()] == 1]
    pairs = [(_whole_code(name) if choice else name, value) for name, value in pairs]
    if one_way is FROM:
        return {str(value): name for name, value in (*clear, *reversed(pairs))}
    return {name.casefold(): str(value) for name, value in (*clear, *pairs)}


def _code(label: str) -> str:
    return _whole_code(label.strip()[:CODE_LENGTH])


def _whole_code(text: str) -> str:
    return text.strip().upper()
