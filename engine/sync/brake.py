"""Stops a run before it writes when too many couplings have lost a record: one side was restored from a backup, or it
is not the one that was synchronized before (reference/reliability.md section 4, F27).
"""

from engine.model.errors import Brake
from engine.model.mapping import TableMapping
from engine.model.trouble import Trouble

MOST = 50
"""Couplings of a mapping that may have lost a record, however many there are."""
SHARE = 0.05
"""The part of the couplings of a mapping that may have."""
FEW = 10
"""Losses that are daily work whatever part they are: with three currencies, one that was deleted is no backup."""
DELETED = "deleted"
"""The code of the problem of a record whose partner is gone and whose mapping has no policy for that."""


def too_many(lost: int, total: int) -> bool:
    """Whether so many of the couplings of a mapping cannot have lost a record by daily work."""
    return lost > MOST or (lost >= FEW and lost > SHARE * total)


def told(trouble: Trouble | None) -> bool:
    """Whether an earlier run has told already that the partner of a record is gone: it is no new loss."""
    return trouble is not None and trouble.code == DELETED


class Losses:
    """Counts what a pass meets that has lost its partner, and stops it before it does anything about one too many."""

    def __init__(self, mapping: TableMapping) -> None:
        self._mapping = mapping
        self._met: set[str] = set()

    def meet(self, id: str, trouble: Trouble | None) -> None:
        """Note a record whose partner is gone, with the trouble it had before; raises Brake."""
        if not told(trouble):
            self._met.add(id)
        if len(self._met) > MOST:
            done = f"at most {MOST} were treated as deleted"
            raise mass_loss(self._mapping, f"more than {MOST} couplings have lost a record", done)


def mass_loss(mapping: TableMapping, what: str, done: str = "nothing was written") -> Brake:
    """The reason to stop."""
    return Brake(
        f"{mapping.name}: {what}. One side looks like another or an older one; {done}.",
        f"Was {mapping.nav.caption} or {mapping.crm.caption} restored from a backup, or the connection changed? "
        f"If the records were deleted on purpose, `coupler broken --mapping {mapping.name}` with --remove or "
        "--restore, then go on.",
    )
