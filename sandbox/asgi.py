"""The few things that what stands in front of a server does with a request itself."""

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

Header = tuple[bytes, bytes]


def header(scope: Scope, name: bytes) -> str:
    """The value of a header, by its name in lower case; blank when there is none."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def read_body(receive: Receive) -> bytes:
    """All of what was sent."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def answer(send: Send, status: int, body: bytes, headers: Sequence[Header] = ()) -> None:
    """Answer with a JSON body."""
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
