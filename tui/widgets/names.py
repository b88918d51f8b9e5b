"""Short names of the two systems: the company, and the host of the organization."""

from urllib.parse import urlsplit

from tui.text import safe

_LEAST = 8
"""Characters below which a name says nothing."""


def nav(text: str) -> str:
    """`CRONUS International` of `CRONUS International https://nav.example/ODataV4`."""
    return text.partition(" http")[0].strip() or text


def crm(text: str) -> str:
    """`contoso.crm4` of `https://contoso.crm4.dynamics.com/`: what operators call the organization."""
    try:
        host = urlsplit(text).netloc
    except ValueError:
        return text
    return host.removesuffix(".dynamics.com") or text


def systems(company: str, organization: str, environment: str, room: int) -> str:
    """`CRONUS International / contoso.crm4 (uat)`; where there is little room, the names give way first."""
    env = f"({safe(environment, 24)})"
    both = [safe(nav(company)), safe(crm(organization))]
    left = room - len(env) - len(" / ") - 1
    if len(both[0]) + len(both[1]) > left:
        if left < 2 * _LEAST:
            return env
        short = min(len(both[1]), max(left // 2, left - len(both[0])))
        both = [safe(both[0], left - short), safe(both[1], short)]
    return f"{both[0]} / {both[1]} {env}"
