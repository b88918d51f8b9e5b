"""Couplings in the order in which people look for them: mapping by mapping, then by NAV number; page by page, searched.

Each statement goes through one index from where it begins and ends with its limit, so that a page costs the same
wherever it is and however many couplings there are.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from engine.model.coupled import Place
from engine.store.schema import coupling

_C = coupling.c
_COLUMNS = (_C.mapping, _C.nav_no, _C.nav_id, _C.crm_id, _C.run_id, _C.coupled_at)
_IDS = (_C.nav_id, _C.crm_id)
_ID = re.compile(r"(?=(?:-?[0-9a-f]){8,32}-?$)[0-9a-f]{8}(?:-?[0-9a-f]{0,4}){3}-?[0-9a-f]{0,12}")
_NO_ID = str(UUID(int=0))
_LAST = "\U0010ffff"
"""Behind all characters that a number can have."""


class Listed(NamedTuple):
    """A coupling as it is listed: `run` made it."""

    mapping: str
    nav_no: str
    nav_id: str
    crm_id: str
    run: int
    at: datetime


def names(connection: sa.Connection) -> list[str]:
    """The mappings that have couplings, configured or not."""
    found: list[str] = []
    while True:
        query = sa.select(_C.mapping).order_by(_C.mapping).limit(1)
        one = connection.scalar(query.where(_C.mapping > found[-1]) if found else query)
        if one is None:
            return found
        found.append(one)


def count(connection: sa.Connection, mapping: str | None) -> int:
    """How many pairs a mapping has, or all of them."""
    query = sa.select(sa.func.count()).select_from(coupling)
    return int(connection.scalar(query if mapping is None else query.where(_C.mapping == mapping)) or 0)


def page(
    connection: sa.Connection, mappings: Sequence[str], after: Place | None, limit: int, search: str = ""
) -> tuple[list[Listed], Place | None]:
    """At most `limit` couplings of these mappings, in their order, behind a place; and the place behind which more
    follow, if any do.

    With `search` those whose number begins with the text, whatever its case, or whose NAV or CRM id does, of which
    eight digits at least are needed. These come before the numbers of their mapping.
    """
    text = search.strip()
    ids = _ids(text)
    found: list[Listed] = []
    places: list[Place] = []
    for name in mappings if after is None else mappings[mappings.index(after.mapping) :]:
        begin = after if after is not None and after.mapping == name else None
        if ids is not None and begin is None:
            some = _by_id(connection, name, ids, limit + 1 - len(found))
            found += some
            places += [Place(name, "", _NO_ID) for _ in some]
        some = _by_number(connection, name, text, ids, begin, limit + 1 - len(found))
        found += some
        places += [Place(name, one.nav_no, one.nav_id) for one in some]
        if len(found) > limit:
            return found[:limit], places[limit - 1]
    return found, None


def _by_number(
    connection: sa.Connection,
    mapping: str,
    text: str,
    ids: tuple[str, str] | None,
    after: Place | None,
    limit: int,
) -> list[Listed]:
    query = sa.select(*_COLUMNS).where(_C.mapping == mapping).order_by(_C.nav_no, _C.nav_id).limit(limit)
    if text:
        query = query.where(*_begins(connection, _spelled(connection, mapping, text), after))
    if ids is not None:
        query = query.where(*(sa.not_(column.between(*ids)) for column in _IDS))
    if after is not None:
        query = query.where(sa.tuple_(_C.nav_no, _C.nav_id) > (after.nav_no, after.nav_id))
    return [Listed(*row) for row in connection.execute(query)]


def _by_id(connection: sa.Connection, mapping: str, ids: tuple[str, str], limit: int) -> list[Listed]:
    """Those of which one id is in a range: few have eight digits in common, so they are on the first page."""
    found: dict[str, Listed] = {}
    for column in _IDS:
        query = sa.select(*_COLUMNS).where(_C.mapping == mapping, column.between(*ids)).order_by(column).limit(limit)
        found.update({row.nav_id: Listed(*row) for row in connection.execute(query)})
    return list(found.values())[:limit]


def _spelled(connection: sa.Connection, mapping: str, text: str) -> str:
    """NAV's codes are in capitals; a number that is none is looked for as it was typed."""
    query = sa.select(_C.nav_id).where(_C.mapping == mapping, *_begins(connection, text)).limit(1)
    return text if text == text.upper() or connection.execute(query).first() is not None else text.upper()


def _begins(connection: sa.Connection, text: str, after: Place | None = None) -> tuple[sa.ColumnElement[bool], ...]:
    """Numbers that begin with a text."""
    if connection.dialect.name == "sqlite":
        # with these bounds it would not make use of a pair to go on behind: what that comes to is the first one
        return (_C.nav_no >= (after.nav_no if after is not None else text), _C.nav_no < text + _LAST)
    # its order need not be that of the characters
    return (_C.nav_no.startswith(text, autoescape=True),)


def _ids(text: str) -> tuple[str, str] | None:
    """The first and the last id that begin with a text; None when it is no beginning of an id."""
    lower = text.strip("{}").lower()
    if not _ID.fullmatch(lower):
        return None
    digits = lower.replace("-", "")
    first, last = (digits.ljust(32, filler) for filler in "0f")
    return str(UUID(first)), str(UUID(last))
