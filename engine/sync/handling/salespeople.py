"""SALEPEOPLE: NAV codes for users that no salesperson matches (reference/domain.md section 1.2)."""

import re
from collections.abc import Sequence

from engine.connectors.protocol import Query
from engine.mapping.transfer import TO
from engine.sync.handling.base import Handling
from engine.sync.item import Item

_CODE = re.compile(r"SP NO\. ([0-9]+)")


class SalespersonHandling(Handling):
    """New codes count on from the highest one of the form `SP NO. 00001`."""

    async def before_create(self, items: Sequence[Item]) -> None:
        """Give each new salesperson the next free code."""
        await super().before_create(items)
        if not items or self.scope.direction is TO:
            return
        table = self.mapping.nav
        codes = [
            str(row[table.number])
            async for rows in self.context.nav.pages(Query(table.entity, table.key, (table.number,)))
            for row in rows
        ]
        last = max((int(found[1]) for code in codes if (found := _CODE.fullmatch(code))), default=0)
        for number, item in enumerate(items, last + 1):
            item.extra = {table.number: f"SP NO. {number:05d}"}
