"""Dataverse error codes with their HTTP status and text (reference/apis.md section 1, Errors)."""

from collections.abc import Sequence

from sandbox.crm.entities import Entity
from sandbox.odata.errors import ODataError

DUPLICATE_KEY = "0x80040237"
MISSING = "0x80040217"


def invalid(message: str) -> ODataError:
    """An argument the business logic does not accept."""
    return ODataError(400, "0x80040203", message)


def bad_url(message: str, status: int = 400) -> ODataError:
    """A URL, header or query option that is not understood."""
    return ODataError(status, "0x80060888", message)


def bad_payload(set: str, problem: str) -> ODataError:
    """A body that does not fit the table."""
    return ODataError(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{set}', InnerException : {problem}",
    )


def unknown_segment(segment: str) -> ODataError:
    """A path that leads nowhere."""
    return bad_url(f"Resource not found for the segment '{segment}'.", 404)


def missing(logical: str, id: str) -> ODataError:
    """The row itself, or a row that a lookup names, does not exist."""
    return ODataError(404, MISSING, f"{logical} With Id = {id} Does Not Exist")


def missing_by_key(logical: str) -> ODataError:
    """No row has the alternate key that a request names."""
    return ODataError(404, "0x80060891", f"A record with the specified key values does not exist in {logical} entity")


def bad_key(entity: Entity) -> ODataError:
    """A key that is none of the table's keys."""
    return bad_url(
        f"The key in the request URI is not valid for resource '{entity.type_name}'. Ensure that the names and number "
        "of key properties match the declared or alternate key properties."
    )


def key_violated(name: str, columns: Sequence[str], id: str) -> ODataError:
    """Another row has the values of an alternate key."""
    return ODataError(
        412,
        "0x80060892",
        f"Entity Key {name} violated. A record with the same value for {', '.join(columns)} already exists. A "
        f"duplicate record cannot be created. Select one or more unique values and try again. Conflicting record: {id}",
    )


def duplicate_key() -> ODataError:
    """A row with this key exists."""
    return ODataError(412, DUPLICATE_KEY, "A record with matching key values already exists.")


def version_mismatch() -> ODataError:
    """If-Match names another version than the row has."""
    return ODataError(
        412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
    )


def denied(privilege: str) -> ODataError:
    """The caller lacks a privilege."""
    return ODataError(403, "0x80040220", f"Principal user is missing {privilege} privilege")


def in_use(logical: str) -> ODataError:
    """A row that others still name cannot be deleted."""
    return ODataError(405, "0x80040227", f"The {logical} can't be deleted because it's associated with another object.")


def unauthorized() -> ODataError:
    """The token is missing or not the right one."""
    return ODataError(401, "0x80040204", "Invalid user auth.")
