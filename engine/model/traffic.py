"""How the requests of a run to one of the two services go, as its engine says with each sign of life."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traffic:
    """`under_way` of at most `welcome` requests at once. `used` is the share (0 to 1) of what the service allows in its
    window that is used up, None where it does not tell; `put_off` is how often this engine was put off, and `paused`
    for how many seconds in all.
    """

    name: str
    under_way: int
    welcome: int
    used: float | None = None
    put_off: int = 0
    paused: float = 0.0
