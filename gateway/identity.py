"""Which client sends a request: from its key, which is read here and not kept, or from its address."""

from gateway.addresses import Address
from gateway.contract import client_id
from gateway.contract.clients import Clients
from gateway.fields import RawHeaders

KEY_HEADER = "X-API-Key"
_AUTHORIZATION = b"authorization"
_BEARER = b"bearer"


class Unidentified(Exception):  # noqa: N818 - an answer to the client, not a fault
    """No usable key; the message is for the client and does not repeat what it sent."""


class UnknownKey(Unidentified):
    """A well-formed key that no client is registered with."""


class Identity:
    """Knows the registered clients' keys, and how the others' ids are made."""

    def __init__(
        self,
        clients: Clients,
        *,
        accepts_unknown: bool,
        secret: str,
        accepts_anonymous: bool = False,
        key_header: str = KEY_HEADER,
    ) -> None:
        self.accepts_anonymous = accepts_anonymous
        """Whether a request without a key is its address' client."""
        self._clients = clients
        self.accepts_unknown = accepts_unknown
        """Whether a key that is not registered is a client of its own."""
        self._secret = secret
        self.key_header = key_header
        """The name of the field that holds a key."""

    def key_in(self, headers: RawHeaders) -> "SentKey":
        """The API key that a request with these header fields shows."""
        try:
            return key_of(headers, self.key_header)
        except Unidentified as reason:
            return reason

    def client_of(self, key: "SentKey", address: Address | None) -> str:
        """The id of the client that shows this key, or none, and sends from this address.

        Raises:
            Unidentified: no key where one is needed, no usable one, or one that nobody registered.
        """
        if isinstance(key, str):
            name = self._clients.identify(key) if self._clients.name_by_digest else None
            if name is not None:
                return name
            if self.accepts_unknown:
                return client_id.unknown_client_id(key, self._secret)
            raise UnknownKey("The API key is not known.")
        if key is not None:
            raise key
        if address is None or not self.accepts_anonymous:
            raise Unidentified(f"An API key is needed: send {self.key_header}, or Authorization: Bearer.")
        return client_id.address_id(address)


SentKey = str | None | Unidentified
"""A usable key, none, or what is wrong with what was sent."""


def key_of(headers: RawHeaders, key_header: str = KEY_HEADER) -> str | None:
    """The API key: in its field, or ``Authorization: Bearer`` (RFC 6750 §2.1), or both with one value.

    None where neither is there.

    Raises:
        Unidentified: it is no usable key, or there is more than one.
    """
    field = key_header.lower().encode()
    sent: list[bytes] = []
    bearers: list[bytes] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == field:
            sent.append(value)
        elif lowered == _AUTHORIZATION and is_bearer(value):
            bearers.append(value[len(_BEARER) :].strip())
    if len(sent) > 1 or len(bearers) > 1:
        raise Unidentified("More than one API key was sent.")
    keys = set(sent + bearers)
    if not keys:
        return None
    if len(keys) > 1:
        raise Unidentified(f"{key_header} and Authorization hold different keys.")
    key = keys.pop().decode("latin-1")
    if not client_id.is_usable_key(key):
        raise Unidentified(f"An API key is 1 to {client_id.MAX_KEY_LENGTH} visible ASCII characters.")
    return key


def is_bearer(credentials: bytes) -> bool:
    """Whether a value of ``Authorization`` is, or should be, a key (RFC 9110 §11.4: schemes in any case)."""
    return credentials.replace(b"\t", b" ").partition(b" ")[0].lower() == _BEARER
