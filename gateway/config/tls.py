"""TLS: the server's certificate and its file watcher, and the verification of upstreams."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateway.contract.tls import modern
from gateway.errors import StartError

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: those with forward secrecy and authenticated encryption (RFC 9325 §4.2)."""

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: `load_certificate` checks the times.
_NO_CHECK_TIME = 0x200000
_DAY_SECONDS = 86400.0
POLL_SECONDS = 60.0
WARN_DAYS = 14

_SETTINGS = "GATEWAY_TLS_CERT and GATEWAY_TLS_KEY"

Stamp = tuple[tuple[int, int, int], ...]

logger = logging.getLogger(__name__)


def server_certificate(certificate: Path | None, key: Path | None) -> "CertificateFiles | None":
    """The server's certificate; None without TLS.

    Raises:
        StartError: one of the two settings is missing, or a file is invalid.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise StartError(f"{_SETTINGS} belong together: set both or neither", 2)
    return CertificateFiles(certificate, key)


class CertificateFiles:
    """The certificate in use and its files. An open connection keeps its certificate."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the files.

        Raises:
            StartError: a file is invalid.
        """
        self._certificate = certificate
        self._key = key
        self.reread()()

    @property
    def context(self) -> ssl.SSLContext:
        """Context of new handshakes."""
        return self._loaded.context

    @property
    def valid_until(self) -> float:
        """When the certificate expires, in seconds since 1970."""
        return self._loaded.valid_until

    def reread(self) -> Callable[[], None]:
        """Read the files; the returned function puts them in force for new handshakes.

        Raises:
            StartError: a file is invalid.
        """
        stamp, now = self._stamp(), time.time()
        try:
            loaded = load_certificate(self._certificate, self._key, now)
        except CertificateError as error:
            raise StartError(f"{_SETTINGS}: {error}", 2) from None

        def use() -> None:
            self._seen, self._loaded = stamp, loaded
            if loaded.days_left(now) < WARN_DAYS:
                place, days = self._certificate, loaded.days_left(now)
                logger.warning("the certificate in %s expires in %.1f days", place, days)

        return use

    async def follow(self) -> None:
        """Poll the files once a minute, and load them when they change."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self.poll()

    def poll(self) -> None:
        """Load the files if they changed; invalid ones are logged once, and the old certificate stays."""
        if self._stamp() == self._seen:
            return
        self._seen = self._stamp()
        try:
            self.reread()()
        except StartError as error:
            logger.error("the certificate in use stays: %s", error)  # noqa: TRY400 - a file's fault, not ours
        else:
            logger.info("new connections get the certificate in %s", self._certificate)

    def _stamp(self) -> Stamp:
        return tuple(_stamp(path) for path in (self._certificate, self._key))


def _stamp(path: Path) -> tuple[int, int, int]:
    """Changes when a file is replaced or written, also through a symbolic link."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return status.st_ino, status.st_mtime_ns, status.st_size


class CertificateError(ValueError):
    """The files are invalid; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A valid certificate with its key; `valid_until` in seconds since 1970."""

    context: ssl.SSLContext
    valid_until: float

    def days_left(self, now: float) -> float:
        """Days until the certificate expires; negative after that."""
        return (self.valid_until - now) / _DAY_SECONDS


def load_certificate(certificate: Path, key: Path, now: float) -> ServerCertificate:
    """Load a certificate chain and its key.

    Raises:
        CertificateError: a file cannot be read or is no PEM, the key is encrypted or another one's, or the
            certificate is not valid at `now`, or not for a server.
    """
    pem = _text(certificate)
    _text(key)
    client = _client_trusting(pem, certificate)
    context = _context(certificate, key)
    shown = _sent_certificate(context, client, certificate)
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


def _client_trusting(pem: str, certificate: Path) -> ssl.SSLContext:
    """A client context that trusts the certificate itself, regardless of issuer and time."""
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
    context.options |= ssl.OP_NO_RENEGOTIATION  # renegotiation costs the server more than the client
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


def _sent_certificate(
    context: ssl.SSLContext, client: ssl.SSLContext, certificate: Path
) -> dict[str, object]:
    """The certificate as a client receives it, by a handshake in memory."""
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


def upstream_tls_context(authorities: Path | None) -> ssl.SSLContext:
    """Client context for upstreams: it verifies certificate and host name (RFC 9110 §4.3.4), always.

    Args:
        authorities: PEM file of certificate authorities that replace the system's.

    Raises:
        StartError: the file is invalid.
    """
    if authorities is None:
        return _system_context()
    try:
        return _verifying_context(authorities)
    except OSError as error:  # ssl.SSLError is one
        reason = "not a certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise StartError(f"GATEWAY_UPSTREAM_CA={authorities}: {reason}", 2) from None


@cache
def _system_context() -> ssl.SSLContext:
    """Cached, since loading the system's authorities takes 8 ms."""
    return _verifying_context(None)


def _verifying_context(authorities: Path | None) -> ssl.SSLContext:
    context = modern(ssl.create_default_context(cafile=authorities))
    context.set_alpn_protocols(["http/1.1"])
    return context
