"""What must not be shown, and texts without it.

A server, or something between, may repeat in an error what we signed in with. Such texts are stored and shown later,
by processes that do not know the secret any more; so they are masked as soon as they arrive.
"""

import re
from urllib.parse import quote, quote_plus

MASK = "***"

_SHORTEST = 6
_NTLM = re.compile(r"TlRMTVNTUA[A-Za-z0-9+/]+=*")
"""A message of an NTLM handshake, in base64: each begins with NTLMSSP and a zero."""
_secrets: set[str] = set()


def conceal(secret: str) -> None:
    """Have `mask` hide a secret from now on, also as it is written in addresses and forms.

    Those of fewer than six characters are not hidden: they are parts of ordinary words.
    """
    secret = secret.strip()
    if len(secret) >= _SHORTEST:
        _secrets.update((secret, quote(secret, safe=""), quote_plus(secret)))


def mask(text: str) -> str:
    """The text with `***` for every secret that this process knows. To be done before a text is cut."""
    # the longest first: a secret may be a part of another one
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _NTLM.sub(MASK, text)
