"""A NAV company on loopback as tests see it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from sandbox.serve import Sandbox

COMPANY = "Company('CRONUS%20International%20Ltd.')"
ROWS: dict[str, list[dict[str, Any]]] = {
    "General_Ledger_Setup": [{"LCY_Code": "EUR"}],
    "Currency": [{"Code": "USD", "Exchange_Rate_Amount": Decimal("1.0842")}],
    "Unit_of_Measure": [{"Code": "PCS"}],
    "Salesperson_Purchaser": [{"Code": "JO", "Name": "Jane O'Hara"}],
    "Customer": [
        {"No": f"{number:05d}", "Name": f"Firm {number}", "E_Mail": f"f{number}@x.example", "Blocked": "All" if number == 3 else " "}
        for number in range(1, 8)
    ],
    "Contact": [
        {"No": "CT1", "Type": "Company", "Company_No": "CT1", "Company_Name": "Firm 1", "Name": "Firm 1", "Customer_No": "00001"},
        {"No": "CT2", "Type": "Company", "Company_No": "CT2", "Company_Name": "Prospect", "Name": "Prospect"},
    ],
    "Item": [{"No": "1000", "Description": "Bicycle", "Unit_Price": Decimal("12.50"), "Inventory": Decimal(-4)}],
}  # fmt: skip


class Nav:
    """A client of the company under test."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient, audit: Path) -> None:
        self.sandbox, self.client, self.audit = sandbox, client, audit

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request for something in the company; header names have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.sandbox.nav_url}/{COMPANY}/{path}"
        return await self.client.request(method, url, json=body, headers=named)

    async def rows(self, path: str, **headers: str) -> list[dict[str, Any]]:
        answer = await self.send("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    async def batch(self, *operations: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
        requests = [{"id": str(number), **operation} for number, operation in enumerate(operations)]
        answer = await self.send("POST", "$batch", {"requests": requests}, **headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["responses"]
        return found

    def writes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def create(page: str, **body: Any) -> dict[str, Any]:
    return {"method": "POST", "url": page, "headers": {"Content-Type": "application/json"}, "body": body}
