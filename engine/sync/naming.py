"""What the values of choices and options in CRM are called, for people: `Customer (3)` says more than 3."""

from collections.abc import Iterable, Mapping, Sequence

from engine.connectors.protocol import Side
from engine.model.conflict import Shown
from engine.model.mapping import FieldKind, TableMapping
from engine.sync.context import Context
from engine.sync.dry import DrySide

Names = Mapping[str, Mapping[int, str]]
"""By CRM column, what its values are called."""


class Labelled(DrySide):
    """CRM for somebody who looks: the labels of all choices of a table come with the first that are asked for, so that
    calling values by their names asks for nothing besides.
    """

    def __init__(self, side: Side, mappings: Iterable[TableMapping]) -> None:
        super().__init__(side)
        self._columns: dict[str, list[str]] = {}
        for one in mappings:
            self._columns.setdefault(one.crm.entity, []).extend(_columns(one))
        self._known: dict[str, dict[str, dict[int, str]]] = {}

    async def labels(self, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
        """The real labels, read once."""
        if entity not in self._known:
            every = tuple(dict.fromkeys((*columns, *self._columns.get(entity, ()))))
            self._known[entity] = await super().labels(entity, every)
        found = self._known[entity]
        return {column: found[column] for column in columns if column in found}

    def at_hand(self, entity: str) -> Names:
        """The labels of a table that were read already."""
        return self._known.get(entity, {})


def names(context: Context, mapping: TableMapping) -> Names:
    """What values of a mapping are called: by the labels that were read, else by the codes of the mapping itself."""
    read: Names = context.crm.at_hand(mapping.crm.entity) if isinstance(context.crm, Labelled) else {}
    return {column: {**own, **read.get(column, {})} for column, own in own_names(mapping).items()}


def own_names(mapping: TableMapping) -> Names:
    """The codes that config.toml gives for values, by CRM column; the first one where several have the same."""
    pairs = {one.name: one.pairs for one in mapping.options}
    found: dict[str, dict[int, str]] = {column: {} for column in _columns(mapping)}
    for field in mapping.fields:
        if field.crm in found:
            found[field.crm] |= {value: code for code, value in reversed(pairs.get(field.options, ()))}
    return found


def name_of(value: Shown, names: Mapping[int, str]) -> str:
    """What a value is called; blank where it has no name, or is none of a few."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    try:
        return names.get(int(value), "").strip()
    except ValueError:
        return ""


def called(value: Shown, names: Mapping[int, str]) -> Shown:
    """A value with its name where it has one: `Customer (3)`."""
    name = name_of(value, names)
    return f"{name} ({value})" if name else value


def _columns(mapping: TableMapping) -> list[str]:
    kinds = (FieldKind.OPTION, FieldKind.CHOICE)
    return [one.crm for one in mapping.fields if one.crm and one.kind in kinds]
