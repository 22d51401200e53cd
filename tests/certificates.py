"""Certificates for tests, of an authority that is made anew each time."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "gateway.example"


class Authority:
    """Signs, and writes certificate and key into `folder` as NAME.pem and NAME.key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ca = trustme.CA()

    def sign(
        self,
        name: str = "node",
        *,
        days: tuple[float, float] = (-1, 90),
        key_type: trustme.KeyType = trustme.KeyType.ECDSA,
        host: str = NAME,
    ) -> tuple[Path, Path]:
        """A pair for `host`, valid from and to so many days from now."""
        now = datetime.now(UTC)
        since, until = (now + timedelta(days=number) for number in days)
        issued = self._ca.issue_cert(host, not_before=since, not_after=until, key_type=key_type)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        return certificate, key

    def write(self) -> Path:
        """Its own certificate, in a file."""
        path = self.folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(path))
        return path

    def client(self, *protocols: str) -> ssl.SSLContext:
        """A client's context that trusts this authority, and offers `protocols`."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context


def encrypt(key: Path) -> None:
    """Put a password on a key."""
    private = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )


def self_signed(
    folder: Path, *, bits: int = 2048, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH
) -> tuple[Path, Path]:
    """A pair that signs for itself."""
    key = generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "own.pem", folder / "own.key"
    files[0].write_bytes(signed.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
