"""Request heads to the upstream: the fields that are forwarded, removed and added."""

import re

from gateway.http.fields import (
    CHUNKED,
    HOP_BY_HOP,
    Field,
    Fields,
    RawHeaders,
    Version,
    end_to_end,
    is_bearer,
    render_fields,
)
from gateway.http.forwarded import (
    OTHER_PATHS,
    REWRITTEN,
    RemoteAddress,
    decrement_max_forwards,
    forwarding_fields,
    is_spoofable,
    remaining_forwards,
    via,
)
from gateway.http.request_id import id_field, id_line
from gateway.http.request_parser import RequestHead
from gateway.http.websocket import SWITCH, handshake_key

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
MAX_MEMBERS = 32

_LENGTHS = frozenset({len(TRACEPARENT), len(TRACESTATE)})
# §3.2: version 00 ends after the flags, a later one may go on behind a hyphen; no version ff, no id of zeros.
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)
# §3.3.1.3: a key of at most 256, and a value of at most 256 without commas, "=", and a space at its end.
_MEMBER = re.compile(rb"(?P<key>[a-z0-9][a-z0-9_\-*/@]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


def invalid_trace_fields(fields: RawHeaders) -> frozenset[bytes]:
    """Which of ``traceparent`` and ``tracestate`` are malformed, in lower case (W3C Trace Context, level 2).

    ``tracestate`` is useless without a valid ``traceparent``, but not the other way round (§3.3, §4.3).
    """
    sent = [(name.lower(), value) for name, value in fields if len(name) in _LENGTHS]
    parents = [value for name, value in sent if name == TRACEPARENT]
    states = [value for name, value in sent if name == TRACESTATE]
    invalid = set()
    if parents and not _is_parent(parents):
        invalid.add(TRACEPARENT)
    if states and (not parents or invalid or not _is_state(states)):
        invalid.add(TRACESTATE)
    return frozenset(invalid)


def _is_parent(values: list[bytes]) -> bool:
    match = _TRACEPARENT.fullmatch(values[0])
    return len(values) == 1 and match is not None and not (match["version"] == b"00" and match["more"])


def _is_state(values: list[bytes]) -> bool:
    """One list over all its fields, in which members may be empty and each has a key of its own (§3.3.1)."""
    listed = [member.strip(b" \t") for value in values for member in value.split(b",")]
    members = [_MEMBER.fullmatch(member) for member in listed if member]
    keys = {member["key"] for member in members if member is not None}
    return len(members) <= MAX_MEMBERS and len(keys) == len(members)


_REPLACED = frozenset({b"expect", b"x-request-id"})
_NOT_FORWARDED = HOP_BY_HOP | REWRITTEN | OTHER_PATHS | _REPLACED
_AUTHORIZATION = b"authorization"
_CONTENT_LENGTH = b"content-length"


class UpstreamRequestBuilder:
    """Renders the heads of requests to the upstream, by the settings."""

    def __init__(
        self, node_id: str, *, key_header: str, forwards_key: bool, client_header: str | None
    ) -> None:
        """`client_header` is the field for the client's id, if one is set."""
        self._node_id = node_id
        self._forwards_key = forwards_key
        self._client_field = (client_header or "").encode()
        own = {self._client_field.lower()} if client_header else set()
        keys = set() if forwards_key else {key_header.lower().encode()}
        self._dropped = _NOT_FORWARDED | own | keys

    def head(
        self, head: RequestHead, remote: RemoteAddress, request_id: str, client: str, authority: bytes
    ) -> bytes:
        """The head for the upstream, in HTTP/1.1 whatever the client's version is.

        Args:
            client: the id of the client, empty if there is none.
            authority: the upstream's, for the Host of a request without one (HTTP/1.0).
        """
        kept = self.end_to_end_fields(head, remote)
        left = remaining_forwards(head.method, head.fields)
        if left is not None:
            kept = decrement_max_forwards(kept, left)
        added = [*self.forwarding_fields(remote, head.version), *self.identity_fields(request_id, client)]
        if not any(name.lower() == b"host" for name, _ in kept):
            added.insert(0, (b"Host", head.host or authority))
        if head.length is None:
            added.append(CHUNKED)
        if handshake_key(head) is not None:
            added += SWITCH
        fields = render_fields([*kept, *added])
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (head.method.encode(), head.target, fields)

    def end_to_end_fields(self, head: RequestHead, remote: RemoteAddress) -> Fields:
        """The client's fields that are forwarded, in order; only Content-Length may be rewritten."""
        dropped = self._dropped | invalid_trace_fields(head.fields)
        fields = [field for field in end_to_end(head.fields, dropped) if self._is_forwarded(field, remote)]
        # RFC 9112 §6.3 allows leading zeros, which some recipients read as octal.
        length = b"%d" % (head.length or 0)
        return [
            (name, length) if name.lower() == _CONTENT_LENGTH else (name, value) for name, value in fields
        ]

    def forwarding_fields(self, remote: RemoteAddress, version: Version) -> Fields:
        """The fields for the address, scheme and host of the client, and Via."""
        return [*forwarding_fields(remote), via(version, self._node_id)]

    def identity_fields(self, request_id: str, client: str) -> Fields:
        """The request id and, if the settings say so, the client's id; an empty `client` is none."""
        field = id_field(request_id)
        return [field, (self._client_field, client.encode())] if client and self._client_field else [field]

    def identity_lines(self, request_id: str, client: str) -> bytes:
        """The same as lines of a head."""
        if not self._client_field:
            return id_line(request_id)
        return render_fields(self.identity_fields(request_id, client))

    def _is_forwarded(self, field: Field, remote: RemoteAddress) -> bool:
        name = field[0].lower()
        if name == _AUTHORIZATION:
            return self._forwards_key or not is_bearer(field[1])
        return remote.by_proxy or not is_spoofable(name)
