"""Which client sends a request: from its key, which is read here and not kept."""

from gateway.contract import client_id
from gateway.contract.clients import Clients
from gateway.fields import RawHeaders

_KEY_FIELD = b"x-api-key"
_AUTHORIZATION = b"authorization"
_BEARER = b"bearer "


class Unidentified(Exception):  # noqa: N818 - an answer to the client, not a fault
    """No usable key; the message is for the client and does not repeat what it sent."""


class Identity:
    """Knows the registered clients' keys, and how the others' ids are made."""

    def __init__(self, clients: Clients, *, accepts_unknown: bool, secret: str) -> None:
        self._clients = clients
        self._accepts_unknown = accepts_unknown
        self._secret = secret

    def client_of(self, headers: RawHeaders) -> str:
        """The id of the client that sends a request with these header fields.

        Raises:
            Unidentified: no key, no usable one, two different ones, or one that nobody registered.
        """
        key = key_of(headers)
        name = self._clients.identify(key)
        if name is not None:
            return name
        if not self._accepts_unknown:
            raise Unidentified("The API key is not known.")
        return client_id.unknown_client_id(key, self._secret)


def key_of(headers: RawHeaders) -> str:
    """The API key: ``X-API-Key``, or ``Authorization: Bearer`` (RFC 6750 §2.1), or both with one value."""
    sent: list[bytes] = []
    bearers: list[bytes] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == _KEY_FIELD:
            sent.append(value)
        elif lowered == _AUTHORIZATION and value[: len(_BEARER)].lower() == _BEARER:
            bearers.append(value[len(_BEARER) :].strip())
    if len(sent) > 1 or len(bearers) > 1:
        raise Unidentified("More than one API key was sent.")
    keys = set(sent + bearers)
    if not keys:
        raise Unidentified("An API key is needed: send X-API-Key, or Authorization: Bearer.")
    if len(keys) > 1:
        raise Unidentified("X-API-Key and Authorization hold different keys.")
    key = keys.pop().decode("latin-1")
    if not client_id.is_usable_key(key):
        raise Unidentified(f"An API key is 1 to {client_id.MAX_KEY_LENGTH} visible ASCII characters.")
    return key
