"""Certificates of authorities that are trusted for one connection."""

import ssl


def certificates_problem(ca_file: str | None) -> str | None:
    """What is wrong with a file of certificates, if anything; None is none."""
    if ca_file is None:
        return None
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        return f"{ca_file} cannot be read: {reason}"
    return None
