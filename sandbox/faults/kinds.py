"""The kinds of faults (reference/reliability.md 3.2): which requests they befall, and what happens then."""

import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from sandbox.faults.bodies import halved, part_missing, relinked, shuffled
from sandbox.faults.exchange import Answer, Exchange

LATEST = 3.0
"""Seconds after which a request that comes late has come; less than `settle_wait` of the sandbox's config file."""
_HANGS = 8.0
_PIECES = 40
_FOREIGN = "https://elsewhere.example/api/data/v9.2/accounts?$skiptoken=1"
_MEGABYTE = 1 << 20
_TOO_LARGE = 96
"""Megabytes, which is more than a client should take."""
_ODD_WAITS = (None, b"0", b"1", b"-5", b"soon", b"1.5", b"")


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault: what happens, and whether it can befall a request; of some, the answer decides (`Exchange.spared`)."""

    happen: Callable[[Exchange], Awaitable[None]]
    fits: Callable[[Exchange], bool] = lambda _: True


async def _reset_before(one: Exchange) -> None:
    await one.reset()


async def _reset_after(one: Exchange) -> None:
    await one.serve()
    await one.reset()


async def _cut(one: Exchange) -> None:
    await one.cut(await one.serve())


async def _truncated(one: Exchange) -> None:
    answer = await one.serve()
    await one.give(answer.with_body(answer.body[: len(answer.body) // 2]))


async def _drip(one: Exchange) -> None:
    await one.drip(await one.serve(), _PIECES)


async def _hang_before(one: Exchange) -> None:
    await one.hang(_HANGS)


async def _hang_after(one: Exchange) -> None:
    await one.serve()
    await one.hang(_HANGS)


async def _throttled(one: Exchange) -> None:
    wait = one.random.choice(_ODD_WAITS)
    headers = [(b"content-type", b"application/json")]
    if wait is not None:
        headers.append((b"retry-after", wait or format_datetime(_soon(), usegmt=True).encode()))
    await one.give(Answer(429, headers, b'{"error":{"code":"0x80072322","message":"Too many requests."}}'))


def _soon() -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)


async def _html_before(one: Exchange) -> None:
    await one.give(_web_page(one.random.choice((408, 500, 502, 503, 504))))


async def _html_after(one: Exchange) -> None:
    await one.serve()
    await one.give(_web_page(one.random.choice((500, 502, 503, 504))))


def _web_page(status: int) -> Answer:
    page = f"<html><title>{status}</title><body>\x1b[2JThe page cannot be displayed.</body></html>"
    return Answer(status, [(b"content-type", b"text/html")], page.encode())


async def _twice(one: Exchange) -> None:
    answer = await one.serve()
    await one.serve()
    await one.give(answer)


async def _late(one: Exchange) -> None:
    one.later(one.random.uniform(0.0, LATEST), one.serve)
    await one.reset()


async def _half_batch(one: Exchange) -> None:
    await one.serve(halved(one.content_type, one.body, one.random))
    await one.give(_web_page(503))


async def _part_missing(one: Exchange) -> None:
    await _changed(one, lambda answer: part_missing(answer.content_type, answer.body, one.random))


async def _out_of_order(one: Exchange) -> None:
    await _changed(one, lambda answer: shuffled(answer.body, one.random))


async def _next_loop(one: Exchange) -> None:
    await _changed(one, lambda answer: _led(answer, one.address))


async def _next_foreign(one: Exchange) -> None:
    await _changed(one, lambda answer: _led(answer, _FOREIGN))


def _led(answer: Answer, link: str) -> bytes:
    return relinked(answer.body, link) if answer.content_type.startswith("application/json") else answer.body


async def _changed(one: Exchange, change: Callable[[Answer], bytes]) -> None:
    """Give an answer with another body, unless it is that of an error or the change leaves it as it was."""
    answer = await one.serve()
    body = change(answer) if answer.status == 200 else answer.body
    one.spared = body == answer.body
    await one.give(answer if one.spared else answer.with_body(body))


async def _oversize(one: Exchange) -> None:
    await one.pour(Answer(200, [(b"content-type", b"application/json")], b" " * _MEGABYTE), _TOO_LARGE)


async def _bomb(one: Exchange) -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b" " * _MEGABYTE) for _ in range(_TOO_LARGE)) + packer.flush()
    await one.give(Answer(200, [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], packed))


def _writes(one: Exchange) -> bool:
    return not one.reads


def _is_batch(one: Exchange) -> bool:
    return one.is_batch


def _is_json_batch(one: Exchange) -> bool:
    return one.is_batch and not one.content_type.startswith("multipart/")


def _may_come_twice(one: Exchange) -> bool:
    """Not what makes records whose ids the server chooses: nobody could tell the second from one that is meant."""
    if one.is_batch:
        return one.content_type.startswith("multipart/") or b'"POST"' not in one.body
    return not one.reads and (one.method != "POST" or b'"Targets"' in one.body)


KINDS: Mapping[str, Kind] = {
    "reset-before": Kind(_reset_before),
    "reset-after": Kind(_reset_after),
    "cut": Kind(_cut),
    "truncated": Kind(_truncated),
    "drip": Kind(_drip),
    "hang-before": Kind(_hang_before),
    "hang-after": Kind(_hang_after),
    "throttled": Kind(_throttled),
    "html-before": Kind(_html_before),
    "html-after": Kind(_html_after),
    "twice": Kind(_twice, _may_come_twice),
    "late": Kind(_late, _writes),
    "half-batch": Kind(_half_batch, _is_batch),
    "part-missing": Kind(_part_missing, _is_batch),
    "out-of-order": Kind(_out_of_order, _is_json_batch),
    "next-loop": Kind(_next_loop, lambda one: one.reads),
    "next-foreign": Kind(_next_foreign, lambda one: one.reads),
    "oversize": Kind(_oversize, lambda one: one.reads),
    "bomb": Kind(_bomb, lambda one: one.reads),
}
