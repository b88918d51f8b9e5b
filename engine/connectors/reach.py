"""Whether a service can be reached at all: its name, a connection, TLS. Nothing is sent."""

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime

import httpx

from engine.connectors.tls import certificate_hint, certificate_problem
from engine.connectors.urls import origin
from engine.model.errors import ConnectionLost

_SECONDS = 10.0


async def connect(url: httpx.URL) -> str:
    """The numbers under which a service answers; raises ConnectionLost."""
    _, host, port = origin(url)
    try:
        found = await asyncio.wait_for(
            asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM), _SECONDS
        )
    except (OSError, UnicodeError, TimeoutError) as error:
        raise ConnectionLost(f"There is no address for {host}.", "Check the url, and the name server here.") from error
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _SECONDS)
    except (OSError, TimeoutError) as error:
        reason = os.strerror(error.errno) if error.errno else "nothing answers"
        raise ConnectionLost(
            f"{host} port {port} cannot be reached: {reason}.",
            "Check that the server runs, the port in the url, and the firewalls between.",
        ) from error
    peer = writer.get_extra_info("peername")
    await _close(writer)
    numbers = sorted({str(one[4][0]) for one in found})
    return f"{peer[0] if peer else numbers[0]} port {port}"


async def shake_hands(url: httpx.URL, tls: ssl.SSLContext) -> str:
    """The version of TLS, and until when the certificate holds; raises ConnectionLost."""
    _, host, port = origin(url)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=tls, server_hostname=host), _SECONDS)
    except (OSError, TimeoutError) as error:
        if (problem := certificate_problem(error)) is not None:
            raise ConnectionLost(
                f"{host} has no certificate that can be trusted: {problem}.",
                certificate_hint(error),
            ) from error
        raise ConnectionLost(
            f"{host} port {port} does not speak TLS 1.2 or newer.", "Check the port in the url."
        ) from error
    version = writer.get_extra_info("ssl_object").version()
    certificate = writer.get_extra_info("peercert") or {}
    await _close(writer)
    until = certificate.get("notAfter")
    if until is None:
        return str(version)
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)
    return f"{version}, the certificate holds until {end:%Y-%m-%d}"


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
