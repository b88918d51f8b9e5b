"""What can go wrong, grouped by what to do about it.

    CouplerError
      ConfigError        the operator mends the configuration or the command line; nothing was done
      ConnectionLost     a server cannot be reached or talks nonsense; the run stops and can be resumed
        AccessDenied     a server refuses who we are, or what we may do
        Refused          a server is there, but refuses what one job asks of it; the other jobs go on
      StoreError         the state store cannot be used; nothing is sent without it
        LockHeld         another engine works on the same store
      RunError           the run is not in a state for what was asked
        OnHold           another run is not finished, and goes first
      Brake              going on could do harm; the run stops before it writes

A record that cannot be written is not an exception: it is an outcome (`engine.model.outcome`).
"""

from typing import ClassVar

from engine.model.masking import mask


def sentences(*parts: str) -> str:
    """Parts as sentences in a row, each with its full stop; empty ones are left out."""
    told = [part.strip() for part in parts if part.strip()]
    return " ".join([*(one if one.endswith((".", "!", "?")) else f"{one}." for one in told[:-1]), *told[-1:]])


class CouplerError(Exception):
    """An error that an operator can act upon: a stable code, what happened, and one sentence of what to do.

    What happened may repeat what a server said; it never has a secret in it.
    """

    code: ClassVar[str] = "coupler"

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = mask(message)
        super().__init__(self.message)
        self.hint = hint

    @property
    def told(self) -> str:
        """What happened, and then what to do."""
        return sentences(self.message, self.hint)


class ConfigError(CouplerError):
    """The configuration or the command line cannot be used; `problems` has every fault that was found."""

    code = "config"

    def __init__(self, message: str, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems or (self.message,)


class ConnectionLost(CouplerError):
    """A server cannot be reached, or does not answer as the service that it should be."""

    code = "connection"


class AccessDenied(ConnectionLost):
    """A server does not accept the token or the password, or forbids the operation altogether."""

    code = "access"


class Refused(ConnectionLost):
    """A server does not take a request as such: a page that is not published, a field that is not there."""

    code = "refused"


class StoreError(CouplerError):
    """The state store cannot be opened, read or written."""

    code = "store"


class LockHeld(StoreError):
    """Another engine holds the lock of this store."""

    code = "locked"


class RunError(CouplerError):
    """There is no such run, or it is not in a state for what was asked."""

    code = "run"


class OnHold(RunError):
    """Another run is not finished, and nothing else may begin until it is."""

    code = "on_hold"


class Brake(CouplerError):
    """What was found makes it likely that going on does harm."""

    code = "brake"
