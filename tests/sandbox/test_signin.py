"""The ways to sign in that the sandbox plays: Entra's tokens, passwords, NTLM."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from sandbox import ntlm
from sandbox.crm.state import CrmState
from sandbox.entra import CLIENT_ID, TENANT
from sandbox.front import Front
from sandbox.load import Seeds, nav_state
from sandbox.serve import Sandbox, running, start_in_thread
from tests.sandbox.nav_tools import ROWS


@asynccontextmanager
async def served(front: Front) -> AsyncIterator[tuple[Sandbox, httpx.AsyncClient]]:
    async with (
        running(nav_state(Seeds(ROWS, {})), CrmState.build(), front=front) as sandbox,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        yield sandbox, client


def form(sandbox: Sandbox, **change: str) -> dict[str, str]:
    origin = sandbox.crm_url.removesuffix("/api/data/v9.2")
    good = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": sandbox.token,
        "scope": f"{origin}/.default",
    }
    return {name: value for name, value in (good | change).items() if value != "-"}


async def test_the_token_endpoint_gives_a_bearer_token_that_the_service_takes_until_it_ends() -> None:
    async with served(Front(crm_way="entra", lifetime=1)) as (sandbox, client):
        answer = await client.post(sandbox.doors.token_url, data=form(sandbox))
        assert answer.status_code == 200
        given = answer.json()
        assert (given["token_type"], given["expires_in"], given["ext_expires_in"]) == ("Bearer", 1, 1)
        assert answer.headers["cache-control"] == "no-store"
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        url = f"{sandbox.crm_url}/WhoAmI"
        assert (await client.get(url, headers=headers)).status_code == 200
        assert (await client.get(url)).status_code == 401
        assert (await client.get(url, headers={"Authorization": f"Bearer {sandbox.token}"})).status_code == 401
        sandbox.doors.entra._clock = lambda: float("inf")
        refused = await client.get(url, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "0x80040204"
        assert f"/{TENANT}/oauth2/authorize" in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("change", "status", "error", "number"),
    [
        ({"client_secret": "x"}, 401, "invalid_client", 7000215),
        ({"client_secret": "-"}, 401, "invalid_request", 7000218),
        ({"client_id": "x"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": "-"}, 400, "invalid_request", 900144),
        ({"scope": "https://a.example/user_impersonation"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://a.example/.default"}, 400, "invalid_resource", 500011),
    ],
)
async def test_the_token_endpoint_refuses_with_entras_codes(
    change: dict[str, str], status: int, error: str, number: int
) -> None:
    async with served(Front(crm_way="entra")) as (sandbox, client):
        answer = await client.post(sandbox.doors.token_url, data=form(sandbox, **change))
        said = answer.json()
        assert (answer.status_code, said["error"], said["error_codes"]) == (status, error, [number])
        assert said["error_description"].startswith(f"AADSTS{number}: ")
        assert {"timestamp", "trace_id", "correlation_id"} <= set(said)
        elsewhere = sandbox.doors.token_url.replace(TENANT, "elsewhere")
        assert (await client.post(elsewhere, data=form(sandbox))).json()["error_codes"] == [90002]


@pytest.mark.parametrize(("old", "new"), [("127.0.0.1", "localhost"), ("/.default", "//.default")])
async def test_the_service_may_be_named_as_clients_do(old: str, new: str) -> None:
    async with served(Front(crm_way="entra")) as (sandbox, client):
        scope = form(sandbox)["scope"].replace(old, new)
        given = (await client.post(sandbox.doors.token_url, data=form(sandbox, scope=scope))).json()
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        assert (await client.get(f"{sandbox.crm_url}/WhoAmI", headers=headers)).status_code == 200


def test_what_keeps_the_servers_from_starting_is_raised() -> None:
    with (
        pytest.raises(ValueError, match="no way to sign in called kerberos"),
        start_in_thread(nav_state(Seeds(ROWS, {})), CrmState.build(), front=Front(nav_way="kerberos")),
    ):
        pass


async def test_basic_wants_the_user_and_the_password() -> None:
    async with served(Front(nav_way="basic")) as (sandbox, client):
        url = f"{sandbox.nav_url}/Company"
        assert (await client.get(url, auth=("sandbox", sandbox.token))).status_code == 200
        for auth in (("sandbox", "x"), ("x", sandbox.token)):
            assert (await client.get(url, auth=auth)).status_code == 401
        bare = await client.get(url, headers={"Authorization": f"Bearer {sandbox.token}"})
        assert bare.status_code == 401
        assert bare.headers["www-authenticate"].startswith("Basic")


# What [MS-NLMP] 4.2.4 computes for this user, this password and this challenge.
SPECIFIED = ntlm.Account("Domain", "User", "Password")
CHALLENGE = bytes.fromhex("0123456789abcdef")
PROOF = bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c")
BLOB = bytes.fromhex(
    "0101000000000000" + "00" * 8 + "aa" * 8 + "00000000"
    "02000c0044006f006d00610069006e00" + "01000c00530065007200760065007200" + "0000000000000000"
)  # fmt: skip


def third_message(
    proof: bytes = PROOF, domain: str = "Domain", user: str = "User", *, kind: int = 3, cut: int = 0
) -> bytes:
    values = [b"", proof + BLOB, domain.encode("utf-16-le"), user.encode("utf-16-le"), b"", b""]
    head, place = b"NTLMSSP\0" + struct.pack("<I", kind), 64
    for value in values:
        head += struct.pack("<HHI", len(value), len(value), place)
        place += len(value)
    whole = head + bytes(4) + b"".join(values)
    return whole[: len(whole) - cut]


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_is_that_of_its_rfc(text: str, digest: str) -> None:
    assert ntlm.md4(text.encode()).hex() == digest


def test_the_proof_of_the_specification_is_right() -> None:
    assert ntlm.response_key("Password", "User", "Domain").hex() == "0c868a403bfd7a93a3001ef22ef02e3f"
    assert ntlm.is_right(third_message(), CHALLENGE, SPECIFIED)
    assert ntlm.is_right(third_message(user="user"), CHALLENGE, SPECIFIED), "the case of a user does not matter"


@pytest.mark.parametrize(
    "message",
    [
        third_message(proof=bytes(16)),
        third_message(domain="Other"),
        third_message(user="Other"),
        third_message(kind=1),
        third_message(cut=20),
        third_message()[:30],
        b"",
    ],
)
def test_any_other_message_is_not(message: bytes) -> None:
    assert not ntlm.is_right(message, CHALLENGE, SPECIFIED)


def test_a_proof_is_for_one_challenge_and_one_password() -> None:
    assert not ntlm.is_right(third_message(), bytes(8), SPECIFIED)
    assert not ntlm.is_right(third_message(), CHALLENGE, ntlm.Account("Domain", "User", "password"))


async def test_ntlm_asks_first_and_a_third_message_without_a_challenge_is_nothing() -> None:
    async with served(Front(nav_way="ntlm")) as (sandbox, client):
        url = f"{sandbox.nav_url}/Company"
        assert (await client.get(url)).headers["www-authenticate"] == "NTLM"
        first = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAAAAAAAAAA=="
        challenged = await client.get(url, headers={"Authorization": f"NTLM {first}"})
        assert challenged.status_code == 401
        assert challenged.headers["www-authenticate"].startswith("NTLM TlRMTVNTUAACAAAA")
        for text in ("NTLM !!", "NTLM", "NTLM TlRMTVNTUAADAAAA"):
            assert (await client.get(url, headers={"Authorization": text})).status_code == 401
