"""What stands between the network and the two servers: how long things take, and how much a user may use."""

from dataclasses import dataclass, field

from starlette.types import ASGIApp

from sandbox.limits import Rules
from sandbox.odata.errors import crm_body, nav_body
from sandbox.throttle import Latency, Throttle


@dataclass(frozen=True, slots=True)
class Front:
    """How both servers behave towards the network; without anything, they answer at once and as often as asked."""

    nav_rules: Rules | None = None
    crm_rules: Rules | None = None
    latency: Latency = field(default_factory=Latency)

    def nav(self, app: ASGIApp) -> Throttle:
        """The NAV server behind this front."""
        return Throttle(app, nav_body, rules=self.nav_rules, latency=self.latency)

    def crm(self, app: ASGIApp) -> Throttle:
        """The CRM server behind this front."""
        return Throttle(app, crm_body, rules=self.crm_rules, latency=self.latency)
