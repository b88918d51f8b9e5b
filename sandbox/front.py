"""What stands between the network and the two servers: who may ask, how long it takes, and how much a user may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from sandbox.entra import LIFETIME, TENANT, Entra
from sandbox.faults.front import Faults
from sandbox.limits import Rules
from sandbox.odata.errors import crm_body, nav_body
from sandbox.signin import Password, SignIn, TokenFor, Way, Windows
from sandbox.throttle import Latency, Throttle


@dataclass(frozen=True, slots=True)
class Front:
    """How both servers behave towards the network; without anything, they answer the bearer of their token at once.

    `nav_way` and `crm_way` are of `signin.WAYS`; seconds for `lifetime`, that of Entra's tokens. With `ntlm_each`, NTLM
    asks with each request and not once a connection. `faults` is how likely each of `faults.kinds.KINDS` is.
    """

    nav_way: str = "token"
    crm_way: str = "token"
    lifetime: int = LIFETIME
    ntlm_each: bool = False
    nav_rules: Rules | None = None
    crm_rules: Rules | None = None
    latency: Latency = field(default_factory=Latency)
    faults: Mapping[str, float] = field(default_factory=dict)
    fault_seed: int = 0

    def put_before(self, nav: ASGIApp, crm: ASGIApp, secret: str, nav_origin: str, crm_origin: str) -> "Doors":
        """Both servers behind this front. `secret` is their token, every password, and Entra's client secret."""
        entra = Entra(secret, lifetime=self.lifetime)
        nav_throttle = Throttle(nav, nav_body, rules=self.nav_rules, latency=self.latency)
        crm_throttle = Throttle(crm, crm_body, rules=self.crm_rules, latency=self.latency)
        nav_door = SignIn(nav_throttle, secret, self._way(self.nav_way, secret, entra, nav_origin), entra)
        crm_door = SignIn(crm_throttle, secret, self._way(self.crm_way, secret, entra, crm_origin), entra)
        return Doors(
            nav_door,
            crm_door,
            Faults(nav_door, self.faults, self.fault_seed),
            Faults(crm_door, self.faults, self.fault_seed + 1),
            nav_throttle,
            crm_throttle,
            entra,
            f"{crm_origin}/{TENANT}/oauth2/v2.0/token",
            self,
        )

    def _way(self, name: str, secret: str, entra: Entra, origin: str) -> Way | None:
        match name:
            case "token":
                return None
            case "basic":
                return Password(secret)
            case "ntlm":
                return Windows(secret, each=self.ntlm_each)
            case "entra":
                entra.resources.add(origin)
                return TokenFor(entra, origin)
            case _:
                raise ValueError(f"there is no way to sign in called {name}")


@dataclass(frozen=True, slots=True)
class Doors:
    """Two servers behind a front, and what may be looked into."""

    nav: SignIn
    crm: SignIn
    nav_faults: Faults
    crm_faults: Faults
    nav_throttle: Throttle
    crm_throttle: Throttle
    entra: Entra
    token_url: str
    front: Front
