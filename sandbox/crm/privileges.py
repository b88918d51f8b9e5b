"""What the caller may do: the privileges of tables, and which of them its roles give (reference/apis.md section 1)."""

import uuid

from sandbox.crm.entities import Entity
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import Row

USER_PRIVILEGES = "Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
_KINDS = ("Create", "Read", "Write", "Delete", "Assign", "Append", "AppendTo")


def name_of(entity: Entity, kind: str) -> str:
    """A privilege as roles and errors name it, such as prvCreateAccount."""
    return f"prv{kind}{entity.logical.capitalize()}"


def may(store: Store, entity: Entity, kind: str) -> bool:
    """Whether the table knows such operations, and the roles of the caller give the privilege for them."""
    possible = {"Create": entity.creatable, "Write": entity.updatable, "Delete": entity.creatable}.get(kind, True)
    return possible and name_of(entity, kind) not in store.lacking


def privileges_of(entity: Entity) -> list[Row]:
    """The privileges of a table, as its definition lists them."""
    return [
        {"PrivilegeId": _id(name_of(entity, kind)), "Name": name_of(entity, kind), "PrivilegeType": kind}
        for kind in _KINDS
    ]


def user_privileges(store: Store, request: Request) -> Response:
    """What the roles of the caller give, throughout the organization."""
    held = [name_of(entity, kind) for entity in ENTITIES.values() for kind in _KINDS if may(store, entity, kind)]
    return json_response(
        {
            "@odata.context": f"{request.root}$metadata#{USER_PRIVILEGES}Response",
            "RolePrivileges": [
                {
                    "Depth": "Global",
                    "PrivilegeId": _id(name),
                    "BusinessUnitId": store.business_unit_id,
                    "PrivilegeName": name,
                }
                for name in held
            ],
        }
    )


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"crm-privilege:{name}"))
