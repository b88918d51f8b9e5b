"""What waits for operators: conflicts to choose for, and records that are left alone after they failed twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from engine.model.conflict import Choice, Clash, Conflict, ConflictPage
from engine.model.decision import Decision, Deed
from engine.model.errors import RunError
from engine.model.mapping import Direction, FieldKind, TableMapping
from engine.model.snapshot import Cause, RecordOutcome
from engine.model.trouble import LeftAlone, Trouble
from engine.runs.control import who
from engine.runs.leads import id_of
from engine.store import conflicts as stored_conflicts
from engine.store import decisions, troubles
from engine.store.couplings import Couplings
from engine.store.database import Store
from engine.sync.context import Clock, system_clock
from engine.sync.naming import called, own_names


def conflicts(store: Store, mapping: str | None = None) -> list[Conflict]:
    """The conflicts that wait, in the order of mapping and NAV number."""
    with store.reading() as connection:
        return stored_conflicts.listing(connection, mapping)


def conflict_page(store: Store, limit: int, offset: int, words: Sequence[str] = ()) -> ConflictPage:
    """Some of all conflicts that wait in the same order, or of those of records that are called so."""
    with store.reading() as connection:
        return stored_conflicts.page(connection, limit, offset, words)


def with_names(store: Store, found: Sequence[Conflict], mappings: Sequence[TableMapping]) -> list[Conflict]:
    """Conflicts with what CRM's values are called, by the mappings and the couplings; no server is asked."""
    known = {one.name: own_names(one) for one in mappings}
    lookups = {
        (one.name, f"{field.nav}={field.crm}"): field.lookup
        for one in mappings
        for field in one.fields
        if field.kind is FieldKind.LOOKUP and field.lookup
    }
    wanted: dict[str, set[str]] = {}
    for one in found:
        for clash in one.fields:
            if (lookup := lookups.get((one.mapping, clash.key))) and (id := id_of(clash.crm_value)):
                wanted.setdefault(lookup, set()).add(id)
    numbers: dict[str, str] = {}
    couplings = Couplings(mappings=mappings)
    with store.reading() as connection:
        for lookup, ids in wanted.items():
            numbers |= couplings.partners(connection, lookup, Direction.FROM_INTEGRATION_TABLE, sorted(ids))

    def named(one: Conflict, clash: Clash) -> Clash:
        if (one.mapping, clash.key) in lookups:
            return replace(clash, crm_name=numbers.get(id_of(clash.crm_value), ""))
        own = known.get(one.mapping, {}).get(clash.crm, {})
        told = called(clash.crm_value, own)
        return clash if told == clash.crm_value else replace(clash, crm_name=str(told))

    return [replace(one, fields=tuple(named(one, clash) for clash in one.fields)) for one in found]


def conflict(store: Store, mapping: str, nav_no: str) -> Conflict:
    """The conflict of a record; raises RunError when it has none, or several records have that number."""
    found = [one for one in conflicts(store, mapping) if one.nav_no.casefold() == nav_no.strip().casefold()]
    if len(found) != 1:
        what = f"{len(found)} conflicts have" if found else "No conflict of this mapping has"
        raise RunError(f"{what} the NAV number {nav_no}.", "`coupler conflicts` lists them.")
    return found[0]


def choose(
    store: Store,
    one: Conflict,
    choices: Mapping[str, Choice],
    *,
    by: str | None = None,
    clock: Clock = system_clock,
) -> None:
    """Store which side's value fields get, by `Clash.key`; the next pass applies it. Raises RunError when the
    conflict is not any more what the operator saw.

    It is noted with the run that last met the conflict; `by` is who chose, else the user of this process.
    """
    with store.writing() as connection:
        if not stored_conflicts.choose(connection, one, choices):
            raise RunError(
                f"The conflict of {one.mapping} {one.nav_no} has changed meanwhile; nothing was chosen.",
                "Look at it again.",
            )
        text = "; ".join(_chosen(clash, choices[clash.key]) for clash in one.fields if clash.key in choices)
        found = Decision(clock(), by or who(), Deed.CHOOSE, one.mapping, one.nav_no, text)
        decisions.note(connection, one.run, found)


def ledger(store: Store, *, skipped: bool = True) -> list[Trouble]:
    """The records that are left alone until someone asks to retry them; or all that failed the last time."""
    with store.reading() as connection:
        return troubles.listing(connection, skipped=skipped)


