"""Which versions of TLS somebody offers, and a Python that leaves them to an OpenSSL which takes all."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

GOOD = {ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3}
_RECORD, _HANDSHAKE, _VERSION_AND_RANDOM = 5, 4, 2 + 32
_SUPPORTED_VERSIONS = 43


@contextmanager
def left_to_openssl() -> Iterator[None]:
    """While it lasts a new context takes what an openssl.cnf for old servers would: Debian's Python asks that
    file, others say a floor of their own.
    """
    make = ssl.SSLContext.__new__

    def lenient(cls: type[ssl.SSLContext], *args: Any, **options: Any) -> ssl.SSLContext:
        context = make(cls, *args, **options)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "__new__", lenient)
        yield


def offered(hello: bytes) -> set[ssl.TLSVersion]:
    """By a ClientHello, which is the first record of a client (RFC 8446 §4.1.2, §4.2.1)."""
    at = _RECORD + _HANDSHAKE + _VERSION_AND_RANDOM
    for length_bytes in (1, 2, 1):  # session id, cipher suites, compression methods
        at += length_bytes + int.from_bytes(hello[at : at + length_bytes])
    at += 2
    while at < len(hello):
        kind, length = (int.from_bytes(hello[place : place + 2]) for place in (at, at + 2))
        if kind == _SUPPORTED_VERSIONS:
            listed = hello[at + 5 : at + 4 + length]
            return {
                ssl.TLSVersion(int.from_bytes(listed[place : place + 2]))
                for place in range(0, len(listed), 2)
            }
        at += 4 + length
    raise AssertionError("it lists no versions")
