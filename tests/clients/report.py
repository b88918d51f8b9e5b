"""How a driver says what its client did: one JSON line for the client, then one for each feature."""

import json
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Literal

Feature = Callable[[], str | None]
_FEATURES: list[tuple[str, Feature]] = []


def feature(name: str) -> Callable[[Feature], Feature]:
    """Declare a function as what shows one feature: it raises when the feature does not work, and may say more."""

    def declare(function: Feature) -> Feature:
        _FEATURES.append((name, function))
        return function

    return declare


def report(package: str, against: Literal["CRM", "NAV"]) -> None:
    """Go through the features in the order in which they were declared, and print a line for each."""
    _say(client=package, version=version(package), against=against)
    for name, function in _FEATURES:
        try:
            detail = function() or ""
            _say(feature=name, ok=True, detail=detail)
        except Exception as error:  # noqa: BLE001 - whatever the client raises is the answer
            traceback.print_exc(file=sys.stderr)
            _say(feature=name, ok=False, detail=f"{type(error).__name__}: {error}")


def _say(**line: object) -> None:
    print(json.dumps(line), flush=True)
