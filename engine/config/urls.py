"""Addresses: what is wrong with them, without repeating them, because addresses may hold passwords."""

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from engine.model.masking import MASK

_USER = re.compile(r"//[^\s\"']*@")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_UNFIT = re.compile(r"[\x00-\x20\x7f-\x9f\"<>\\^`{|}]")


def service_problem(url: str, *, company: bool = False) -> str | None:
    """What is wrong with the address of a service; `company` when it must not go as far as a company."""
    if not url:
        return "must not be blank"
    if _UNFIT.search(url):
        return "has a character that addresses cannot have; write a space as %20"
    parts = _split(url)
    if parts is None:
        return "is not an address; it must look like https://host/path"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must look like https://host/path"
    if "@" in parts.netloc:
        return "must not hold a user or password; use the keys user and secret"
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "must end before ? and #"
    if not _is_host(parts.hostname):
        return "has no usable host name"
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        return "must begin with https:// (http:// would show the secret to the network; only this machine may use it)"
    if company and re.search(r"/company(\(|%28|$|/)", unquote(parts.path), re.IGNORECASE):
        return "must end before /Company('...'); the key company names the company"
    return None


def webhook_problem(url: str, *, secret: bool = False, plain: bool = False) -> str | None:
    """What is wrong with the address of a webhook; one that is a `secret` as a whole may have a query, and `plain` lets
    http:// go to other machines.
    """
    if _UNFIT.search(url):
        return "has a character that addresses cannot have; write a space as %20"
    if not secret and ("?" in url or "#" in url):
        return 'must end before ? and #, as what follows may be a secret; say where the address is, such as "env:NAME"'
    where = url.partition("#")[0].partition("?")[0]
    parts = _split(where)
    if parts is not None and "@" in parts.netloc:
        return "must not hold a user or password; put them into headers"
    if parts is not None and parts.scheme == "http" and parts.hostname and not _is_loopback(parts.hostname):
        if not plain:
            return "must begin with https://; plain_http = true lets http:// go to other machines than this one"
        where = f"https{where[4:]}"
    return service_problem(where)


def shown(text: str) -> str:
    """A text without the users and passwords that addresses in it have, which they should not."""
    return _USER.sub(f"//{MASK}@", text)


def crm_url(url: str) -> str:
    """The address of CRM's Web API; an organization's own address leads to it (reference/apis.md section 1)."""
    parts = _split(url)
    return f"{url.rstrip('/')}/api/data/v9.2" if parts is not None and parts.path.strip("/") == "" and url else url


def store_problem(url: str) -> str | None:
    """What is wrong with the address of a state store."""
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///")
        if path == url or not path.strip("/"):
            return 'must name a file: "sqlite:///FILE" (beside config.toml) or "sqlite:////FOLDER/FILE"'
        if path.startswith("~"):
            return "must name the folder in full; ~ is not understood here"
        if "?" in path or path.endswith("/") or path == ":memory:" or path.startswith("file:"):
            return "must name a file, without options; a store in memory would forget what was sent"
        return None
    parts = _split(url)
    if parts is None or parts.scheme not in ("postgresql", "postgresql+psycopg"):
        return 'must begin with "sqlite:///" or "postgresql+psycopg://"'
    if parts.password is not None or re.search(r"(^|&)password=", parts.query, re.IGNORECASE):
        return "must not hold the password; set the environment variable PGPASSWORD, or use the file ~/.pgpass"
    if not parts.path.strip("/"):
        return 'must name the database: "postgresql+psycopg://USER@HOST/DATABASE"'
    return None


def store_url(url: str, folder: Path) -> str:
    """The address as other processes can use it: a file's path is absolute, the driver of PostgreSQL is named."""
    if url.startswith("sqlite:///"):
        return f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    if url.startswith("postgresql:"):
        return f"postgresql+psycopg:{url.removeprefix('postgresql:')}"
    return url


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(_HOST.fullmatch(name)) and ".." not in name and len(name) <= 253
    return True


def _is_loopback(name: str) -> bool:
    if name.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
