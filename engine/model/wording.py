"""What a service calls NAV's tables and fields, where it has names of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TableWords:
    """A table by the name of its page: the sets that may have it, and its fields by their names on the page.

    Several names stand in the order in which they are looked for: newer releases of a service have more. `local` are
    fields in which the service names the local currency where NAV leaves them blank, `rates` those that it keeps in a
    table of exchange rates.
    """

    sets: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    local: frozenset[str] = field(default_factory=frozenset)
    rates: frozenset[str] = field(default_factory=frozenset)

    def has(self, name: str) -> bool:
        """Whether the service has the field, perhaps in its newer releases only."""
        return name in self.fields or name in self.rates


Wording = Mapping[str, TableWords]
"""By the names of pages."""
