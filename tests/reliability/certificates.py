"""Servers with every kind of certificate, and what of a secret reaches them: only the right one may get it."""

import asyncio
import contextlib
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import trustme

from engine.connectors import reach
from engine.connectors.auth import EntraApp, WindowsUser
from engine.connectors.client import Limits
from engine.connectors.dataverse import Dataverse
from engine.connectors.nav import NavPages
from engine.model.errors import ConfigError, ConnectionLost, CouplerError
from tests.reliability.line import Line, Measured

CANARY = "canary-of-certificates"
_ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"value":[]}'
)

_HELLO = b"\x16\x03"
"""How a client begins that speaks TLS."""


@dataclass
class Met:
    """`right` of `tried` meetings went as they must; `skipped` are servers that cannot be made here."""

    tried: int = 0
    right: int = 0
    faults: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Peer:
    """A server: what it shows, the name by which it is asked for, and whether the secret may reach it."""

    name: str
    make: Callable[[trustme.CA, Path], ssl.SSLContext | None]
    host: str = "localhost"
    good: bool = False
    says: str = "certificate"
    """What the message says of it."""


def _shows(**options: Any) -> Callable[[trustme.CA, Path], ssl.SSLContext]:
    names = options.pop("names", ("localhost", "127.0.0.1"))
    other = options.pop("other", False)

    def make(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
        del folder
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (trustme.CA() if other else authority).issue_cert(*names, **options).configure_cert(context)
        return context

    return make


def _self_signed(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
    """An authority that shows its own certificate as a server's."""
    del authority
    own = trustme.CA()
    (folder / "own.pem").write_bytes(own.cert_pem.bytes())
    (folder / "own.key").write_bytes(own.private_key_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    return context


def _from_below(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
    """A certificate made by a server's certificate, which is no authority's."""
    leaf = authority.create_child_ca().issue_cert("localhost")
    (folder / "leaf.key").write_bytes(leaf.private_key_pem.bytes())
    (folder / "leaf.pem").write_bytes(leaf.cert_chain_pems[0].bytes())  # and not the authority between
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
    return context


def _old(version: ssl.TLSVersion) -> Callable[[trustme.CA, Path], ssl.SSLContext]:
    def make(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
        context = _shows()(authority, folder)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of these versions, which is why they are tried
            context.minimum_version = version
            context.maximum_version = version
        return context

    return make


_DAY = timedelta(days=1)
_NOW = datetime.now(UTC)
PEERS = (
    Peer("right", _shows(), good=True),
    Peer("right, by its number", _shows(), "127.0.0.1", good=True),
    Peer("right, TLS 1.2", _old(ssl.TLSVersion.TLSv1_2), good=True),
    Peer("another host", _shows(names=("other.example",))),
    Peer("another number", _shows(names=("localhost", "127.0.0.2")), "127.0.0.1"),
    Peer("a name as its common name only", _shows(names=("other.example",), common_name="localhost")),
    Peer("a pattern for everything", _shows(names=("*.localhost",))),
    Peer("an unknown authority", _shows(other=True)),
    Peer("no authority between", _from_below),
    Peer("self-signed", _self_signed),
    Peer("expired", _shows(not_before=_NOW - 9 * _DAY, not_after=_NOW - _DAY)),
    Peer("not valid yet", _shows(not_before=_NOW + _DAY, not_after=_NOW + 9 * _DAY)),
    Peer("TLS 1.1", _old(ssl.TLSVersion.TLSv1_1), says=""),
    Peer("TLS 1.0", _old(ssl.TLSVersion.TLSv1), says=""),
    Peer("no TLS at all", lambda authority, folder: None, says=""),
)

PLAIN = (
    "http://nav.example/ODataV4", "http://10.0.0.1/ODataV4", "http://192.168.1.1:7048/BC", "http://127.0.0.1.evil.example/x",
    "http://localhost.evil.example/x", "http://[::2]/x", "http://0.0.0.0:1/x", "http://[::ffff:10.0.0.1]/x", "ftp://127.0.0.1/x", "ws://localhost/x",
)  # fmt: skip
"""Addresses without TLS that are not this machine's."""


class _Server:
    """Takes down every byte that arrives, decrypted where there is TLS."""

    def __init__(self) -> None:
        self.heard = b""
        self.port = 0
        self.versions: set[str | None] = set()


@contextlib.asynccontextmanager
async def _listening(context: ssl.SSLContext | None) -> AsyncIterator[_Server]:
    server = _Server()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secured = writer.get_extra_info("ssl_object")
        server.versions.add(None if secured is None else secured.version())
        with contextlib.suppress(OSError):
            while not (server.heard.startswith(_HELLO) or b"\r\n\r\n" in server.heard) and (
                some := await reader.read(65536)
            ):
                server.heard += some
            writer.write(_ANSWER)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await asyncio.sleep(0.05)


def _secrets() -> dict[str, Any]:
    return {
        "token": ("", CANARY),
        "password": ("me", CANARY),
        "client secret": ("", "entra"),
        "ntlm": ("", WindowsUser("CORP\\me", CANARY)),
    }


def meet(peers: tuple[Peer, ...] = PEERS) -> Met:
    """Ask every server with every kind of secret, and look what it heard."""
    return asyncio.run(_meet(peers))


async def _meet(peers: tuple[Peer, ...]) -> Met:
    met = Met()
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        for peer in peers:
            try:
                context = peer.make(authority, folder)
                if peer.name.startswith("TLS 1.") and not _offers(context):
                    raise ssl.SSLError("it cannot be offered")
            except (ssl.SSLError, ValueError) as error:
                met.skipped.append(f"{peer.name}: {error}")
                continue
            for kind, (user, secret) in _secrets().items():
                async with _listening(context) as server:
                    await _one(met, peer, f"{peer.name}, {kind}", server, user, secret, str(folder / "ca.pem"))
            if context is not None:
                async with _listening(context) as server:
                    await _shake(met, peer, server, str(folder / "ca.pem"))
    _plain(met)
    return met


async def _one(met: Met, peer: Peer, what: str, server: _Server, user: str, secret: Any, ca_file: str) -> None:
    met.tried += 1
    url = f"https://{peer.host}:{server.port}/api"
    limits = Limits(connect=5, read=5, total=10, patience=0.0)
    if secret == "entra":
        secret = EntraApp(f"{url}/token", "app", "s/.default", CANARY)
    side: Any = (
        NavPages(url, secret, "C", user=user, limits=limits, ca_file=ca_file)
        if user or isinstance(secret, WindowsUser)
        else Dataverse(url, secret, limits=limits, ca_file=ca_file)
    )
    said = ""
    try:
        await side.find("accounts", "name", ["x"], ("name",))
    except CouplerError as error:
        said = error.told
    finally:
        await side.close()
    if CANARY in said:
        met.faults.append(f"{what}: the message shows the secret")
    elif peer.good:
        if b"HTTP/1.1" not in server.heard:
            met.faults.append(f"{what}: nothing reached the right server: {said}")
        else:
            met.right += 1
    elif b"HTTP/1.1" in server.heard or not said:
        met.faults.append(f"{what}: {server.heard[:200]!r} reached it")
    elif peer.says not in said:
        met.faults.append(f"{what}: the message is {said}")
    else:
        met.right += 1


async def _shake(met: Met, peer: Peer, server: _Server, ca_file: str) -> None:
    """The same for the look at a connection, which sends nothing."""
    met.tried += 1
    side = Dataverse(f"https://{peer.host}:{server.port}/api", CANARY, ca_file=ca_file)
    try:
        said = await reach.shake_hands(httpx.URL(str(side.service.root)), side.service.tls)
        right = peer.good and said.startswith("TLSv1.")
    except ConnectionLost:
        right = not peer.good
    await side.close()
    if right and not server.heard:
        met.right += 1
    else:
        met.faults.append(f"{peer.name}, looked at: {server.heard[:100]!r}")


def _offers(context: ssl.SSLContext | None) -> bool:
    """Whether a client that takes anything meets a server here: OpenSSL may have been built without old versions."""
    assert context is not None
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.check_hostname = False
    theirs.verify_mode = ssl.CERT_NONE
    theirs.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs.minimum_version = context.maximum_version
    c_in, c_out, s_in, s_out = (ssl.MemoryBIO() for _ in range(4))
    client, server = theirs.wrap_bio(c_in, c_out), context.wrap_bio(s_in, s_out, server_side=True)
    done = 0
    for _ in range(10):
        done = 0
        for side in (client, server):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
            s_in.write(c_out.read())
            c_in.write(s_out.read())
        if done == 2:
            return True
    return False


def _plain(met: Met) -> None:
    for url in PLAIN:
        for make in (lambda: Dataverse(url, CANARY), lambda: NavPages(url, CANARY, "C")):  # noqa: B023  # called at once
            met.tried += 1
            try:
                make()
                met.faults.append(f"{url} is accepted")
            except ConfigError as error:
                met.right += CANARY not in error.told


def _measure() -> Measured:
    met = meet()
    text = f"{met.right}/{met.tried}" + "".join(f"; skipped: {one}" for one in met.skipped)
    return Measured(text, met.right == met.tried and not met.faults and not met.skipped, tuple(met.faults))


LINES: tuple[Line, ...] = (Line("certificates and plain http: secrets only at the right server", "all", _measure),)
