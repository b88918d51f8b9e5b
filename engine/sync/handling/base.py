"""What a mapping's special handling may do; a mapping without one gets this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.connectors.protocol import Row
from engine.mapping.transfer import TO
from engine.mapping.values import Value
from engine.model.mapping import TableMapping
from engine.model.outcome import Problem
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.item import Item


@dataclass(frozen=True, slots=True)
class Prepared:
    """By source id: values of derived fields, why a record cannot be written, records that do not take part, and those
    whose partner is coupled but never written.

    `needs` has records of other mappings, by mapping, that are to be synchronized on the spot: when they have been,
    the page is prepared once more.
    """

    derived: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    as_is: frozenset[str] = frozenset()
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)


_USERS = "systemusers"
_NO_NEW_USERS = Problem(
    "user_not_created",
    "no CRM user matches, and users are never created",
    "No user in CRM matches the record, and a user is never created from NAV: it needs an account and a licence.",
    "Have the user added in CRM, or couple an existing one by hand, and run again.",
)


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
        """Complete records that are going to be created. Users are never created in CRM, whatever the mapping."""
        if self.scope.direction is TO and self.mapping.crm.entity == _USERS:
            for item in items:
                item.target_id = None
                item.fail(_NO_NEW_USERS, one_way=TO)

    async def complete(self, items: Sequence[Item]) -> None:
        """Do what follows once the records themselves are right; sets `written` where it wrote, an outcome where it
        failed.
        """
