"""One row that comes with others, such as a price list: made under an id of ours, whatever becomes of the answers."""

from engine.connectors.protocol import Result, Side, Status, Write

_ROUNDS = 4


async def create_one(side: Side, write: Write, key: str) -> Result:
    """Create a row unless it is there; what got no answer is looked up, and sent again under the same id."""
    result = (await side.write([write]))[write.key]
    for _ in range(_ROUNDS):
        if result.status is not Status.UNKNOWN:
            break
        if write.id in await side.fetch(write.entity, key, [str(write.id)], (key,)):
            return Result(write.key, Status.DONE, write.id)
        result = (await side.write([write]))[write.key]
    return result
