"""Secrets reach only the server that is meant, over TLS that can be trusted."""

import ssl

import pytest

from engine.connectors import client
from tests.reliability.certificates import PEERS, PLAIN, meet

PER_PEER = 5
"""Four kinds of secrets, and a look."""


def test_a_secret_reaches_only_the_right_server() -> None:
    met = meet()
    assert met.faults == []
    assert met.right == met.tried == PER_PEER * (len(PEERS) - len(met.skipped)) - 1 + 2 * len(PLAIN)


@pytest.mark.parametrize("name", ["another host", "TLS 1.1"])
def test_a_server_that_is_believed_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def credulous(*_: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return context

    monkeypatch.setattr(client, "trusting", credulous)
    met = meet(tuple(one for one in PEERS if one.name == name))
    assert met.skipped or met.faults
