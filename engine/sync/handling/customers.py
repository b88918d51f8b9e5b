"""CUSTOMER: an account that is not active blocks its customer (reference/domain.md section 1.4)."""

from collections.abc import Mapping

from engine.connectors.protocol import Row
from engine.mapping.transfer import TO
from engine.sync.handling.base import Handling, Prepared

_ACTIVE = 0


class CustomerHandling(Handling):
    """A customer is blocked for all when its account was deactivated, unless it is blocked in some way already, and
    never unblocked. NAV itself has the company contact follow what changes in a customer.
    """

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """From CRM: which customers are to be blocked."""
        if self.scope.direction is TO:
            return Prepared()
        inactive = [id for id, row in rows.items() if row.get("statecode") not in (None, _ACTIVE)]
        return Prepared({id: {"Blocked": "All"} for id in inactive})
