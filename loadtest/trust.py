"""Whose certificates a run believes, of nodes that are asked by https."""

import ssl

from gateway.contract.tls import modern


def trust(*, is_insecure: bool) -> ssl.SSLContext:
    """What the system trusts, or SSL_CERT_FILE names; anybody's where it is insecure."""
    context = modern(ssl.create_default_context())
    if is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
