"""What a pass writes while it works: its slice, intents before anything is sent, outcomes, and links that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action, Outcome, Problem
from engine.store import couplings, watermarks
from engine.store.couplings import Coupling
from engine.store.schema import intent, link, outcome, slice_
from engine.store.traces import Answered, Extra, Overwrite, keep, keep_extras, settle
from engine.store.upsert import insert, upsert


class Fenced(Exception):
    """Another engine has taken the slice; whatever this one did since is not its own any more."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One pass of one job of one run. A plan makes planned couplings only."""

    run: int
    seq: int
    mapping: str
    direction: Direction
    plan: bool

    @property
    def key(self) -> dict[str, Any]:
        """The primary key of the pass."""
        return {"run_id": self.run, "seq": self.seq, "direction": self.direction.value}

    @property
    def born(self) -> str:
        """The side on which the pass makes records, as couplings say it."""
        return "crm" if self.direction is Direction.TO_INTEGRATION_TABLE else "nav"


class Create(msgspec.Struct, frozen=True, array_like=True):
    """A record that is about to be created on the other side.

    `target_id` is None when the other side chooses it; then `marker` is the field of the new record that holds the
    source id, blank when there is none, and `name` what people call the source. A partner that is made again, because
    it was deleted, is of a higher generation than the coupling that there is. `base` are the values that are sent, as
    couplings remember them: whoever finds the record later can tell what others changed in it since. It was `read` when
    the page is committed that it is of; all other records are read anew by whoever goes on.
    """

    source_id: str
    number: str
    target_id: str | None
    generation: int = 0
    name: str = ""
    marker: str = ""
    base: bytes = b""
    read: bool = False

    @property
    def unknowable(self) -> bool:
        """Whether nothing can tell what became of it once its answer is lost."""
        return self.target_id is None and not self.marker


