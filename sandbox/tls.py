"""A throw-away certificate authority: https on loopback for clients that insist on it."""

import ssl
from collections.abc import Sequence
from pathlib import Path

_NAMES = ("localhost", "127.0.0.1", "::1")


class TlsUnavailableError(Exception):
    """The package that makes certificates is not installed; the message says what to do."""


def server_context(authority: Path, hosts: Sequence[str] = ()) -> ssl.SSLContext:
    """What a server needs to answer https on loopback, by an authority that is made now and forgotten at the end; also
    under the names of `hosts`, for clients that were led here by a proxy.

    Its certificate is written to `authority`, as PEM: clients that are given the file (SSL_CERT_FILE,
    REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS) trust the server. Its key is written nowhere. Raises TlsUnavailableError
    and OSError.
    """
    try:
        import trustme  # noqa: PLC0415 - an extra: who serves http does without it
    except ImportError as error:
        raise TlsUnavailableError("--tls needs the package trustme: pip install 'coupler[tls]'") from error
    maker = trustme.CA()
    maker.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    maker.issue_cert(*_NAMES, *hosts).configure_cert(context)
    return context
