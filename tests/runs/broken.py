"""A run against a CRM server that is not what it should be, in the background."""

from pathlib import Path
from typing import ClassVar

from tests.runs.between import Between, Change, half_of_accounts, html, nothing, redirect
from tests.runs.company import QUIETLY, Company


class Broken:
    """One such run. `mend` has the server be what it should be."""

    kinds: ClassVar[dict[str, Change | None]] = {
        "html": html, "redirect": redirect, "cut": half_of_accounts, "down": None, "token": nothing,
    }  # fmt: skip

    def __init__(self, folder: Path, kind: str) -> None:
        self.company = Company(folder, "--demo-size", "10")
        self._change = self.kinds[kind]
        self.between = Between(self.company.port("crm"), self._change or nothing)
        self.port = 1 if self._change is None else self.between.port
        self.secret = self.company.config.with_name("sandbox.token")
        self.company.lead("crm", self.port)
        if kind == "token":
            self.secret.write_text("wrong-token-canary\n")
        self.process = self.company.start("run", *QUIETLY, "--json")

    def mend(self) -> None:
        """The server is what it should be from now on."""
        self.between.change = nothing
        self.secret.write_text(self.company.token)

    def close(self) -> None:
        """Ends it."""
        self.company.close()
        self.between.close()