@dataclass(frozen=True, slots=True)
class Intent:
    """Creates that may have been sent; `sent_at` is by the clock of this machine."""

    id: int
    scope: Scope
    sent_at: datetime
    creates: tuple[Create, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A source record with a lookup that waits until its partner is coupled in another mapping; `field` is its name on
    the side that is written to.
    """

    mapping: str
    direction: Direction
    source_id: str
    partner_mapping: str
    field: str


def take_slice(connection: sa.Connection, scope: Scope) -> tuple[int, str | None, bool]:
    """Raise the epoch of the pass's slice and return it with the cursor and whether nothing is left to do."""
    key = (*of_pass(slice_, scope), slice_.c.no == 0)
    connection.execute(insert(connection, slice_).values(**scope.key, no=0).on_conflict_do_nothing())
    connection.execute(sa.update(slice_).where(*key).values(epoch=slice_.c.epoch + 1))
    row = connection.execute(sa.select(slice_.c.epoch, slice_.c.cursor, slice_.c.done).where(*key)).one()
    return row.epoch, row.cursor, row.done


def begin_slice(connection: sa.Connection, scope: Scope, source_at: datetime) -> None:
    """Note when the pass began by the clock of its source; a pass that is resumed began when it first did."""
    where = (*of_pass(slice_, scope), slice_.c.no == 0, slice_.c.source_at.is_(None))
    connection.execute(sa.update(slice_).where(*where).values(source_at=source_at))


def finish_slice(connection: sa.Connection, scope: Scope, epoch: int) -> None:
    """Nothing is left behind the cursor, so that the watermark moves to the newest change that was seen, at most to
    when the pass began; raises Fenced.
    """
    done = connection.execute(
        sa.update(slice_).where(*of_pass(slice_, scope), slice_.c.no == 0, slice_.c.epoch == epoch).values(done=True)
    )
    if done.rowcount != 1:
        raise Fenced
    query = sa.select(slice_.c.newest, slice_.c.source_at).where(*of_pass(slice_, scope), slice_.c.no == 0)
    row = connection.execute(query).one()
    if row.newest is not None and row.source_at is not None and not scope.plan:
        watermarks.advance(connection, scope.mapping, scope.direction, min(row.newest, row.source_at))


def intend(
    connection: sa.Connection,
    scope: Scope,
    creates: Sequence[Create],
    updates: Sequence[Overwrite],
    at: datetime,
    extras: Sequence[Extra] = (),
) -> int | None:
    """Record what is about to be sent: the ids of creates, also of rows that come with others, and the values that
    updates are going to overwrite.
    """
    if updates:
        keep(connection, {**scope.key, "mapping": scope.mapping}, updates, at)
    if extras:
        keep_extras(connection, scope.run, scope.mapping, extras, at)
    if not creates:
        return None
    values = {**scope.key, "mapping": scope.mapping, "sent_at": at, "creates": msgspec.msgpack.encode(creates)}
    done = connection.execute(sa.insert(intent).values(values))
    return int(done.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row has one


def open_intents(connection: sa.Connection) -> list[Intent]:
    """All intents whose outcome is not committed, of whatever run, oldest first."""
    query = sa.select(intent).order_by(intent.c.id)
    return [
        Intent(
            row.id,
            Scope(row.run_id, row.seq, row.mapping, Direction(row.direction), plan=False),
            row.sent_at,
            tuple(msgspec.msgpack.decode(row.creates, type=list[Create])),
        )
        for row in connection.execute(query)
    ]


def settle_intent(
    connection: sa.Connection, one: Intent, found: Sequence[Coupling], still_open: Sequence[Create], at: datetime
) -> None:
    """Couple what was found to exist, keep open what cannot be told yet, and forget what was never created."""
    restored = [pair for pair in found if pair.generation]
    couplings.replace(connection, one.scope.mapping, one.scope.direction, restored)
    couplings.save(connection, one.scope.mapping, found, run=one.scope.run, at=at, plan=False)
    if still_open:
        creates = msgspec.msgpack.encode(still_open)
        connection.execute(sa.update(intent).where(intent.c.id == one.id).values(creates=creates))
    else:
        connection.execute(sa.delete(intent).where(intent.c.id == one.id))


def save_outcomes(connection: sa.Connection, scope: Scope, outcomes: Sequence[Outcome], at: datetime) -> None:
    """A row for each record that failed, was skipped or carries a warning; the last word of a repeated page stands."""
    rows = []
    for one in outcomes:
        if one.problem is not None:
            rows.append(_outcome_row(scope, one, one.action.value, one.problem, at))
        if one.warnings:
            rows.append(_outcome_row(scope, one, "warning", _joined(one.warnings), at))
    upsert(connection, outcome, rows)


def ended_badly(connection: sa.Connection, scope: Scope, ids: Sequence[str]) -> set[str]:
    """Which of these source records failed or were skipped in a pass."""
    kinds = (Action.FAILED.value, Action.SKIPPED.value)
    query = sa.select(outcome.c.source_id).where(
        *of_pass(outcome, scope), outcome.c.source_id.in_(ids), outcome.c.kind.in_(kinds)
    )
    return set(connection.scalars(query))


def with_outcome(connection: sa.Connection, scope: Scope, ids: Sequence[str]) -> set[str]:
    """Which of these source records have an outcome row in a pass."""
    query = sa.select(outcome.c.source_id).where(*of_pass(outcome, scope), outcome.c.source_id.in_(ids))
    return {row.source_id for row in connection.execute(query)}


def links(connection: sa.Connection, partner_mapping: str, limit: int) -> list[Link]:
    """Lookups of one mapping and direction that wait for partners in a mapping, at most `limit`."""
    c = link.c
    query = sa.select(c.mapping, c.direction, c.source_id, c.partner_mapping, c.field)
    query = query.where(c.partner_mapping == partner_mapping)
    query = query.order_by(c.mapping, c.direction, c.source_id, c.field).limit(limit)
    found = [
        Link(row.mapping, Direction(row.direction), row.source_id, row.partner_mapping, row.field)
        for row in connection.execute(query)
    ]
    return [one for one in found if (one.mapping, one.direction) == (found[0].mapping, found[0].direction)]


def count_waiting(connection: sa.Connection, partner_mapping: str) -> int:
    """How many records have lookups that wait for partners in a mapping."""
    c = link.c
    waiting = sa.select(c.mapping, c.direction, c.source_id).where(c.partner_mapping == partner_mapping).distinct()
    return int(connection.scalar(sa.select(sa.func.count()).select_from(waiting.subquery())) or 0)


def commit_links(
    connection: sa.Connection,
    scope: Scope,
    done: Sequence[Link],
    outcomes: Sequence[Outcome],
    pairs: Sequence[Coupling],
    answered: Answered,
    at: datetime,
) -> None:
    """What a link pass did to some records: their counters stand already, so only warnings and new bases are added, and
    of rows, by entity, that it is known what came of what was sent to them. A record has one warning, which says all
    about its lookups.
    """
    settle(connection, scope.mapping, answered)
    couplings.save(connection, scope.mapping, pairs, run=scope.run, at=at, plan=False)
    told = {one.source_id: one.problem for one in outcomes if one.problem is not None}
    c = outcome.c
    before = sa.select(c.source_id, c.code, c.cause, c.message, c.hint).where(
        *of_pass(outcome, scope), c.kind == "link", c.source_id.in_(told)
    )
    for id, *words in connection.execute(before):
        told[id] = _joined([Problem(*words), told[id]])
    rows = [_outcome_row(scope, one, "link", told[one.source_id], at) for one in outcomes if one.source_id in told]
    upsert(connection, outcome, rows)
    for one in done:
        where = (
            link.c[name] == value
            for name, value in (
                ("mapping", one.mapping),
                ("direction", one.direction.value),
                ("source_id", one.source_id),
                ("partner_mapping", one.partner_mapping),
                ("field", one.field),
            )
        )
        connection.execute(sa.delete(link).where(*where))


def _joined(warnings: Sequence[Problem]) -> Problem:
    first = warnings[0]
    return Problem(first.code, first.cause, " ".join(one.message for one in warnings), first.hint)


def _outcome_row(scope: Scope, one: Outcome, kind: str, problem: Problem, at: datetime) -> dict[str, Any]:
    return {
        **scope.key,
        "source_id": one.source_id,
        "kind": kind,
        "mapping": scope.mapping,
        "code": problem.code,
        "cause": problem.cause,
        "message": problem.message,
        "hint": problem.hint,
        "nav_no": one.nav_no,
        "name": one.name,
        "nav_id": one.nav_id,
        "crm_id": one.crm_id,
        "at": at,
    }


def of_pass(table: sa.Table, scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    """Which rows of a table are of a pass."""
    return tuple(table.c[name] == value for name, value in scope.key.items())
