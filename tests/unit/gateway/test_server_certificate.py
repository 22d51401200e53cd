import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.config.tls import CertificateError, load_certificate
from tests.certificates import NAME, Authority, encrypt, self_signed

Pair = tuple[Path, Path]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both sides after a handshake in memory."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(inward, outward, server_side=True)
    theirs = client.wrap_bio(outward, inward, server_hostname=NAME)
    for side in (theirs, ours) * 3:
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return ours, theirs


@pytest.mark.parametrize("key_type", list(trustme.KeyType), ids=lambda kind: kind.name)
def test_clients_accept_a_pair_until_its_end(authority: Authority, key_type: trustme.KeyType) -> None:
    now = time.time()
    loaded = load_certificate(*authority.sign(days=(-1, 90), key_type=key_type), now)
    _, client = handshake(loaded.context, authority.client())

    assert client.version() == "TLSv1.3"
    assert loaded.days_left(now) == pytest.approx(90, abs=0.01)


def test_tls_1_2_is_spoken_with_forward_secrecy_and_1_1_is_not(authority: Authority) -> None:
    loaded = load_certificate(*authority.sign(), time.time())
    client = authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    _, spoken = handshake(loaded.context, client)
    cipher = spoken.cipher()

    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")
    assert loaded.context.minimum_version == ssl.TLSVersion.TLSv1_2
    client.set_ciphers("AES128-SHA:ECDHE+AES+SHA256:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="NO_SHARED_CIPHER"):
        handshake(loaded.context, client)


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2", "http/1.1"], "http/1.1"), (["h2"], None), ([], None)]
)
def test_http_1_1_is_all_that_is_offered(
    authority: Authority, offered: list[str], chosen: str | None
) -> None:
    loaded = load_certificate(*authority.sign(), time.time())
    _, client = handshake(loaded.context, authority.client(*offered))

    assert client.selected_alpn_protocol() == chosen


def swapped(authority: Authority) -> Pair:
    certificate, key = authority.sign()
    return key, certificate


def of_another(authority: Authority) -> Pair:
    return authority.sign("one")[0], authority.sign("two")[1]


def of_another_kind(authority: Authority) -> Pair:
    return authority.sign("one")[0], authority.sign("two", key_type=trustme.KeyType.RSA)[1]


def encrypted(authority: Authority) -> Pair:
    certificate, key = authority.sign()
    encrypt(key)
    return certificate, key


def without_a_key(authority: Authority) -> Pair:
    certificate, key = authority.sign()
    key.unlink()
    return certificate, key


def with_text(file: int, text: bytes) -> Callable[[Authority], Pair]:
    def make(authority: Authority) -> Pair:
        pair = authority.sign()
        pair[file].write_bytes(text)
        return pair

    return make


CUT = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
USELESS: dict[str, tuple[Callable[[Authority], Pair], str]] = {
    "no file": (without_a_key, "node.key: No such file or directory"),
    "a folder": (lambda authority: (authority.folder, authority.sign()[1]), "Is a directory"),
    "swapped": (swapped, "node.key: there is no certificate in PEM form"),
    "another key": (of_another, "two.key: this is not the key of the certificate .*one.pem"),
    "another kind of key": (of_another_kind, "two.key: this is not the key of the certificate .*one.pem"),
    "an encrypted key": (encrypted, "node.key: the key is encrypted, and nobody is there to type"),
    "an empty certificate": (with_text(0, b""), "node.pem: there is no certificate in PEM form"),
    "a damaged certificate": (with_text(0, CUT), "node.pem: there is no certificate in PEM form"),
    "no key": (with_text(1, b"hello"), "node.key: there is no private key in PEM form"),
    "a binary": (with_text(0, b"\x30\x82\xff"), "node.pem: this is no PEM file"),
    "a weak key": (lambda authority: self_signed(authority.folder, bits=1024), "own.pem: .* key too small"),
    "not for servers": (
        lambda authority: self_signed(authority.folder, purpose=ExtendedKeyUsageOID.CLIENT_AUTH),
        "own.pem: clients refuse it: .*purpose",
    ),
    "expired": (lambda authority: authority.sign(days=(-9, -1)), "node.pem: the certificate expired on "),
    "of the future": (lambda authority: authority.sign(days=(1, 9)), "node.pem: .* is valid from .* on"),
}


@pytest.mark.parametrize(("make", "complaint"), USELESS.values(), ids=USELESS)
def test_what_cannot_be_used_is_named(
    authority: Authority, make: Callable[[Authority], Pair], complaint: str
) -> None:
    pair = make(authority)

    with pytest.raises(CertificateError, match=complaint):
        load_certificate(*pair, time.time())


def test_a_certificate_may_sign_for_itself(tmp_path: Path) -> None:
    now = time.time()

    assert load_certificate(*self_signed(tmp_path), now).days_left(now) == pytest.approx(90, abs=0.01)
