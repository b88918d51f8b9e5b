"""Records that several others match: which there are, and one of them beside these."""

from collections.abc import Iterator
from pathlib import Path

import click

from engine.model.errors import RunError
from engine.model.mapping import Direction
from engine.model.matches import Ambiguous, Candidate, Review
from engine.runs import reviews
from engine.store.database import Store
from tui.commands import records
from tui.commands.common import config_option, json_option, opened, out
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.look import Look
from tui.text import LONG, safe
from tui.widgets import rivals
from tui.widgets.clashes import value

_PAGE = 500


@click.command("matches")
@click.argument("named", metavar="[NO|ID]", required=False)
@json_option
@config_option
def matches_command(*, named: str | None, as_json: bool, config_file: Path | None) -> int:
    """List the uncoupled records that several others match, as the last run or plan met them.

    With the number or the id of one, it is laid beside those that match it, as both sides have them now, and the
    command that couples it with each is told.
    """
    with opened(config_file) as (settings, store):
        found = [one for one in _every(store) if named is None or _is(one, named)]
        if named is not None and not found:
            raise RunError(
                f"Not several records match {safe(named, 60)}.", "`coupler matches` lists those that have several."
            )
        for one in found:
            review = None if named is None else reviews.candidates(store, settings, one)
            if as_json:
                out(records.line({**records.ambiguous(one), **({} if review is None else records.review(review))}))
            else:
                out(f"{safe(one.mapping)} in {rivals.home_of(one.direction)}: {_who(one)}: {safe(one.message, LONG)}")
                for line in () if review is None else _beside(one, review):
                    out(line)
        if not found:
            say("coupler: no record waits for a choice among several.")
        elif named is None and not as_json:
            say("coupler: one beside those that match it: coupler matches NO, its number or its id")
        return ExitCode.OK


def _every(store: Store) -> Iterator[Ambiguous]:
    """All of them, read in pages."""
    offset = 0
    while found := reviews.page(store, limit=_PAGE, offset=offset).records:
        yield from found
        offset += len(found)


def _is(one: Ambiguous, named: str) -> bool:
    return named.casefold() in (one.nav_no.casefold(), one.source_id)


def _who(one: Ambiguous) -> str:
    return "  ".join(safe(part) for part in (one.nav_no or one.source_id, one.name) if part)


def _beside(record: Ambiguous, found: Review) -> Iterator[str]:
    """What to know before choosing, then each candidate with its fields and the command that takes it."""
    if found.message:
        yield f"! {safe(found.message, LONG)}"
        return
    yield from (safe(one, LONG) for one in rivals.said(found, record, Look()))
    for at, one in enumerate(found.candidates, 1):
        called = "  ".join(safe(part) for part in (one.number, one.name, one.id) if part)
        yield f"Candidate {at}: {called}: {one.same} of {len(one.values)} fields are the same"
        for field, theirs, same in zip(found.fields, one.values, one.agrees, strict=True):
            names = f"{safe(field.nav)} = {safe(field.crm)}"
            ours = safe(value(field.value), LONG)
            if same:
                yield f"  = {names}: {ours}"
            else:
                yield f"  ! {names}: the record has {ours}; the candidate has {safe(value(theirs), LONG)}"
        yield f"  To couple: {_command(record, one)}"


def _command(record: Ambiguous, one: Candidate) -> str:
    """By number where a shell takes that as it is."""
    if record.direction is Direction.TO_INTEGRATION_TABLE:
        nav, crm = record.nav_no if record.nav_no.isalnum() else record.source_id, one.id
    else:
        nav, crm = one.number if one.number.isalnum() else one.id, record.source_id
    return f"coupler couple {safe(record.mapping)} --nav {safe(nav)} --crm {crm}"
