"""Both servers in one process: on loopback, on ports that are free, behind one token."""

import asyncio
import secrets
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import uvicorn
from starlette.types import ASGIApp

from sandbox.crm.app import create_app as crm_app
from sandbox.crm.state import CrmState
from sandbox.faults.exchange import Wired
from sandbox.front import Doors, Front
from sandbox.nav.app import create_app as nav_app
from sandbox.nav.state import NavState

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Two servers that are ready. The addresses are those a config file takes; states and doors may be looked into."""

    nav_url: str
    crm_url: str
    token: str
    nav: NavState
    crm: CrmState
    doors: Doors


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: two servers share the process, and whoever runs them ends them."""
        yield


@asynccontextmanager
async def running(
    nav: NavState,
    crm: CrmState,
    *,
    nav_port: int = 0,
    crm_port: int = 0,
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
    front: Front = Front(),  # noqa: B008 - frozen
    hosts: Collection[str] = (),
) -> AsyncIterator[Sandbox]:
    """Serve both states until the block ends, over https with `tls`; NAV also under the names of `hosts`.

    Port 0 is any free one; raises OSError when a port is taken.
    """
    secret = secrets.token_urlsafe(32) if token is None else token
    scheme = "http" if tls is None else "https"
    with _listening(nav_port) as nav_socket, _listening(crm_port) as crm_socket:
        nav_origin, crm_origin = (f"{scheme}://{_HOST}:{one.getsockname()[1]}" for one in (nav_socket, crm_socket))
        doors = front.put_before(nav_app(nav, secret, hosts), crm_app(crm, secret), secret, nav_origin, crm_origin)
        if front.faults:
            servers = [_server(one, tls, Wired) for one in (doors.nav_faults, doors.crm_faults)]
        else:
            servers = [_server(one, tls) for one in (doors.nav, doors.crm)]
        tasks = [
            asyncio.create_task(server.serve([listener]))
            for server, listener in zip(servers, (nav_socket, crm_socket), strict=True)
        ]
        try:
            yield Sandbox(
                f"{nav_origin}/{quote(nav.instance)}/ODataV4",
                f"{crm_origin}/api/data/v9.2",
                secret,
                nav,
                crm,
                doors,
            )
        finally:
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)


@contextmanager
def start_in_thread(
    nav: NavState,
    crm: CrmState,
    *,
    nav_port: int = 0,
    crm_port: int = 0,
    token: str | None = None,
    front: Front = Front(),  # noqa: B008 - frozen
    tls: ssl.SSLContext | None = None,
) -> Iterator[Sandbox]:
    """The same for callers without an event loop, or with one that must stay free; raises what hinders its start."""
    ready = threading.Event()
    found: list[Sandbox | Exception] = []
    end: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        try:
            async with running(
                nav, crm, nav_port=nav_port, crm_port=crm_port, token=token, front=front, tls=tls
            ) as sandbox:
                found.append(sandbox)
                end.append((asyncio.get_running_loop(), stop))
                ready.set()
                await stop.wait()
        except Exception as error:
            if ready.is_set():
                raise
            found.append(error)
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="sandbox", daemon=True)
    thread.start()
    ready.wait()
    if isinstance(found[0], Exception):
        raise found[0]
    try:
        yield found[0]
    finally:
        for loop, stop in end:
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def _listening(port: int) -> socket.socket:
    """A socket that takes connections from now on, so that whoever learns its port is never refused."""
    # asyncio turns Nagle's algorithm off only for sockets that say that they are TCP
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror, f"port {port}") from error
    return listener


def _server(
    app: ASGIApp, tls: ssl.SSLContext | None, protocol: type[asyncio.Protocol] | Literal["auto"] = "auto"
) -> _Server:
    config = uvicorn.Config(
        app,
        http=protocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        h11_max_incomplete_event_size=128 * 1024,  # CRM itself refuses a URL that is too long, with its own error
        timeout_keep_alive=120,  # as web servers of these products do: a client that pauses finds its connection again
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = tls  # the settings know only files, and a key that is made for one start belongs in none
    return _Server(config)
