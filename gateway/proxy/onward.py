"""How a request goes on to the services behind: which of its fields do, and which the node adds."""

from gateway.fields import Field, Fields, lines
from gateway.identity import is_bearer
from gateway.proxy.claims import OTHER_PATHS, REWRITTEN, is_claim
from gateway.proxy.head import RequestHead, Version
from gateway.proxy.headers import CHUNKED, HOP_BY_HOP, end_to_end
from gateway.proxy.hops import hops_left, one_hop_less, via
from gateway.proxy.request_id import id_field, id_line
from gateway.proxy.sender import Sender, forwarded_fields
from gateway.proxy.trace_context import trace_fields_left_out
from gateway.proxy.websocket import SWITCH, handshake_key

_ANSWERED_OR_ANEW = frozenset({b"expect", b"x-request-id"})
_NOT_FORWARDED = HOP_BY_HOP | REWRITTEN | OTHER_PATHS | _ANSWERED_OR_ANEW
_AUTHORIZATION = b"authorization"
_CONTENT_LENGTH = b"content-length"


class Onward:
    """What the settings say of it."""

    def __init__(
        self, node_id: str, *, key_header: str, forwards_key: bool, client_header: str | None
    ) -> None:
        """`client_header` is the name of the field that tells a client's id, if one does."""
        self._node_id = node_id
        self._forwards_key = forwards_key
        self._client_field = (client_header or "").encode()
        own = {self._client_field.lower()} if client_header else set()
        keys = set() if forwards_key else {key_header.lower().encode()}
        self._dropped = _NOT_FORWARDED | own | keys

    def head(
        self, head: RequestHead, sender: Sender, request_id: str, client: str, authority: bytes
    ) -> bytes:
        """The head that goes on, as HTTP/1.1 whatever the client spoke.

        Args:
            client: the id of its client, empty if there is none.
            authority: the upstream's, for the Host of a client that named none (HTTP/1.0).
        """
        passed = self.passed(head, sender)
        left = hops_left(head.method, head.fields)
        if left is not None:
            passed = one_hop_less(passed, left)
        added = [*self.trail(sender, head.version), *self.named(request_id, client)]
        if not any(name.lower() == b"host" for name, _ in passed):
            added.insert(0, (b"Host", head.host or authority))
        if head.length is None:
            added.append(CHUNKED)
        if handshake_key(head) is not None:
            added += SWITCH
        fields = lines([*passed, *added])
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (head.method.encode(), head.target, fields)

    def passed(self, head: RequestHead, sender: Sender) -> Fields:
        """The client's fields that go on, in their order and as they came, but for the length's digits."""
        dropped = self._dropped | trace_fields_left_out(head.fields)
        fields = [field for field in end_to_end(head.fields, dropped) if self._goes_on(field, sender)]
        # RFC 9112 §6.3 allows leading zeros, which some recipients read as octal.
        length = b"%d" % (head.length or 0)
        return [
            (name, length) if name.lower() == _CONTENT_LENGTH else (name, value) for name, value in fields
        ]

    def trail(self, sender: Sender, version: Version) -> Fields:
        """What tells by which way a request has come."""
        return [*forwarded_fields(sender), via(version, self._node_id)]

    def named(self, request_id: str, client: str) -> Fields:
        """What names the request, and where the settings say so its client; empty is none."""
        field = id_field(request_id)
        return [field, (self._client_field, client.encode())] if client and self._client_field else [field]

    def named_lines(self, request_id: str, client: str) -> bytes:
        """The same as lines."""
        return lines(self.named(request_id, client)) if self._client_field else id_line(request_id)

    def _goes_on(self, field: Field, sender: Sender) -> bool:
        name = field[0].lower()
        if name == _AUTHORIZATION:
            return self._forwards_key or not is_bearer(field[1])
        return sender.by_proxy or not is_claim(name)
