"""Batches of writes: each write ends with a result, and what was put off is sent again."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from engine.connectors import urls
from engine.connectors.client import ODataClient, Unanswered
from engine.connectors.protocol import CutShort, Halted, Result, Status, Write, how_far
from engine.connectors.together import each_to_its_end
from engine.connectors.verdicts import Fault, Verdict, judge, refused, unknown
from engine.model.errors import ConnectionLost


class TooBig(Exception):
    """A service does not take a body of this size."""


@dataclass(slots=True)
class Sent:
    """What one batch came to: results, writes that the service had no time for, and others that were not carried out.

    With `end`, nothing more can be sent, and of writes that are nowhere in here nothing is known.
    """

    results: dict[str, Result] = field(default_factory=dict)
    throttled: list[Write] = field(default_factory=list)
    unsent: list[Write] = field(default_factory=list)
    end: Halted | ConnectionLost | None = None
    seconds: float | None = None

    def end_at(self, write: Write, end: Halted | ConnectionLost) -> None:
        """Note a write that was not carried out, and why none can be; an error says more than a stop."""
        self.unsent.append(write)
        if self.end is None or isinstance(self.end, Halted):
            self.end = end

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
"""Sends one batch; raises Unanswered and TooBig, and Halted and ConnectionLost when nothing of it was carried out."""
One = Callable[[Sequence[Write]], Awaitable[dict[str, Result]]]
"""Carries out one batch; raises Halted and ConnectionLost."""


async def carry_out(client: ODataClient, writes: Sequence[Write], send: Send) -> dict[str, Result]:
    """Send one batch, and what was put off again, until every write has a result.

    Raises Halted and ConnectionLost; `how_far` tells what was done before.
    """
    results: dict[str, Result] = {}
    pending: Sequence[Write] = writes
    started = client.gate.clock()
    attempt = 0
    while pending:
        attempt += 1
        try:
            sent = await send(pending)
        except (Halted, ConnectionLost) as end:
            how_far(end).add(results, _keys(pending))
            raise
        except Unanswered as error:
            return results | {one.key: unknown(one, str(error)) for one in pending}
        except TooBig as error:
            if len(pending) == 1:
                return results | {
                    pending[0].key: Result(pending[0].key, Status.REJECTED, None, None, "413", str(error))
                }
            first, second = pending[: len(pending) // 2], pending[len(pending) // 2 :]
            left = _keys(second)
            try:
                results |= await carry_out(client, first, send)
                left = frozenset()
                return results | await carry_out(client, second, send)
            except (Halted, ConnectionLost) as end:
                how_far(end).add(results, left)
                raise
        results |= sent.results
        pending = sent.throttled
        waited = client.gate.clock() - started
        if sent.end is None and pending and waited >= client.limits.throttle_patience:
            sent.end = ConnectionLost(
                f"{urls.shown(client.root)} has put off records of a batch for {waited:.0f} s (429).",
                "Others use up the limits of this user; it can go on later.",
            )
        if sent.end is not None:
            how_far(sent.end).add(results, _keys((*sent.unsent, *pending)))
            raise sent.end
        if pending:
            client.gate.throttled("429", sent.seconds, attempt)
    return results


async def all_carried_out(batches: Iterable[Sequence[Write]], one: One) -> dict[str, Result]:
    """The results of batches of writes by key. The first error, else a stop, is raised with what is known of all."""
    whole = CutShort()
    ends: list[Halted | ConnectionLost] = []

    async def carry(batch: Sequence[Write]) -> None:
        try:
            whole.add(await one(batch))
        except (Halted, ConnectionLost) as end:
            known = how_far(end)
            whole.add(known.results, known.unsent)
            ends.append(end)

    await each_to_its_end(carry(batch) for batch in batches)
    if ends:
        end = next((one for one in ends if not isinstance(one, Halted)), ends[0])
        how_far(end).add(whole.results, whole.unsent)
        raise end
    return dict(whole.results)


def _keys(writes: Iterable[Write]) -> frozenset[str]:
    return frozenset(one.key for one in writes)


def sliced(writes: Sequence[Write], size: int) -> list[Sequence[Write]]:
    """The writes in batches; raises ValueError when two have the same key, as one result would be lost."""
    if len({one.key for one in writes}) < len(writes):
        raise ValueError("two writes have the same key")
    if len({(one.entity, one.kind) for one in writes}) > 1:
        raise ValueError("the writes are not of one entity and kind")
    return [writes[start : start + size] for start in range(0, len(writes), size)]
