"""The data of one organization: its tables, its clock, its journal and who calls."""

import uuid
from dataclasses import dataclass
from itertools import count

from sandbox.audit import Audit
from sandbox.clock import Clock, whole_seconds
from sandbox.crm.entities import Entity
from sandbox.crm.schema import ENTITIES
from sandbox.journal import Journal
from sandbox.odata.edm import Dialect, Row
from sandbox.tables import Table


@dataclass(frozen=True, slots=True)
class AlternateKey:
    """Columns, named as rows name them, that no two rows of a table may share. `active`: its index could be built."""

    id: str
    name: str
    columns: tuple[str, ...]
    active: bool = True


class Store:
    """Tables by set name. Ids of the organization's own rows follow from its name, so that starts are alike."""

    def __init__(self, organization: str, clock: Clock, audit: Audit) -> None:
        self._clock = clock
        self.audit = audit
        self.journal = Journal()
        self.organization_id = self._own_id(organization, "organization")
        self.business_unit_id = self._own_id(organization, "businessunit")
        self.user_id = self._own_id(organization, "integration user")
        self.base_currency_id = self._own_id(organization, "base currency")
        versions = count(1_000_001)
        self.tables: dict[str, Table] = {
            entity.set: Table(
                entity.set,
                entity.columns,
                entity.key,
                Dialect.CRM,
                type_name=entity.type_name,
                journal=self.journal,
                counter=versions,
            )
            for entity in ENTITIES.values()
        }
        self.keys: dict[str, list[AlternateKey]] = {set: [] for set in ENTITIES}
        self.removed: dict[str, dict[str, int]] = {set: {} for set in ENTITIES}
        """By set, the ids of deleted rows with the version number of their deletion."""

    def now(self) -> str:
        """The server's time as columns hold it."""
        return whole_seconds(self._clock())

    def get(self, set: str, id: str) -> Row | None:
        """A row by id, or None."""
        table = self.tables.get(set)
        return table.rows.get(id) if table is not None else None

    def target_of(self, targets: tuple[str, ...], id: str) -> Entity | None:
        """Which of a lookup's sets holds the row it names."""
        return next((ENTITIES[target] for target in targets if id in self.tables[target].rows), None)

    @staticmethod
    def _own_id(organization: str, what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"crm:{organization}:{what}"))
