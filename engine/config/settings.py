"""What config.toml says, checked and complete; frozen, so that every part of a run sees the same."""

from dataclasses import dataclass, field
from pathlib import Path

from engine.config.notify import Notification
from engine.config.secrets import Secret
from engine.config.ui import UiSettings, is_production
from engine.mapping.defaults import default_mappings, default_schedule
from engine.mapping.wording import served
from engine.model.mapping import TableMapping
from engine.model.schedule import Schedule

__all__ = ["CrmSettings", "NavSettings", "RunSettings", "Settings", "StoreSettings", "UiSettings"]


@dataclass(frozen=True, slots=True)
class NavSettings:
    """The NAV or Business Central side. The secret is a token, or the password or web service access key of `user`, or
    the client secret of the application `client_id`, as `auth` says (engine/config/signin.py).

    `ca_file` has the certificates of the authorities that are trusted, else those of this machine are.
    `kind` is "odata" for pages published over OData V4, or "api" for Business Central API v2.0.
    """

    url: str
    company: str
    secret: Secret
    kind: str = "odata"
    version: str = "bc"
    auth: str = "token"
    user: str | None = None
    client_id: str | None = None
    token_url: str | None = None
    scope: str | None = None
    marker_field: str | None = None
    settle_wait: float = 660
    page_size: int = 1000
    batch: int = 100
    concurrency: int = 5
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class CrmSettings:
    """The CRM or Dataverse side. `secret`, `auth` and `ca_file` mean the same as in `NavSettings`.

    `concurrency` is how many requests are sent at a time; with None, as many as the service itself recommends.
    """

    url: str
    secret: Secret
    auth: str = "token"
    user: str | None = None
    client_id: str | None = None
    token_url: str | None = None
    scope: str | None = None
    settle_wait: float = 130
    page_size: int = 1000
    batch: int = 100
    concurrency: int | None = None
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the state store is: an SQLAlchemy URL with an absolute path, or of a PostgreSQL database."""

    url: str


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a full synchronization behaves."""

    continue_after_failure: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `path` is the file that it came from, absolute, so that other processes can be started with it."""

    path: Path
    environment: str
    nav: NavSettings
    crm: CrmSettings
    store: StoreSettings
    run: RunSettings
    ui: UiSettings
    mappings: tuple[TableMapping, ...] = ()
    """In run order; the built-in ones of the NAV version when none are given. Only what the kind of NAV side serves."""
    left_out: tuple[str, ...] = ()
    """What of the mappings it does not serve, a line each."""
    notify: tuple[Notification, ...] = ()
    """Whom to tell about runs."""
    schedule: Schedule = field(default_factory=default_schedule)

    def __post_init__(self) -> None:
        mappings = self.mappings or default_mappings(self.nav.version)
        if self.nav.kind == "api":
            mappings, lines = served(mappings)
            object.__setattr__(self, "left_out", self.left_out + lines)
        object.__setattr__(self, "mappings", mappings)

    @property
    def mappings_left_out(self) -> list[tuple[str, str]]:
        """The mappings that are not served at all, each with the reason."""
        lines = (line.partition(": ") for line in self.left_out)
        return [(place.removeprefix("mapping."), reason) for place, _, reason in lines if ".fields." not in place]

    @property
    def production(self) -> bool:
        """Whether screens must ask twice before anything is written."""
        return is_production(self.environment)
