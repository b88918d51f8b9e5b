"""NTLM: what is signed in is a connection, not a request (reference/apis.md sections 1 and 3, Auth)."""

import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from engine.connectors.auth import SignInUnavailable, WindowsUser, reveal
from engine.model.errors import ConfigError

Connect = Callable[[], httpx.AsyncBaseTransport]


class NtlmTransport(httpx.AsyncBaseTransport):
    """Each request has a connection to itself until its answer was read, so that a handshake never crosses another one.

    Connections are kept. A service may remember who is behind one, or ask again with each request; both are answered.
    """

    def __init__(self, user: WindowsUser, connect: Connect) -> None:
        self._user = user
        self._connect = connect
        self._make = _handshake()
        self._password: str | None = None
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._open: set[httpx.AsyncBaseTransport] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, after the handshake where the service asks for one; raises SignInUnavailable and ConfigError."""
        connection = self._idle.pop() if self._idle else self._connect()
        self._open.add(connection)
        try:
            response = await self._signed_in(connection, request)
        except BaseException:
            self._open.discard(connection)
            await connection.aclose()
            raise
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous transport answers with an asynchronous stream")
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Returning(response.stream, lambda: self._idle.append(connection)),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for connection in list(self._open):  # requests under way end meanwhile, and take theirs out
            await connection.aclose()
        self._idle.clear()
        self._open.clear()

    async def _signed_in(self, connection: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        self._password = self._password or await reveal(self._user.password)
        flow = self._make(self._user.name, self._password).auth_flow(request)
        response = await connection.handle_async_request(next(flow))
        while True:
            response.request = request
            try:
                following = flow.send(response)
            except StopIteration:
                if response.status_code == 401:
                    self._password = None  # it may have been changed meanwhile
                return response
            except Exception as error:
                # the handshake of a service that does not know it: whatever it sent is not shown
                raise SignInUnavailable(f"the NTLM handshake failed ({type(error).__name__})") from error
            await response.aread()
            await response.aclose()
            response = await connection.handle_async_request(following)


class _Returning(httpx.AsyncByteStream):
    """Gives the connection back when the answer was read."""

    def __init__(self, stream: httpx.AsyncByteStream, back: Callable[[], object]) -> None:
        self._stream = stream
        self._back: Callable[[], object] | None = back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
        back, self._back = self._back, None
        if back is not None:
            back()


def _handshake() -> Any:
    try:
        # Optional, and not there for type checkers either.
        return importlib.import_module("httpx_ntlm").HttpNtlmAuth
    except ImportError:
        raise ConfigError(
            "NTLM needs the package httpx-ntlm, which is not installed.", "Install it with: pip install httpx-ntlm"
        ) from None
