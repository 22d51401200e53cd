"""Follows the files of the server's certificate: new handshakes get what is in them."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from gateway.errors import StartError
from gateway.server_certificate import CertificateError, load_certificate

LOOK_SECONDS = 60.0
WARN_DAYS = 14

_SETTINGS = "GATEWAY_TLS_CERT and GATEWAY_TLS_KEY"

Stamp = tuple[tuple[int, int, int], ...]

logger = logging.getLogger(__name__)


def certificate_files(certificate: Path | None, key: Path | None) -> "CertificateFiles | None":
    """The files that the settings name; None where they name none.

    Raises:
        StartError: one of the two is missing, or they cannot be used.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise StartError(f"{_SETTINGS} belong together: set both or neither", 2)
    return CertificateFiles(certificate, key)


class CertificateFiles:
    """A certificate in use and the files that it came from. Connections keep what they began with."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the files.

        Raises:
            StartError: they cannot be used.
        """
        self._certificate = certificate
        self._key = key
        self.reread()()

    @property
    def context(self) -> ssl.SSLContext:
        """For the next handshake."""
        return self._loaded.context

    @property
    def valid_until(self) -> float:
        """Until when clients go on accepting the certificate, seconds since 1970."""
        return self._loaded.valid_until

    def reread(self) -> Callable[[], None]:
        """Read the files; what is returned puts them to use for all handshakes from then on.

        Raises:
            StartError: they cannot be used.
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
        """Look once a minute, for ever, whether the files are others, and take them."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Take the files if they are others than they were; where they are no good, the log says so, once."""
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
    """What is another when a file was replaced or written; also where a symbolic link leads elsewhere."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return status.st_ino, status.st_mtime_ns, status.st_size
