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


def crm_body(error: ODataError, *, annotated: bool = False) -> bytes:
    """Dataverse's error body, with annotations where a client prefers them (reference/apis.md section 1, Errors)."""
    body = {"code": error.code, "message": error.message}
    if annotated:
        body["@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"] = "0"
        body["@Microsoft.PowerApps.CDS.InnerError.Message"] = error.message
    return msgspec.json.encode({"error": body})


def nav_body(error: ODataError) -> bytes:
    """NAV's error body, whose message ends with a correlation id (reference/apis.md section 3, Errors)."""
    message = f"{error.message}  CorrelationId:  {uuid.uuid4()}."
    return msgspec.json.encode({"error": {"code": error.code, "message": message}})
