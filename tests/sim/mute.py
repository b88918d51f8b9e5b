"""Records of CRM alone that have no e-mail: nothing but their mark tells for which of them a NAV record was made."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from tests.sim.company import SETS, SIGN, Company

_MAILS = {"systemuser": "internalemailaddress", "account": "emailaddress1", "contact": "emailaddress1"}
_SEEDS = 0.2


def without_mail(company: Company, chance: Random) -> Company:
    """The company, in which some records have lost their e-mail in the seeds that are about it."""
    if chance.random() >= _SEEDS:
        return company
    pages = {page for page, *_ in SETS.values()}
    in_nav = {_sign(row) for page, rows in company.seeds.nav.items() if page in pages for row in rows}
    others = in_nav | company.outside | company.refused | company.alike
    mute: set[str] = set()
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for table, rows in company.seeds.crm.items():
        tables[table] = []
        for row in rows:
            sign = _sign(row)
            if table in _MAILS and sign and sign not in others and chance.random() < 0.5:
                mute.add(sign)
                tables[table].append({**row, _MAILS[table]: None})
            else:
                tables[table].append(row)
    return replace(company, seeds=replace(company.seeds, crm=tables), mute=frozenset(mute))


def _sign(row: Mapping[str, Any]) -> str:
    """The sign that a record is named by."""
    names = ("fullname", "name", "lastname", "Code", "No", "Name")
    found = next((match for name in names if (match := SIGN.search(str(row.get(name) or "")))), None)
    return "" if found is None else found[0]
