"""The certificate that clients are shown, with its key: two PEM files, taken whole or not at all."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.contract.tls import modern

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: those with forward secrecy and authenticated encryption (RFC 9325 §4.2)."""

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: the times are looked at here.
_NO_CHECK_TIME = 0x200000
_DAY_SECONDS = 86400.0


class CertificateError(ValueError):
    """The files cannot be used; one sentence that says why."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A pair that clients accept; `valid_until` in seconds since 1970."""

    context: ssl.SSLContext
    valid_until: float

    def days_left(self, now: float) -> float:
        """How long clients will go on accepting it; below 0 where they no longer do."""
        return (self.valid_until - now) / _DAY_SECONDS


def load_certificate(certificate: Path, key: Path, now: float) -> ServerCertificate:
    """The pair in these files, the certificate with the intermediate ones behind it.

    Raises:
        CertificateError: a file cannot be read or is no PEM, the key is encrypted or another one's, or the
            certificate is not valid at `now`, or not for a server.
    """
    pem = _text(certificate)
    _text(key)
    client = _trusting(pem, certificate)
    context = _context(certificate, key)
    shown = _shown(context, client, certificate)
    valid_from, valid_until = (
        ssl.cert_time_to_seconds(str(shown[name])) for name in ("notBefore", "notAfter")
    )
    if now >= valid_until:
        raise CertificateError(f"{certificate}: the certificate expired on {shown['notAfter']}")
    if now < valid_from:
        raise CertificateError(f"{certificate}: the certificate is valid from {shown['notBefore']} on")
    return ServerCertificate(context, valid_until)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CertificateError(f"{path}: this is no PEM file") from None


def _trusting(pem: str, certificate: Path) -> ssl.SSLContext:
    """A client's context that trusts what is in a file, whoever signed it and whatever the time is."""
    client = modern(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    client.check_hostname = False
    client.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    try:
        client.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise CertificateError(f"{certificate}: there is no certificate in PEM form") from None
    return client


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = modern(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could keep the node busy with it
    context.set_alpn_protocols(["http/1.1"])

    def no_password() -> str:
        raise CertificateError(f"{key}: the key is encrypted, and nobody is there to type its password")

    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
            raise CertificateError(f"{key}: this is not the key of the certificate {certificate}") from None
        if error.reason is None:
            raise CertificateError(f"{key}: there is no private key in PEM form") from None
        reason = error.reason.lower().replace("_", " ")
        raise CertificateError(f"{certificate}: OpenSSL does not take it: {reason}") from None
    return context


def _shown(context: ssl.SSLContext, client: ssl.SSLContext, certificate: Path) -> dict[str, object]:
    """What a client sees, by a handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server)
    try:
        for side in (theirs, ours, theirs):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(f"{certificate}: clients refuse it: {error.verify_message}") from None
    return dict(theirs.getpeercert() or {})
