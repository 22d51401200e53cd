"""TLS to upstreams: whom the node believes."""

import ssl
from functools import cache
from pathlib import Path

from gateway.contract.tls import modern
from gateway.errors import StartError


def tls_to_upstreams(authorities: Path | None) -> ssl.SSLContext:
    """A certificate is verified, and is for the host in the URL (RFC 9110 §4.3.4); there is no way around.

    Args:
        authorities: a PEM file of those that may sign, instead of the system's.

    Raises:
        StartError: it cannot be used.
    """
    if authorities is None:
        return _by_the_system()
    try:
        return _verifying(authorities)
    except OSError as error:  # ssl.SSLError is one
        reason = "not a certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise StartError(f"GATEWAY_UPSTREAM_CA={authorities}: {reason}", 2) from None


@cache
def _by_the_system() -> ssl.SSLContext:
    """Read once in a process: its hundred and more authorities take eight milliseconds."""
    return _verifying(None)


def _verifying(authorities: Path | None) -> ssl.SSLContext:
    context = modern(ssl.create_default_context(cafile=authorities))
    context.set_alpn_protocols(["http/1.1"])
    return context
