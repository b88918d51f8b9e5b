"""SALEPEOPLE: NAV codes for users that no salesperson matches (reference/domain.md section 1.2)."""

import re
from collections.abc import Sequence

from engine.connectors.protocol import Query
from engine.sync.handling.base import Handling
from engine.sync.item import Item

_CODE = re.compile(r"SP NO\. 0\d+")


class SalespersonHandling(Handling):
    """New codes count on from the last one of the form `SP NO. 0...`."""

    async def before_create(self, items: Sequence[Item]) -> None:
        """Give each new salesperson the next free code."""
        if not items:
            return
        table = self.mapping.nav
        codes = [
            str(row[table.number])
            async for rows in self.context.nav.pages(Query(table.entity, table.key, (table.number,)))
            for row in rows
        ]
        last = max((code for code in codes if _CODE.fullmatch(code)), default="SP NO. 00000")
        for item in items:
            number = f"{int(last.rpartition(' ')[2]) + 1:05d}"
            last = f"SP NO. {number}"
            item.extra = {table.number: last}
