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
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"The certificates in {ca_file} cannot be read.", "It must be a PEM file.") from error


def certificate_problem(error: BaseException | None) -> str | None:
    """Why a certificate was not trusted, when that is the cause of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message or "it was refused"
        error = error.__cause__ or error.__context__
    return None
