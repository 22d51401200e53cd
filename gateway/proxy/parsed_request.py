"""Requests by the full parser, and messages that it rejects. No I/O."""

from gateway.identity import Identity, SentKey
from gateway.proxy.entrance import Entrance
from gateway.proxy.head import RequestHead
from gateway.proxy.hops import hops_left
from gateway.proxy.inbound_request import InboundRequest
from gateway.proxy.onward import Onward
from gateway.proxy.request_id import request_id_in
from gateway.proxy.rules import Malformed
from gateway.proxy.sender import Sender
from gateway.proxy.websocket import handshake_key


class ParsedRequest(InboundRequest):
    """A request by the full parser."""

    def __init__(
        self,
        head: RequestHead,
        peer: str,
        scheme: bytes,
        entrance: Entrance,
        onward: Onward,
        *,
        is_trusted: bool,
    ) -> None:
        """It came from the address `peer`, a trusted proxy's or not, by `scheme`."""
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
        self._entrance = entrance
        self._onward = onward
        self._sender = Sender((peer,), scheme, head.host, by_proxy=False)

    def check(self) -> None:
        """As `InboundRequest`."""
        head = self._head
        self._sender = self._entrance.sender_of(head, self._peer, self._scheme)
        self.address = self._sender.client
        self.is_last_hop = hops_left(head.method, head.fields) == 0
        self.handshake_key = handshake_key(head)

    def sent_key(self, identity: Identity) -> SentKey:
        """As `InboundRequest`."""
        return identity.sent_key(self._head.fields)

    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """As `InboundRequest`."""
        return self._onward.head(self._head, self._sender, request_id, client_id, authority)


class InvalidRequest(InboundRequest):
    """A message that breaks a rule of reading. What follows it cannot be read."""

    def __init__(self, malformed: Malformed, peer: str) -> None:
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