def failing(store: Store) -> int:
    """How many records failed the last time, one that did so in both directions for each."""
    with store.reading() as connection:
        return sum(troubles.numbers(connection).values())


def left_alone(store: Store, limit: int, offset: int) -> LeftAlone:
    """Some of the records that are left alone, by mapping and NAV number, and how many there are."""
    with store.reading() as connection:
        return troubles.page(connection, limit, offset)


def retry_one(store: Store, one: Trouble, *, by: str | None = None, clock: Clock = system_clock) -> int:
    """Let a record take part in the next pass, in both directions, if it is still left alone: 1, else 0. It is noted
    with the run in which it failed; `by` as for `choose`.
    """
    with store.writing() as connection:
        found = troubles.of(connection, one.mapping, one.direction, [one.source_id]).get(one.source_id)
        if found is None or not found.skipped:
            return 0
        troubles.try_again(connection, [found])
        decisions.note(connection, found.run, Decision(clock(), by or who(), Deed.RETRY, one.mapping, one.nav_no))
        return 1


def retry(
    store: Store,
    mapping: str | None = None,
    nav_no: str | None = None,
    *,
    by: str | None = None,
    clock: Clock = system_clock,
) -> int:
    """Let records that are left alone take part in the next pass; how many these were. It is noted with the runs in
    which they failed; `by` as for `choose`.
    """
    with store.writing() as connection:
        found = troubles.retry(connection, mapping, nav_no)
        for (run, name), number in Counter((one.run, one.mapping) for one in found).items():
            record, text = (found[0].nav_no, "") if nav_no else ("", _records(number))
            decisions.note(connection, run, Decision(clock(), by or who(), Deed.RETRY, name, record, text))
        return len(found)


def retry_cause(
    store: Store,
    cause: Cause,
    record: RecordOutcome | None = None,
    *,
    by: str | None = None,
    clock: Clock = system_clock,
) -> int:
    """Let the records of a cause, or the one that is meant, take part in the next pass if they are left alone; how many
    these were. What failed and is not left alone is tried anyway. It is noted with the run; `by` as for `choose`.
    """
    with store.writing() as connection:
        found = [one for one in _behind(connection, cause, record) if one.skipped]
        troubles.try_again(connection, found)
        _note(connection, cause, record, len(found), Decision(clock(), by or who(), Deed.RETRY, cause.mapping))
        return len(found)


def skip_cause(
    store: Store,
    cause: Cause,
    record: RecordOutcome | None = None,
    *,
    by: str | None = None,
    clock: Clock = system_clock,
) -> int:
    """Leave the coupled records of a cause, or the one that is meant, alone until somebody asks to retry them; how many
    these were that were not left alone before. What fails in another way by now stays, as nobody was shown that. It is
    noted with the run; `by` as for `choose`.
    """
    with store.writing() as connection:
        found = [one for one in _behind(connection, cause, record) if one.code == cause.code]
        number = troubles.leave_alone(connection, found)
        _note(connection, cause, record, number, Decision(clock(), by or who(), Deed.SKIP, cause.mapping))
        return number


def _note(
    connection: sa.Connection, cause: Cause, record: RecordOutcome | None, number: int, decision: Decision
) -> None:
    """Keep a decision about records of a cause, unless it changed nothing."""
    if not number:
        return
    if record is not None:
        said = replace(decision, nav_no=record.nav_no, text=cause.cause)
    else:
        said = replace(decision, text=f"{_records(number)}: {cause.cause}")
    decisions.note(connection, cause.run, said)


def _records(number: int) -> str:
    return f"{number} {'record' if number == 1 else 'records'}"


def _behind(connection: sa.Connection, cause: Cause, record: RecordOutcome | None) -> list[Trouble]:
    source = None
    if record is not None:
        source = record.nav_id if record.direction is Direction.TO_INTEGRATION_TABLE else record.crm_id
        if source is None:
            return []
    return troubles.behind(connection, cause.run, cause.mapping, cause.cause, cause.code, source)


def _chosen(clash: Clash, choice: Choice) -> str:
    """`City=nav: Bonn, not Berlin`."""
    values = (clash.nav_value, clash.crm_value) if choice is Choice.NAV else (clash.crm_value, clash.nav_value)
    kept, dropped = ("nothing" if value is None or value == "" else str(value) for value in values)
    return f"{clash.nav}={choice}: {kept}, not {dropped}"
