"""Addresses: the root of a service, what belongs to it, and queries that are encoded once."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, unquote

import httpx

from engine.model.errors import ConfigError, ConnectionLost

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "https": 443}
_DELIMITERS = re.compile(r"[^A-Za-z0-9_.~(),:*-]+")
_DECODINGS = 4
"""How often a path may have been percent-encoded; one that still changes then is no proper one."""


def service_root(text: str) -> httpx.URL:
    """The address of a service without a slash at its end; raises ConfigError when it must not be used.

    A secret is sent to this address, so that anything but this machine needs TLS.
    """
    try:
        url = httpx.URL(text.rstrip("/"))
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise ConfigError("The address of the service is not a URL.", "Write it as https://host/path.") from error
    if url.scheme not in _PORTS or not url.host:
        raise ConfigError(f"{shown(url)} is not the address of a web service.", "Write it as https://host/path.")
    if url.userinfo:
        raise ConfigError("The address of the service holds a user or a password.", "Give the secret on its own.")
    if url.query or url.fragment or "?" in text or "#" in text:
        raise ConfigError(f"{shown(url)}: the address goes on after the path.", "Leave out everything from ? or # on.")
    if url.scheme == "http" and url.host not in _LOOPBACK:
        raise ConfigError(
            f"{shown(url)} is not encrypted.", "Use https://; http:// is only for servers on this machine (loopback)."
        )
    return url


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and the port in effect."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def own_link(root: httpx.URL, link: object) -> httpx.URL:
    """A link from an answer as an address below the root; raises ConnectionLost when it leads anywhere else.

    What is checked is what is sent: the same parsed URL.
    """
    try:
        if not isinstance(link, str) or link != link.strip() or "\\" in link:
            raise TypeError
        named = httpx.URL(link)
        if named.scheme and not named.host:
            raise TypeError
        url = httpx.URL(str(root) + "/").join(named)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise ConnectionLost(f"{shown(root)} sent a link to the next page that is not a URL.") from error
    below = url.raw_path.startswith(root.raw_path.rstrip(b"/") + b"/")
    if origin(url) != origin(root) or url.userinfo or not below or not _stays(url.path):
        raise ConnectionLost(
            f"{shown(root)} sent a link that leads away from the service; it was not followed.",
            "A server, or something between, behaves as it must not; ask its administrator.",
        )
    return url


def _stays(path: str) -> bool:
    """Whether no server can take a path for one with steps upwards, however often it decodes it.

    Some take a backslash for a slash, and some cut a part at a semicolon or at a control character.
    """
    for _ in range(_DECODINGS):
        if any(re.split(r"[;\x00-\x1f]", part)[0] in (".", "..") for part in re.split(r"[/\\]", path)):
            return False
        before, path = path, unquote(path)
        if path == before:
            return True
    return False


class Encoded(str):
    """A text that is percent-encoded already."""

    __slots__ = ()


def query(options: Iterable[tuple[str, str]]) -> str:
    """A query with every value percent-encoded: a space is %20, never + (reference/apis.md section 1, Query)."""
    return "&".join(f"{name}={percent(value)}" for name, value in options if value)


def percent(text: str) -> Encoded:
    """A text as part of a query. What may stay is what no server takes for a delimiter."""
    return text if isinstance(text, Encoded) else Encoded(_DELIMITERS.sub(_quoted, text))


def _quoted(found: re.Match[str]) -> str:
    return _quote(found[0])


@lru_cache(maxsize=1024)
def _quote(text: str) -> str:
    return quote(text, safe="")


def key_segment(text: str) -> str:
    """A text as the key of a path, with its quotes: `Company('...')` takes it."""
    doubled = text.replace("'", "''")
    return f"'{quote(doubled, safe='')}'"


def shown(url: httpx.URL) -> str:
    """An address for messages: without query, which may hold data, and without a user."""
    port = f":{url.port}" if url.port else ""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}{port}{url.path}"
