"""What our user may do with tables of Dataverse, and which bulk messages they have (reference/apis.md section 1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.connectors import urls
from engine.connectors.client import ODataClient
from engine.connectors.filters import checked_name, guid, literal
from engine.connectors.together import all_or_none
from engine.model.errors import AccessDenied, ConnectionLost, Refused

MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")
RIGHTS = ("read", "create", "write")


@dataclass(frozen=True, slots=True)
class Rights:
    """Of one table: those of `RIGHTS` that our roles give us, and the bulk messages that it has."""

    held: frozenset[str]
    messages: tuple[str, ...]


async def read_rights(client: ODataClient, user: str, entities: Iterable[str]) -> dict[str, Rights]:
    """The rights of a user by entity set, as its roles give them; tables that do not exist are left out.

    Raises AccessDenied where the user may not look at the definitions of tables or at its own privileges.
    """
    address = f"systemusers({guid(user)})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
    content = await client.read(address)
    held = {str(one.get("PrivilegeId")).lower() for one in _rows(client, content, "RolePrivileges")}
    wanted = list(dict.fromkeys(entities))
    found = await all_or_none(_of_table(client, entity, held) for entity in wanted)
    return {entity: rights for entity, rights in zip(wanted, found, strict=True) if rights is not None}


async def has_message(client: ODataClient, table: str, message: str) -> bool:
    """Whether a table, by its logical name, has a bulk message; not every one does (reference/apis.md section 1).

    An organization that does not tell, or not this user, counts as one that has none: everything can be done without.
    """
    options = [
        ("$select", "sdkmessagefilterid"),
        ("$filter", "sdkmessageid/name eq @m and primaryobjecttypecode eq @t"),
        ("@m", literal(message)),
        ("@t", literal(table)),
    ]
    try:
        return bool(_rows(client, await client.read(f"sdkmessagefilters?{urls.query(options)}"), "value"))
    except (AccessDenied, Refused):
        return False


async def _of_table(client: ODataClient, entity: str, held: set[str]) -> Rights | None:
    options = [
        ("$select", "LogicalName,Privileges"),
        ("$filter", f"EntitySetName eq {literal(checked_name(entity))}"),
    ]
    rows = _rows(client, await client.read(f"EntityDefinitions?{urls.query(options)}"), "value")
    if not rows:
        return None
    table = checked_name(str(rows[0].get("LogicalName")))
    mine = {
        str(one.get("PrivilegeType")).lower()
        for one in _rows(client, rows[0], "Privileges")
        if str(one.get("PrivilegeId")).lower() in held
    }
    has = await all_or_none(has_message(client, table, message) for message in MESSAGES)
    return Rights(
        frozenset(mine & set(RIGHTS)), tuple(name for name, there in zip(MESSAGES, has, strict=True) if there)
    )


def _rows(client: ODataClient, content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = content.get(name)
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise ConnectionLost(f"{urls.shown(client.root)} does not tell {name} as a list.")
    return rows
