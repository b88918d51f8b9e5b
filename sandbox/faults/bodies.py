"""What goes wrong with bodies on their way: batches lose operations, answers lose parts, links lead elsewhere."""

import json
import re
from random import Random

_BOUNDARY = re.compile(r'boundary="?([^";]+)')
NEXT = "@odata.nextLink"


def halved(content_type: str, body: bytes, random: Random) -> bytes:
    """A batch, JSON or multipart, without its last operations: without one at least, if it has any."""
    if content_type.startswith("multipart/"):
        before, parts, end = _parts(content_type, body)
        return _joined(content_type, before, parts[: random.randrange(max(1, len(parts)))], end)
    content = json.loads(body)
    content["requests"] = content["requests"][: random.randrange(max(1, len(content["requests"])))]
    return json.dumps(content).encode()


def part_missing(content_type: str, body: bytes, random: Random) -> bytes:
    """The answer to a batch without one of its parts; as it was when it has none."""
    if content_type.startswith("multipart/"):
        before, parts, end = _parts(content_type, body)
        if not parts:
            return body
        del parts[random.randrange(len(parts))]
        return _joined(content_type, before, parts, end)
    content = json.loads(body)
    if not content["responses"]:
        return body
    del content["responses"][random.randrange(len(content["responses"]))]
    return json.dumps(content).encode()


def shuffled(body: bytes, random: Random) -> bytes:
    """The answer to a JSON batch with its parts in another order; as it was when chance left them in theirs."""
    content = json.loads(body)
    before = [*content["responses"]]
    random.shuffle(content["responses"])
    return json.dumps(content).encode() if content["responses"] != before else body


def relinked(body: bytes, link: str) -> bytes:
    """A page of a list that says where the next one is; any other answer as it was."""
    content = json.loads(body)
    if not isinstance(content, dict) or not isinstance(content.get("value"), list):
        return body
    return json.dumps({**content, NEXT: link}).encode()


def _parts(content_type: str, body: bytes) -> tuple[bytes, list[bytes], bytes]:
    before, *parts, end = body.split(_boundary(content_type))
    return before, parts, end


def _joined(content_type: str, before: bytes, parts: list[bytes], end: bytes) -> bytes:
    return _boundary(content_type).join([before, *parts, end])


def _boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ValueError(f"no boundary in {content_type!r}")
    return b"--" + found[1].encode()
