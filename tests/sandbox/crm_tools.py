"""A CRM organization on loopback as tests see it."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.crm.state import CrmState

CRM_TOKEN = "crm-test-token"


class Switch:
    """An application in front of the one that the present test wants."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class TestClock:
    """Stands still until told to go on."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Crm:
    """An organization, and a client that knows its token."""

    state: CrmState
    http: httpx.Client
    clock: TestClock
    audit_path: Path

    def get(self, url: str, **headers: str) -> httpx.Response:
        return self.http.get(url, headers=_named(headers))

    def patch(self, url: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        return self.http.patch(url, json=body, headers=_named(headers))

    def post(self, url: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        return self.http.post(url, json=body, headers=_named(headers))

    def new(self, set: str, **body: Any) -> str:
        """Create a row over HTTP, with `__bind` for `@odata.bind` in names, and return its id."""
        answer = self.post(set, {name.replace("__bind", "@odata.bind"): value for name, value in body.items()})
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    def row(self, set: str, id: str) -> dict[str, Any]:
        answer = self.get(f"{set}({id})")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def values(self, url: str) -> list[dict[str, Any]]:
        answer = self.get(url)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit_path.read_text().splitlines()]

    def unit(self, code: str = "PCS") -> tuple[str, str]:
        """A unit group and its base unit."""
        group = self.new("uomschedules", name=f"NAV {code}", baseuomname=code)
        return group, self.values(f"uoms?$filter=_uomscheduleid_value eq {group}")[0]["uomid"]

    def product(self, number: str = "1000", **more: Any) -> str:
        group, unit = self.unit(f"U{number}")
        return self.new(
            "products",
            **{
                "productnumber": number, "name": f"Product {number}", "quantitydecimal": 2, "producttypecode": 1,
                "defaultuomscheduleid__bind": f"/uomschedules({group})", "defaultuomid__bind": f"/uoms({unit})", **more,
            },
        )  # fmt: skip

    def price_list(self, name: str = "Default") -> str:
        return self.new(
            "pricelevels",
            name=name,
            transactioncurrencyid__bind=f"/transactioncurrencies({self.state.base_currency_id})",
        )


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and error code of an answer that must be an error."""
    return answer.status_code, answer.json()["error"]["code"]


def new_id() -> str:
    return str(uuid.uuid4())
