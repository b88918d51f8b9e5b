"""What waits for operators: conflicts to choose for, and records that are left alone after they failed twice."""

from collections.abc import Mapping

from engine.model.conflict import Choice, Conflict
from engine.model.errors import RunError
from engine.model.trouble import Trouble
from engine.store import conflicts as stored_conflicts
from engine.store import troubles
from engine.store.database import Store


def conflicts(store: Store, mapping: str | None = None) -> list[Conflict]:
    """The conflicts that wait, in the order of mapping and NAV number."""
    with store.reading() as connection:
        return stored_conflicts.listing(connection, mapping)


def conflict(store: Store, mapping: str, nav_no: str) -> Conflict:
    """The conflict of a record; raises RunError when it has none, or several records have that number."""
    found = [one for one in conflicts(store, mapping) if one.nav_no.casefold() == nav_no.strip().casefold()]
    if len(found) != 1:
        what = f"{len(found)} conflicts have" if found else "No conflict of this mapping has"
        raise RunError(f"{what} the NAV number {nav_no}.", "`coupler conflicts` lists them.")
    return found[0]


def choose(store: Store, one: Conflict, choices: Mapping[str, Choice]) -> None:
    """Store which side's value fields get, by `Clash.key`; the next pass applies it. Raises RunError when the
    conflict is not any more what the operator saw.
    """
    with store.writing() as connection:
        if not stored_conflicts.choose(connection, one, choices):
            raise RunError(
                f"The conflict of {one.mapping} {one.nav_no} has changed meanwhile; nothing was chosen.",
                "Look at it again.",
            )


def ledger(store: Store, *, skipped: bool = True) -> list[Trouble]:
    """The records that are left alone until someone asks to retry them; or all that failed the last time."""
    with store.reading() as connection:
        return troubles.listing(connection, skipped=skipped)


def retry(store: Store, mapping: str | None = None, nav_no: str | None = None) -> int:
    """Let records that are left alone take part in the next pass; how many these were."""
    with store.writing() as connection:
        return troubles.retry(connection, mapping, nav_no)
