"""No secret is found in what commands say and leave behind."""

import base64

from tests.reliability.canaries import Found, let_loose

_SHORT = (("connection", "test"), ("config", "show"))


def test_no_secret_is_found_in_outputs_files_and_crashes() -> None:
    found = let_loose(("token in a keyring", "client secret"), ("says them again",), _SHORT)
    assert (found.leaks, found.faults) == ([], [])
    assert [name for name in found.canaries if "Entra" in name] == ["token of Entra, client secret, says them again"], (
        "nobody else is handed one"
    )
    assert len(found.canaries) > 15
    assert found.looked > 40


def test_a_secret_that_is_left_somewhere_is_found() -> None:
    found = Found()
    secret = found.plant("password")
    found.search("clear", secret.encode())
    found.search("base64", base64.b64encode(f"me:{secret}".encode()))
    found.search("utf-16", secret.encode("utf-16-le"))
    found.search("nothing", b"x")
    assert len(found.leaks) == 3
