"""The floor of TLS, held against a Python that has none of its own."""

import ssl

import pytest

from gateway.contract.tls import modern
from tests.tls_versions import GOOD, left_to_openssl, offered


def hello(client: ssl.SSLContext) -> bytes:
    """What it says first."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(inward, outward, server_hostname="gateway.example").do_handshake()
    return outward.read()


def test_a_modern_client_offers_no_version_that_is_broken() -> None:
    with left_to_openssl():
        plain, context = ssl.create_default_context(), modern(ssl.create_default_context())

    assert offered(hello(plain)) == {ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, *GOOD}
    assert offered(hello(context)) == GOOD


def test_a_modern_server_takes_no_version_that_is_broken() -> None:
    with left_to_openssl():
        server = modern(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        client = ssl.create_default_context()
    with pytest.deprecated_call():
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    inward.write(hello(client))

    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        server.wrap_bio(inward, outward, server_side=True).do_handshake()


def test_who_asks_for_more_keeps_it() -> None:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    assert modern(context).minimum_version == ssl.TLSVersion.TLSv1_3
