"""TLS 1.2 or newer, certificate and host name checked."""

import ssl

import httpx

from engine.model.errors import ConfigError


def trusting(url: httpx.URL, ca_file: str | None, *, also: bool = False) -> ssl.SSLContext:
    """For connections to an address; empty for http, as loading certificates takes long.

    The authorities in `ca_file` are trusted instead of the system's, with `also` besides them. Raises ConfigError when
    the file cannot be read.
    """
    if url.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca_file is None or not also:
            return ssl.create_default_context(cafile=ca_file)
        context = ssl.create_default_context()
        context.load_verify_locations(ca_file)
        return context
    except OSError as error:
        raise ConfigError(f"The certificates in {ca_file} cannot be read.", "It must be a PEM file.") from error


def certificate_problem(error: BaseException | None) -> str | None:
    """Why a certificate was not trusted, when that is the cause of an error."""
    found = _refusal(error)
    return None if found is None else found.verify_message or "it was refused"


def certificate_hint(error: BaseException | None, key: str = "ca_file") -> str:
    """What to do about it; `key` is where an authority of one's own is named."""
    found = _refusal(error)
    return _HINTS.get(0 if found is None else found.verify_code, _OWN_AUTHORITY.format(key=key))


_OWN_AUTHORITY = "If it is of an authority of your own, or of a proxy between, name its file as {key}."
_OTHER_HOST = "Write the url with a name that is in the certificate, or have one made for this name."
_HINTS = {  # the numbers that OpenSSL gives to what it finds (X509_V_ERR_...)
    9: "It is not valid yet: check the clock of this machine, or have the certificate replaced.",
    10: "It has expired: have it renewed on the server, or check the clock of this machine.",
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}


def _refusal(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None
