"""A loopback proxy in front of one server, which may put another answer in the place of the server's."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable

Change = Callable[[bytes, bytes], bytes | None]
"""From a request and the server's answer: what to answer instead, and then hang up; None for what the server said."""


class Between:
    """Listens until it is closed. `change` can be replaced at any time."""

    def __init__(self, port: int, change: Change) -> None:
        self.change = change
        self.upstream = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Breaks off all connections; whoever comes later is served."""

        async def abort() -> None:
            for writer in list(self._writers):
                writer.transport.abort()

        asyncio.run_coroutine_threadsafe(abort(), self._loop).result()

    def close(self) -> None:
        """Ends it."""

        async def end() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                request = await message(reader)
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
                up_writer.write(request)
                answer = await message(up_reader)
                up_writer.close()
                changed = self.change(request, answer)
                writer.write(answer if changed is None else changed)
                await writer.drain()
                if changed is not None:
                    break
        self._writers.discard(writer)
        writer.close()


def html(_request: bytes, _answer: bytes) -> bytes:
    """A page of something else."""
    page = b"<html><body>Please log in \x1b[2J</body></html>"
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page) + page


def half_of_accounts(request: bytes, answer: bytes) -> bytes | None:
    """Lists of accounts break off before their end."""
    line = request.partition(b"\r\n")[0]
    return answer[: len(answer) - 20] if b"/accounts?" in line and b"orderby" in line else None


def redirect(_request: bytes, _answer: bytes) -> bytes:
    """The address of another server."""
    return b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n"


def nothing(_request: bytes, _answer: bytes) -> None:
    """What the server says."""


def slowly(_request: bytes, _answer: bytes) -> None:
    """What the server says, one answer after the other and each a while later."""
    time.sleep(0.05)


async def message(reader: asyncio.StreamReader) -> bytes:
    """The next request or answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head + (await reader.readexactly(int(found[1])) if found else b"")
