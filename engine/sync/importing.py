"""Couplings from a file: everything is checked against both sides and the store before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from engine.connectors.protocol import Row
from engine.mapping.transfer import TO
from engine.model.lines import CouplingLine
from engine.model.mapping import Condition, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store.chunks import chunks
from engine.store.couplings import Coupling
from engine.store.pages import PageResult
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.coupling import commit, hindered


@dataclass(frozen=True, slots=True)
class _Good:
    """A line that can be stored, or is stored already."""

    mapping: str
    pair: Coupling
    name: str
    known: bool = False


@dataclass(frozen=True, slots=True)
class _Bad:
    """A line with a fault."""

    line: CouplingLine
    problem: Problem


@dataclass(frozen=True, slots=True)
class _Rows:
    """What both sides have of the records that some lines name, for one mapping."""

    mapping: TableMapping
    kind: tuple[Condition, ...]
    by_id: Mapping[str, Row]
    by_number: Mapping[str, Row]
    crm: Mapping[str, Row]

    def nav(self, line: CouplingLine) -> Row | None:
        """The NAV record of a line."""
        return self.by_id.get(line.nav_id) if line.nav_id else self.by_number.get(line.nav_no.upper())


async def import_lines(
    context: Context, lines: Sequence[CouplingLine], scopes: Mapping[str, Scope], *, skip_bad: bool, dry_run: bool
) -> None:
    """Check lines and store their couplings: none when one of them is wrong, unless the bad ones are to be skipped."""
    good: list[_Good] = []
    bad: list[_Bad] = []
    taken: dict[tuple[str, str, str], int] = {}
    for chunk in chunks(lines):
        await context.checkpoint()
        rows = {name: await _read(context, name, chunk) for name in scopes}
        for line in chunk:
            found = _resolve(line, rows, taken)
            if isinstance(found, _Bad):
                bad.append(found)
            else:
                good.append(found)
    good, hindered = await _uncoupled(context, good, lines)
    bad.extend(hindered)
    await _tell(context, scopes, bad)
    if bad and not skip_bad:
        return
    for name, scope in scopes.items():
        mine = [one for one in good if one.mapping == name]
        for some in chunks(mine):
            await context.checkpoint()
            await _store(context, scope, some, dry_run=dry_run)


async def _store(context: Context, scope: Scope, some: Sequence[_Good], *, dry_run: bool) -> None:
    outcomes = [
        Outcome(
            one.pair.nav_id,
            Action.UNCHANGED if one.known else Action.COUPLED,
            one.pair.nav_no,
            one.name,
            one.pair.nav_id,
            one.pair.crm_id,
        )
        for one in some
    ]
    pairs = [] if dry_run else [one.pair for one in some if not one.known]
    await commit(context, scope, PageResult(None, some[-1].pair.nav_id, len(some), outcomes, pairs, ledger=False))


async def _tell(context: Context, scopes: Mapping[str, Scope], bad: Sequence[_Bad]) -> None:
    for name, scope in scopes.items():
        outcomes = [
            Outcome(
                str(UUID(int=one.line.number)),
                Action.FAILED,
                one.line.nav_no,
                nav_id=one.line.nav_id or None,
                crm_id=one.line.crm_id,
                problem=one.problem,
            )
            for one in bad
            if one.line.mappings[0] == name
        ]
        if outcomes:
            await commit(context, scope, PageResult(None, "faults", len(outcomes), outcomes, [], ledger=False))


async def _read(context: Context, name: str, lines: Sequence[CouplingLine]) -> _Rows:
    mapping = context.mappings[name]
    mine = [line for line in lines if name in line.mappings]
    nav, crm = mapping.nav, mapping.crm
    columns = (nav.key, nav.number, nav.name)
    kind = _kind(context.mappings, mapping)
    ids = [line.nav_id for line in mine if line.nav_id]
    numbers = [line.nav_no for line in mine if not line.nav_id]
    crm_ids = [line.crm_id for line in mine]
    crm_columns = (crm.key, *(one.field for one in kind))
    return _Rows(
        mapping,
        kind,
        await context.nav.fetch(nav.entity, nav.key, ids, columns) if ids else {},
        {
            str(row[nav.number]).upper(): row
            for row in (await context.nav.find(nav.entity, nav.number, numbers, columns) if numbers else ())
        },
        await context.crm.fetch(crm.entity, crm.key, crm_ids, crm_columns) if crm_ids else {},
    )


def _kind(mappings: Mapping[str, TableMapping], mapping: TableMapping) -> tuple[Condition, ...]:
    """What tells the rows of a mapping from those of others of the same CRM table, such as the type of a product."""

    def equal(one: TableMapping) -> dict[str, Condition]:
        return {term.field: term for term in one.crm.filter if term.operator == "eq"}

    others = [
        equal(one) for one in mappings.values() if one.name != mapping.name and one.crm.entity == mapping.crm.entity
    ]
    return tuple(
        term
        for name, term in equal(mapping).items()
        if any(name in other and other[name].value != term.value for other in others)
    )


def _resolve(line: CouplingLine, rows: Mapping[str, _Rows], taken: dict[tuple[str, str, str], int]) -> _Good | _Bad:
    """The mapping and the pair of a line."""
    some = [rows[name] for name in line.mappings]
    with_nav = [one for one in some if one.nav(line) is not None]
    with_both = [one for one in with_nav if line.crm_id in one.crm]
    fitting = [one for one in with_both if all(one.crm[line.crm_id].get(c.field) == c.value for c in one.kind)]
    if len(fitting) != 1:
        return _bad(line, _fault(line, some, with_nav, with_both, fitting))
    mapping = fitting[0].mapping
    row = fitting[0].nav(line) or {}
    nav_id = str(row[mapping.nav.key]).lower()
    for key in ((mapping.crm.entity, "", line.crm_id), (mapping.nav.entity, mapping.crm.entity, nav_id)):
        if taken.setdefault(key, line.number) != line.number:
            return _bad(line, f"the same record is in line {taken[key]} already")
    number = str(row.get(mapping.nav.number) or "")
    return _Good(mapping.name, Coupling(nav_id, line.crm_id, number), str(row.get(mapping.nav.name) or ""))


def _fault(
    line: CouplingLine,
    some: Sequence[_Rows],
    with_nav: Sequence[_Rows],
    with_both: Sequence[_Rows],
    fitting: Sequence[_Rows],
) -> str:
    mapping = some[0].mapping
    if len(fitting) > 1:
        return f"{' and '.join(one.mapping.name for one in fitting)} can have it; name one with a column mapping"
    if not with_nav:
        what = f"NAV has no {mapping.nav.caption} record {line.nav}"
        older = (
            "; before Business Central 15, Integration ID is no id of the record: export its number too, as column No"
        )
        return what + (older if line.nav_id and not line.nav_no else "")
    if not with_both:
        return f"CRM has no {mapping.crm.caption} row {line.crm_id}"
    kind = " and ".join(f"{one.field} {one.value}" for one in with_both[0].kind)
    return f"{mapping.crm.caption} {line.crm_id} is not for {with_both[0].mapping.name}, whose rows have {kind}"


async def _uncoupled(
    context: Context, good: Sequence[_Good], lines: Sequence[CouplingLine]
) -> tuple[list[_Good], list[_Bad]]:
    """The lines that neither side hinders; those that are stored already are known."""
    left: list[_Good] = []
    bad: list[_Bad] = []
    by_crm = {line.crm_id: line for line in lines}
    for some in chunks(good):

        def read(connection: sa.Connection, some: Sequence[_Good] = some) -> list[tuple[_Good, str]]:
            return [(one, _partner(connection, context, one)) for one in some]

        for one, partner in await context.store.read(read):
            if not partner:
                left.append(one)
            elif partner == one.pair.crm_id:
                left.append(_Good(one.mapping, one.pair, one.name, known=True))
            else:
                line = by_crm[one.pair.crm_id]
                bad.append(_bad(line, partner))
    return left, bad


def _partner(connection: sa.Connection, context: Context, one: _Good) -> str:
    """Blank when both records are free, the CRM id when they are coupled to each other, else what hinders."""
    pair, mapping = one.pair, context.mappings[one.mapping]
    found = context.couplings.of(connection, one.mapping, TO, [pair.nav_id]).get(pair.nav_id)
    if found is not None and found.crm_id == pair.crm_id:
        return pair.crm_id
    names = (f"{mapping.nav.caption} {pair.nav_no or pair.nav_id}", f"{mapping.crm.caption} {pair.crm_id}")
    problem = hindered(connection, context.couplings, mapping, pair, names)
    return "" if problem is None else problem.message


def _bad(line: CouplingLine, message: str) -> _Bad:
    text = f"line {line.number}: {message}"
    return _Bad(line, Problem("line", message[:300], text, "Mend the file, or leave bad lines out with --skip-bad."))
