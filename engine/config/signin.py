"""How a side is signed in to: with a token that is kept somewhere, a password, NTLM, or a token of Microsoft Entra."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from engine.config import urls
from engine.config.check import Table

TOKEN, BASIC, NTLM, ENTRA = "token", "basic", "ntlm", "entra"
NAV_WAYS = (TOKEN, BASIC, NTLM, ENTRA)
CRM_WAYS = (TOKEN, NTLM, ENTRA)
KEYS = ("auth", "user", "client_id", "tenant", "cloud", "token_url", "scope")
CLOUDS = {
    "public": "https://login.microsoftonline.com",
    "usgov": "https://login.microsoftonline.us",
    "china": "https://login.partner.microsoftonline.cn",
}
"""Where Entra gives tokens, by national cloud; none but these are left."""

_OF_ENTRA = ("client_id", "tenant", "cloud", "token_url", "scope")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to sign in, complete: an application for Entra, a user for passwords and NTLM."""

    way: str = TOKEN
    user: str | None = None
    client_id: str | None = None
    token_url: str | None = None
    scope: str | None = None


def read_sign_in(table: Table, url: str, ways: tuple[str, ...]) -> SignIn:
    """The way that a table says, or that its other keys only make sense for; notes what is missing or too much."""
    user = table.optional("user", pattern=r"[^:]+", what="a user name without a colon")
    given = [key for key in _OF_ENTRA if table.has(key)]
    by_user = BASIC if BASIC in ways else NTLM
    way = table.choice("auth", ways, ENTRA if given else TOKEN if user is None else by_user)
    client_id, tenant, token_url, scope = (
        table.optional(key, pattern=r"\S+", what="a text without spaces")
        for key in ("client_id", "tenant", "token_url", "scope")
    )
    cloud = table.choice("cloud", tuple(CLOUDS), "public")
    if way not in ways:
        return SignIn(way, user)  # what goes with it cannot be told
    if way != ENTRA:
        for key in given:
            table.add(key, 'is only for auth = "entra"')
        if way != TOKEN and user is None:
            table.add("auth", f'"{way}" needs the key user')
        if way == TOKEN and user is not None:
            table.add("user", f"is only for auth = {' or '.join(f'{one!r}' for one in ways if one in (BASIC, NTLM))}")
        return SignIn(way, user)
    if user is not None:
        table.add("user", 'is not for auth = "entra"; an application signs in by its client_id')
    if client_id is None:
        table.add("auth", '"entra" needs the key client_id')
    return SignIn(ENTRA, None, client_id or "", _token_url(table, token_url, tenant, cloud), scope or _scope(url))


def _token_url(table: Table, own: str | None, tenant: str | None, cloud: str) -> str:
    if own is not None:
        for key in ("tenant", "cloud"):
            if table.has(key):
                table.add(key, "is part of token_url already; leave one of them out")
        if fault := urls.service_problem(own):
            table.add("token_url", fault)
        return own
    if tenant is None:
        table.add("auth", '"entra" needs the key tenant, or token_url')
    return f"{CLOUDS.get(cloud, '')}/{quote(tenant or '', safe='')}/oauth2/v2.0/token"


def _scope(url: str) -> str:
    """All that the application may do at the service itself (reference/apis.md sections 1 and 3, Auth)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""  # noted as a fault of the address
    return f"{parts.scheme}://{parts.netloc}/.default"
