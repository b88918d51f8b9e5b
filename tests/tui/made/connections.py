"""The connections of a config file, as text that is saved to nowhere, and the steps of a test of one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from engine.config.edit import Draft, Form, difference, formed
from engine.model.errors import CouplerError
from engine.runs.connection import Lacking, State, Tried
from tui.door import Side

CONFIG = """\
environment = "uat"

[nav]
url = "https://nav.example.com:7048/NAV/ODataV4"
company = "CRONUS International"
secret = "env:NAV_SECRET"
# auth = "basic"

[crm]
url = "https://contoso.crm4.dynamics.com"
auth = "entra"
client_id = "6e4f2a10-0000-4000-8000-000000000000"
tenant = "contoso.example"
secret = "command:pass show coupler/crm"

[store]
url = "sqlite:////var/lib/coupler/uat.db"
"""


def quoted(text: str) -> str:
    """A text between the quotes of TOML."""
    return "".join("?" if 0xD800 <= ord(one) < 0xE000 else f"\\U{ord(one):08x}" for one in text)


def made_steps(side: Side) -> list[Tried]:
    name = side.upper()
    return [
        Tried(name, "token", State.OK, "found (env)"),
        Tried(name, "address", State.OK, "contoso.example answers at port 443"),
        Tried(name, "TLS", State.OK, "TLSv1.3, certificate until 2027-01-01"),
        Tried(name, "authentication", State.FAILED, "401 Unauthorized", "Renew the token.", Lacking.CONNECTION),
        Tried(name, "company CRONUS International", State.NOT_TRIED),
        Tried(name, "page Customer", State.NOT_TRIED),
    ]


class ScriptedConnections:
    """A config file that is nowhere, and steps that are taken one by one."""

    def __init__(self, text: str = CONFIG, calls: list[tuple[object, ...]] | None = None) -> None:
        self.calls: list[tuple[object, ...]] = [] if calls is None else calls
        self.text = text
        self.path = Path("/home/ops/.config/coupler/config.toml")
        self.doubtful: list[str] = []
        self.error: CouplerError | None = None
        self.steps_of = made_steps
        self.hold: asyncio.Event | None = None
        """While it is not set, no step but the first two comes."""

    def read(self) -> Form:
        if self.error is not None:
            raise self.error
        return formed(Draft(self.path, self.text.encode(), self.text, self.text))

    def doubts(self, form: Form) -> list[str]:
        return self.doubtful

    def save(self, form: Form) -> None:
        self.calls.append(("save", *difference(form.draft)))
        self.text = form.draft.text

    async def steps(self, form: Form, side: Side) -> AsyncIterator[Tried]:
        self.calls.append(("steps", side))
        for nth, one in enumerate(self.steps_of(side)):
            if nth == 2 and self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(0)
            yield one
