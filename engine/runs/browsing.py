"""Couplings for operators who look through them: page by page from the store, with how each pair ended the last time;
and both records of one from the servers.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import sqlalchemy as sa

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.mapping.transfer import FROM, TO
from engine.model.conflict import Conflict
from engine.model.coupled import BothRecords, CoupledPage, CoupledRow, CoupledState, Place
from engine.model.errors import ConfigError
from engine.model.mapping import TableMapping
from engine.model.trouble import Trouble
from engine.runs.context import looking
from engine.runs.leads import both_named
from engine.runs.sides import read_now
from engine.store import browsing, conflicts, troubles
from engine.store.browsing import Listed
from engine.store.couplings import Coupling
from engine.store.database import Store
from engine.sync.brake import DELETED
from engine.sync.check.side_by_side import side_by_side
from engine.sync.dry import DrySide
from engine.sync.naming import Labelled
from engine.sync.uncoupling import dependants

_URGENCY = (CoupledState.CRM_GONE, CoupledState.NAV_GONE, CoupledState.SKIPPED, CoupledState.FAILED)


def couplings(
    store: Store, settings: Settings, mapping: str | None, search: str, after: Place | None, limit: int
) -> CoupledPage:
    """At most `limit` couplings behind a place, of one mapping or of all in run order: those whose number, or whose id
    from eight digits on, begins with `search`.
    """
    configured = {one.name: one for one in settings.mappings}
    with store.reading() as connection:
        if mapping is not None:
            chosen = [mapping]
        else:
            there = browsing.names(connection)
            chosen = [*(name for name in configured if name in there), *(one for one in there if one not in configured)]
            if after is not None and after.mapping not in chosen:
                return CoupledPage()  # all of it was uncoupled meanwhile
        found, following = browsing.page(connection, chosen, after, limit, search)
        rows = tuple(row for name in chosen for row in _told(connection, name, found))
    parts = {
        name: tuple(part.name for part, _ in dependants(configured, name)) for name in {one.mapping for one in rows}
    }
    return CoupledPage(rows, following, parts)


def number(store: Store, mapping: str | None) -> int:
    """How many couplings there are."""
    with store.reading() as connection:
        return browsing.count(connection, mapping)


def _told(connection: sa.Connection, mapping: str, found: Sequence[Listed]) -> list[CoupledRow]:
    """The couplings of one mapping among those that were found, with what is known of them."""
    mine = [one for one in found if one.mapping == mapping]
    ours = troubles.of(connection, mapping, TO, [one.nav_id for one in mine])
    theirs = troubles.of(connection, mapping, FROM, [one.crm_id for one in mine])
    waiting = conflicts.of(connection, mapping, [one.nav_id for one in mine])
    return [_row(one, ours, theirs, waiting) for one in mine]


def _row(
    one: Listed, ours: Mapping[str, Trouble], theirs: Mapping[str, Trouble], waiting: Mapping[str, Conflict]
) -> CoupledRow:
    pair = (one.mapping, one.nav_no, one.nav_id, one.crm_id, one.run, one.at)
    both = ((ours.get(one.nav_id), CoupledState.CRM_GONE), (theirs.get(one.crm_id), CoupledState.NAV_GONE))
    met = [(_state(trouble, gone), trouble) for trouble, gone in both if trouble is not None]
    if met:
        state, trouble = min(met, key=lambda each: _URGENCY.index(each[0]))
        return CoupledRow(*pair, state, trouble.name, trouble.message, trouble.at)
    if (conflict := waiting.get(one.nav_id)) is not None:
        names = ", ".join(clash.nav for clash in conflict.fields)
        rest = "the next pass applies what was chosen" if conflict.chosen else "nothing is chosen yet"
        return CoupledRow(
            *pair, CoupledState.CONFLICT, conflict.name, f"Both sides changed {names}; {rest}.", conflict.at
        )
    return CoupledRow(*pair)


def _state(trouble: Trouble, gone: CoupledState) -> CoupledState:
    """What a failure means; with `DELETED` fails whose partner is gone, where its mapping does nothing about it."""
    if trouble.code == DELETED:
        return gone
    return CoupledState.SKIPPED if trouble.skipped else CoupledState.FAILED


def address(settings: Settings, one: CoupledRow) -> str:
    """Where the web client of CRM shows the row of a coupling; raises ConfigError when its mapping is configured no
    more. Its pages name a table by its logical name, which stands in the name of its key, such as accountid.
    """
    key = _configured(settings, one).crm.key
    client = settings.crm.url.partition("/api/data/")[0].rstrip("/")
    return f"{client}/main.aspx?pagetype=entityrecord&etn={quote(key.removesuffix('id'))}&id={one.crm_id}"


def _configured(settings: Settings, one: CoupledRow) -> TableMapping:
    mapping = next((each for each in settings.mappings if each.name == one.mapping), None)
    if mapping is None:
        raise ConfigError(f"{one.mapping} is not configured.", "Add [mapping] for it to config.toml, or leave it.")
    return mapping


def both_records(store: Store, settings: Settings, one: CoupledRow) -> BothRecords:
    """Both records of a coupling, as the servers have them now; nothing is written, and no lock is taken.

    Raises ConfigError when its mapping is configured no more, ConnectionLost or AccessDenied when a side cannot be
    read, or not within half a minute: somebody waits for it.
    """
    mapping = _configured(settings, one)

    async def read(nav: Side, crm: Side) -> BothRecords:
        context = await looking(store, settings, DrySide(nav), Labelled(crm, settings.mappings))
        found = await side_by_side(context, mapping, Coupling(one.nav_id, one.crm_id, one.nav_no))
        return await both_named(context, mapping, found)

    return read_now(settings, read)
