"""Batches of writes: each write ends with a result, and what was put off is sent again."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.connectors.client import ODataClient, Unanswered
from engine.connectors.protocol import Halted, Result, Status, Write
from engine.connectors.together import each_to_its_end
from engine.connectors.verdicts import Fault, Verdict, judge, refused, unknown


class TooBig(Exception):
    """A service does not take a body of this size."""


@dataclass(slots=True)
class Sent:
    """What one batch came to: results, writes that the service had no time for, and those that a stop held back."""

    results: dict[str, Result] = field(default_factory=dict)
    throttled: list[Write] = field(default_factory=list)
    halted: list[Write] = field(default_factory=list)
    seconds: float | None = None

    def put_off(self, write: Write, seconds: float | None) -> None:
        """Note a write that was not carried out; the longest wait counts."""
        self.throttled.append(write)
        if seconds is not None:
            self.seconds = max(seconds, self.seconds or 0.0)

    def refuse(self, write: Write, status: int, problem: Fault, seconds: float | None) -> bool:
        """Note a write that was not done. False when the answer says that none can be: the service refuses us."""
        verdict = judge(status, problem.code)
        if verdict in (Verdict.DENIED, Verdict.FATAL):
            return False
        if verdict is Verdict.THROTTLED:
            self.put_off(write, seconds)
        else:
            self.results[write.key] = refused(write, verdict, problem)
        return True


Send = Callable[[Sequence[Write]], Awaitable[Sent]]
"""Sends one batch; raises Unanswered and TooBig."""
One = Callable[[Sequence[Write]], Awaitable[dict[str, Result]]]
"""Carries out one batch; raises Halted."""


async def carry_out(client: ODataClient, writes: Sequence[Write], send: Send) -> dict[str, Result]:
    """Send one batch, and what was put off again, until every write has a result; raises Halted."""
    results: dict[str, Result] = {}
    pending: Sequence[Write] = writes
    started = client.gate.clock()
    attempt = 0
    while pending:
        attempt += 1
        try:
            sent = await send(pending)
        except Halted as stop:
            raise Halted(results, frozenset(one.key for one in pending)) from stop
        except Unanswered as error:
            return results | {one.key: unknown(one, str(error)) for one in pending}
        except TooBig as error:
            if len(pending) == 1:
                return results | {
                    pending[0].key: Result(pending[0].key, Status.REJECTED, None, None, "413", str(error))
                }
            first, second = pending[: len(pending) // 2], pending[len(pending) // 2 :]
            try:
                results |= await carry_out(client, first, send)
            except Halted as stop:
                unsent = stop.unsent | {one.key for one in second}
                raise Halted({**results, **stop.results}, unsent) from stop
            try:
                return results | await carry_out(client, second, send)
            except Halted as stop:
                raise Halted({**results, **stop.results}, stop.unsent) from stop
        results |= sent.results
        if sent.halted:
            raise Halted(results, frozenset(one.key for one in (*sent.halted, *sent.throttled)))
        pending = sent.throttled
        if pending:
            if client.gate.clock() - started >= client.limits.throttle_patience:
                # not written, but the next look finds that out; what was written must not be lost with an exception
                return results | {one.key: unknown(one, "429, put off too long") for one in pending}
            client.gate.throttled("429", sent.seconds, attempt)
    return results


async def all_carried_out(batches: Iterable[Sequence[Write]], one: One) -> dict[str, Result]:
    """The results of batches of writes by key. When some were halted, what is known of all of them is raised."""
    results: dict[str, Result] = {}
    unsent: frozenset[str] = frozenset()
    halted = False
    for known in await each_to_its_end(_known(one, batch) for batch in batches):
        results |= known.results
        unsent |= known.unsent
        halted = halted or known.halted
    if halted:
        raise Halted(results, unsent)
    return results


@dataclass(frozen=True, slots=True)
class _Known:
    results: Mapping[str, Result]
    unsent: frozenset[str] = frozenset()
    halted: bool = False


async def _known(one: One, batch: Sequence[Write]) -> _Known:
    try:
        return _Known(await one(batch))
    except Halted as end:
        return _Known(end.results, end.unsent, halted=True)


def sliced(writes: Sequence[Write], size: int) -> list[Sequence[Write]]:
    """The writes in batches; raises ValueError when two have the same key, as one result would be lost."""
    if len({one.key for one in writes}) < len(writes):
        raise ValueError("two writes have the same key")
    if len({(one.entity, one.kind) for one in writes}) > 1:
        raise ValueError("the writes are not of one entity and kind")
    return [writes[start : start + size] for start in range(0, len(writes), size)]
