"""Batches of writes: each write ends with a result, and what was put off is sent again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from engine.connectors.client import ODataClient, Unanswered
from engine.connectors.protocol import Result, Status, Write
from engine.connectors.verdicts import Fault, Verdict, judge, refused, unknown


class TooBig(Exception):
    """A service does not take a body of this size."""


@dataclass(slots=True)
class Sent:
    """What one batch came to: results, and writes that the service had no time for."""

    results: dict[str, Result] = field(default_factory=dict)
    throttled: list[Write] = field(default_factory=list)
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


async def carry_out(client: ODataClient, writes: Sequence[Write], send: Send) -> dict[str, Result]:
    """Send one batch, and what was put off again, until every write has a result."""
    results: dict[str, Result] = {}
    pending: Sequence[Write] = writes
    started = client.gate.clock()
    attempt = 0
    while pending:
        attempt += 1
        try:
            sent = await send(pending)
        except Unanswered as error:
            return results | {one.key: unknown(one, str(error)) for one in pending}
        except TooBig as error:
            if len(pending) == 1:
                return results | {
                    pending[0].key: Result(pending[0].key, Status.REJECTED, None, None, "413", str(error))
                }
            half = len(pending) // 2
            results |= await carry_out(client, pending[:half], send)
            return results | await carry_out(client, pending[half:], send)
        results |= sent.results
        pending = sent.throttled
        if pending:
            if client.gate.clock() - started >= client.limits.throttle_patience:
                # not written, but the next look finds that out; what was written must not be lost with an exception
                return results | {one.key: unknown(one, "429, put off too long") for one in pending}
            client.gate.throttled("429", sent.seconds, attempt)
    return results


def sliced(writes: Sequence[Write], size: int) -> list[Sequence[Write]]:
    """The writes in batches; raises ValueError when two have the same key, as one result would be lost."""
    if len({one.key for one in writes}) < len(writes):
        raise ValueError("two writes have the same key")
    if len({(one.entity, one.kind) for one in writes}) > 1:
        raise ValueError("the writes are not of one entity and kind")
    return [writes[start : start + size] for start in range(0, len(writes), size)]
