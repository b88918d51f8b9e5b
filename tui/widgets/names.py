"""Short names of the two systems: the company, and the host of the organization."""

from urllib.parse import urlsplit


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
