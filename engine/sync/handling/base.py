"""What a mapping's special handling may do; a mapping without one gets this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.connectors.protocol import Row
from engine.mapping.values import Value
from engine.model.mapping import TableMapping
from engine.model.outcome import Problem
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.item import Item


@dataclass(frozen=True, slots=True)
class Prepared:
    """By source id: values of derived fields, why a record cannot be written, and records that do not take part."""

    derived: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


class Handling:
    """The special treatment of one mapping in one pass (reference/domain.md sections 1.1 to 1.7)."""

    def __init__(self, context: Context, scope: Scope, mapping: TableMapping) -> None:
        self.context = context
        self.scope = scope
        self.mapping = mapping

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """What the records of a page, by id, need beyond their field mappings."""
        del rows
        return Prepared()

    async def before_create(self, items: Sequence[Item]) -> None:
        """Complete records that are going to be created."""

    async def complete(self, items: Sequence[Item]) -> None:
        """Do what follows once the records themselves are right; sets `written` where it wrote, an outcome where it
        failed.
        """
