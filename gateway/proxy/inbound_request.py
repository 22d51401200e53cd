"""A client's request as a transaction uses it, and the checks before identification."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Final

from gateway.access import TrustedProxies
from gateway.http.forwarded import (
    ForwardedError,
    MaxForwardsError,
    RemoteAddress,
    is_loop,
    remaining_forwards,
    resolve_remote,
)
from gateway.http.request_id import request_id_in
from gateway.http.request_parser import RequestHead
from gateway.http.response_head import ProblemError
from gateway.http.rules import BadRequestError, Rule
from gateway.http.upstream_request import UpstreamRequestBuilder
from gateway.http.websocket import handshake_key
from gateway.identity import Identity, SentKey


@dataclass(frozen=True, slots=True)
class Preflight:
    """The settings of these checks. `max_body_bytes` 0 is unbounded."""

    node_id: str
    trusted_proxies: TrustedProxies
    max_body_bytes: int

    def resolve_remote(self, head: RequestHead, peer: str, scheme: bytes) -> RemoteAddress:
        """The remote address of a request received from `peer` by `scheme`, which passes the checks.

        Raises:
            ProblemError: it fails one.
        """
        if self.max_body_bytes and (head.length or 0) > self.max_body_bytes:
            raise ProblemError(413, f"The body is longer than {self.max_body_bytes} bytes.")
        if is_loop(head.fields, self.node_id):
            raise ProblemError(508, "The request goes in a circle: it has been here before.")  # RFC 5842 §7.2
        try:
            remaining_forwards(head.method, head.fields)
            return resolve_remote(
                head.fields, peer, scheme=scheme, host=head.host, trusted=self.trusted_proxies
            )
        except MaxForwardsError:
            raise BadRequestError(Rule.FORWARDS) from None
        except ForwardedError as error:
            raise BadRequestError(Rule.FORWARDED, detail=str(error)) from None


# RFC 9110 §9.2.2
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class InboundRequest:
    """A request of a client; `method` and `target` are empty where they could not be read."""

    # Most requests are simple: class defaults hold what only others set.
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
        """Check the request before its client is identified, and resolve its address.

        Raises:
            ProblemError: the request is rejected.
        """

    @abstractmethod
    def sent_key(self, identity: Identity) -> SentKey:
        """The API key that was sent."""

    @abstractmethod
    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """The head for the upstream, and the body of a simple request.

        `authority` is the upstream's, for a request without Host. An empty `client_id` is none.
        """

    @property
    def is_idempotent(self) -> bool:
        """Whether the request may be repeated (RFC 9110 §9.2.2)."""
        return self.method in IDEMPOTENT


class ParsedRequest(InboundRequest):
    """A request from the full parser."""

    def __init__(
        self,
        head: RequestHead,
        peer: str,
        scheme: bytes,
        preflight: Preflight,
        request_builder: UpstreamRequestBuilder,
        *,
        is_trusted: bool,
    ) -> None:
        """It was received from the address `peer`, a trusted proxy's or not, by `scheme`."""
        self.method = head.method
        self.target = head.target
        self.host = head.host
        self.address = peer
        self.has_http11 = head.version == (1, 1)
        self.keep_alive = head.keep_alive
        self.has_body = head.has_body
        self.is_chunked = head.length is None
        self.given_id = request_id_in(head.fields) if is_trusted else None
        self.expects_continue = head.expects_continue and head.has_body
        self._head = head
        self._peer = peer
        self._scheme = scheme
        self._preflight = preflight
        self._request_builder = request_builder
        self._remote = RemoteAddress((peer,), scheme, head.host, by_proxy=False)

    def check(self) -> None:
        """As `InboundRequest`."""
        head = self._head
        self._remote = self._preflight.resolve_remote(head, self._peer, self._scheme)
        self.address = self._remote.client
        self.is_last_hop = remaining_forwards(head.method, head.fields) == 0
        self.handshake_key = handshake_key(head)

    def sent_key(self, identity: Identity) -> SentKey:
        """As `InboundRequest`."""
        return identity.sent_key(self._head.fields)

    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """As `InboundRequest`."""
        return self._request_builder.head(self._head, self._remote, request_id, client_id, authority)


class InvalidRequest(InboundRequest):
    """A malformed message. Nothing after it on the connection can be parsed."""

    def __init__(self, malformed: BadRequestError, peer: str) -> None:
        self.method = malformed.method
        self.address = peer
        self.keep_alive = False
        self._malformed = malformed

    def check(self) -> None:
        """Reject the request."""
        raise self._malformed

    def sent_key(self, identity: Identity) -> SentKey:
        """Not called: `check` rejects the request."""
        del identity
        raise self._malformed

    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """Not called: `check` rejects the request."""
        del request_id, client_id, authority
        raise self._malformed
