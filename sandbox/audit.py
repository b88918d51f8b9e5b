"""The audit log: one JSON line per accepted write, so that a run can be checked from outside."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import msgspec

from sandbox.clock import Clock, system_clock

_ENCODER = msgspec.json.Encoder(decimal_format="number")

Side = Literal["nav", "crm"]
Operation = Literal["create", "update", "delete"]


class Audit:
    """Numbers the accepted writes of both servers and appends them to a file; without a path it keeps nothing."""

    def __init__(self, path: Path | None = None, clock: Clock = system_clock) -> None:
        self._file: IO[bytes] | None = path.open("ab") if path is not None else None
        self._clock = clock
        self._count = 0

    def write(self, side: Side, op: Operation, set: str, key: str, values: Mapping[str, Any]) -> None:
        """Append one line and flush it, so that a reader never lags behind an answer."""
        self._count += 1
        if self._file is None:
            return
        at = self._clock().isoformat().replace("+00:00", "Z")
        line = {"n": self._count, "at": at, "side": side, "op": op, "set": set, "key": key, "values": values}
        self._file.write(_ENCODER.encode(line) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file, when there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
