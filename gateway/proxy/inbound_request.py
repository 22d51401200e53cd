"""What a transaction needs to know of a request, whichever parser has read it. No I/O."""

from abc import abstractmethod
from typing import Final

from gateway.identity import Identity, SentKey

# RFC 9110 §9.2.2
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class InboundRequest:
    """A request of a client; `method` and `target` are empty where they could not be read."""

    # Most requests are simple: what only others have stands in the class.
    method: str = ""
    target: bytes = b""
    host: bytes = b""
    address: str
    """The client's address, resolved behind trusted proxies once the request has been checked."""
    has_http11 = True
    """Whether the client understands chunks and interim responses."""
    keep_alive = True
    """Whether the client accepts another response on its connection (RFC 9112 §9.3)."""
    has_body = False
    """Whether content follows the head, to be passed to the transaction."""
    is_chunked = False
    expects_continue = False
    is_last_hop = False
    """Whether Max-Forwards ends the request here (RFC 9110 §7.6.2)."""
    simple_body_bytes = 0
    """Size of the body that `render` gives."""
    given_id: str | None = None
    """The id that a trusted proxy has given it."""
    handshake_key: bytes | None = None
    """The key of a valid WebSocket handshake."""

    def check(self) -> None:
        """Check what is asked of a request before its client is identified, and resolve its address.

        Raises:
            Problem: the request is rejected.
        """

    @abstractmethod
    def sent_key(self, identity: Identity) -> SentKey:
        """The API key that it shows."""

    @abstractmethod
    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """The head for the upstream, and the body of a simple request.

        `authority` is the upstream's, for a request without Host. An empty `client_id` is none.
        """

    @property
    def is_idempotent(self) -> bool:
        """Whether the request may be repeated (RFC 9110 §9.2.2)."""
        return self.method in IDEMPOTENT
