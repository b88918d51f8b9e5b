"""Refusals, and the JSON body in which each side says them."""

import uuid

import msgspec


class ODataError(Exception):
    """A request that is refused with an HTTP status and the product's own error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def crm_body(error: ODataError) -> bytes:
    """Dataverse's error body (reference/apis.md section 1, Errors)."""
    return msgspec.json.encode({"error": {"code": error.code, "message": error.message}})


def nav_body(error: ODataError) -> bytes:
    """NAV's error body, whose message ends with a correlation id (reference/apis.md section 3, Errors)."""
    message = f"{error.message}  CorrelationId:  {uuid.uuid4()}."
    return msgspec.json.encode({"error": {"code": error.code, "message": message}})
