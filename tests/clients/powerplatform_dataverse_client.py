"""Microsoft's own client for Dataverse."""

import os
import time
from typing import Any

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

from tests.clients.report import feature, report

_ORIGIN = os.environ["CRM_URL"].removesuffix("/api/data/v9.2")


class _Credential:
    """Hands out the token of the sandbox."""

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken(os.environ["TOKEN"], int(time.time()) + 3600)


client = DataverseClient(_ORIGIN, _Credential())


@feature("create")
def create() -> None:
    assert client.records.create("account", {"name": "Adventure Works"})


if __name__ == "__main__":
    report("powerplatform-dataverse-client", "CRM")
