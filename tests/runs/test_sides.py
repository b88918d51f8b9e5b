"""The two sides are what the configuration says of them."""

import ssl
from pathlib import Path

import pytest
import trustme

from engine.config import load
from engine.connectors.protocol import Side
from engine.model.errors import ConnectionLost
from engine.runs.sides import connected
from tests.cli.conftest import Coupler, coupler, environment
from tests.connectors.scripted import json_reply, serving

__all__ = ["coupler", "environment"]
CONFIG = """\
environment = "uat"
nav = {{ url = "{url}", company = "CRONUS", secret = "env:TOKEN"{nav} }}
crm = {{ url = "{url}", secret = "env:TOKEN"{crm} }}
store = {{ url = "sqlite:///store.db" }}
"""
OWN = ', ca_file = "own.pem"'


@pytest.mark.parametrize("trusted", ["nav", "crm"])
async def test_an_authority_of_ones_own_is_trusted_where_the_configuration_names_it(
    tmp_path: Path, trusted: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "own.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with serving(context) as server:
        server.say(json_reply({"value": []}))
        text = CONFIG.format(url=server.url, **{"nav": "", "crm": "", trusted: OWN})
        (tmp_path / "config.toml").write_text(text)
        settings = load(tmp_path / "config.toml", environ={"TOKEN": "a-token"})
        async with connected(settings) as (nav, crm):
            sides: dict[str, Side] = {"nav": nav, "crm": crm}
            for name, side in sides.items():
                if name == trusted:
                    assert await side.fetch("things", "id", ["1"], ("id",)) == {}
                else:
                    with pytest.raises(ConnectionLost, match="certificate") as caught:
                        await side.fetch("things", "id", ["1"], ("id",))
                    assert f"ca_file in [{name}]" in caught.value.hint


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_found_by_the_check(
    tmp_path: Path, coupler: Coupler, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "own.pem").write_text(content)
    url = "http://127.0.0.1:1"
    (tmp_path / "config.toml").write_text(CONFIG.format(url=url, nav="", crm=OWN))
    done = coupler("config", "check", "--offline", TOKEN="a-token")
    assert done.returncode == 2
    assert f"crm.ca_file: {tmp_path}/own.pem cannot be read" in done.stderr
    assert coupler("status", TOKEN="a-token").returncode == 0
