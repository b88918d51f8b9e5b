"""Packages of which each part is loaded when it is first named: a screen costs nothing until it is opened, and checking
the configuration nothing where it is not checked.
"""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any


def on_first_use(
    package: str, names: Collection[str], elsewhere: Mapping[str, str] = MappingProxyType({})
) -> Callable[[str], Any]:
    """The `__getattr__` of a package: each of its names stands in the module that is called like it, in small letters,
    if `elsewhere` does not say another; any other name raises AttributeError.
    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{elsewhere.get(name, name.lower())}"), name)

    return load
