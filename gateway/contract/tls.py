"""The oldest TLS that is spoken, on either side and with whomever."""

import ssl

OLDEST_VERSION = ssl.TLSVersion.TLSv1_2
"""Those before it are broken (RFC 8996). Debian's Python leaves them to a file of OpenSSL's."""


def modern(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same, without older versions; where OpenSSL's configuration asks for a newer one, that is kept."""
    context.minimum_version = max(context.minimum_version, OLDEST_VERSION)
    return context


def oldest_version() -> ssl.TLSVersion:
    """Of a modern client: for a library that makes contexts by itself."""
    return modern(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).minimum_version
