"""A memo of simple requests: one key, one read, and fields that were parsed before.

Hot path: a request whose other fields are in the memo is not parsed again. It gives the same
`InboundRequest` as the full parser, on which every other request relies. The figures are in
docs/performance.md.
"""

import re
from dataclasses import dataclass

from gateway.http.fields import Field, field_values, list_elements, render_fields
from gateway.http.forwarded import RemoteAddress, resolve_remote
from gateway.http.request_id import request_id_in
from gateway.http.request_parser import RequestHead, RequestParser
from gateway.http.response_head import ProblemError
from gateway.http.rules import BadRequestError
from gateway.http.upstream_request import UpstreamRequestBuilder
from gateway.identity import Identity, SentKey, UnauthenticatedError, extract_key
from gateway.proxy.inbound_request import InboundRequest, Preflight

MAX_TARGET_BYTES = 2048
MAX_BODY_BYTES = 65536
MAX_TEMPLATES = 512
MAX_TEMPLATE_BYTES = 2048
"""Longer field sections are parsed each time, so that the memo stays below about 3 MB."""
MAX_REMOTES = 1024

_REQUEST_LINE = re.compile(
    rb'(GET|HEAD|POST|PUT|PATCH|DELETE) (/[!"$-~]{0,%d}) HTTP/1\.1(?=\r\n)' % (MAX_TARGET_BYTES - 1)
)
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (0|[1-9][0-9]{0,5})(?=\r\n)")
_END = b"\r\n\r\n"
_KEY_MARK = b"\r\n\r\nK"
_LENGTH_MARK = b"\r\n\r\nL"
"""Marks in the text of the fields in place of the lines of the key and of the length.

The text ends before the first empty line, so no bytes of a client can look like a mark: two heads have the
same marked text only if they differ in those lines alone.
"""

_SECRET_NAMES = rb"auth|cookie|credential|key|password|referer|secret|session|signature|token"
"""Parts of the names of fields whose values must not stay in memory."""

_VERSION = 1, 1


@dataclass(frozen=True, slots=True)
class HeaderTemplate:
    """The forwarded lines of a request's fields, without its key and its length.

    `parts` are the lines before, between and after those two.
    """

    host: bytes
    parts: tuple[bytes, ...]
    forwards_key: bool


class SimpleRequest(InboundRequest):
    """A request whose fields were parsed or found in the memo."""

    def __init__(
        self,
        data: bytes,
        line: "re.Match[bytes]",
        end: int,
        key: "re.Match[bytes]",
        gaps: "_Gaps",
        template: HeaderTemplate,
        address: str,
        forwarding: bytes,
        request_builder: UpstreamRequestBuilder,
        given_id: str | None = None,
    ) -> None:
        """`address` is the client's, `forwarding` the lines of the forwarding fields."""
        self.method = line[1].decode("ascii")
        self.simple_body_bytes = len(data) - end - len(_END)
        self.data = data
        self.host = template.host
        self.address = address
        self.given_id = given_id
        self._line = line
        self._end = end
        self._key = key
        self._gaps = gaps
        self._template = template
        self._forwarding = forwarding
        self._request_builder = request_builder
        self.target = line[2]

    @property
    def key(self) -> str:
        """The API key."""
        return self._key[1].decode("ascii")

    @property
    def body(self) -> bytes:
        """The content."""
        return self.data[self._end + len(_END) :]

    def sent_key(self, identity: Identity) -> SentKey:
        """As `InboundRequest`."""
        del identity
        return self.key

    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """As `InboundRequest`."""
        del authority  # there is a Host
        return self.render_with(self._request_builder.identity_lines(request_id, client_id))

    def render_with(self, identity_lines: bytes) -> bytes:
        """The request for the upstream, with these lines of the request and client ids."""
        template = self._template
        forwarded = template.parts[0]
        for index, gap in enumerate(self._gaps):
            if gap is not self._key or template.forwards_key:
                forwarded += self.data[gap.start() + 2 : gap.end() + 2]
            forwarded += template.parts[index + 1]
        return b"%b\r\n%b%b%b\r\n%b" % (
            self._line[0],
            forwarded,
            self._forwarding,
            identity_lines,
            self.data[self._end + 4 :],
        )


class SimpleRequestParser:
    """Parses simple requests by the memo, and leaves all others to the full parser."""

    def __init__(
        self,
        request_builder: UpstreamRequestBuilder,
        preflight: Preflight,
        protected_names: frozenset[bytes],
        key_header: str,
    ) -> None:
        """`protected_names` as in `build_head`."""
        self._request_builder = request_builder
        self._preflight = preflight
        self._protected_names = protected_names
        self._max_body_bytes = min(preflight.max_body_bytes or MAX_BODY_BYTES, MAX_BODY_BYTES)
        self._key_header = key_header
        name = "".join(
            f"[{character.lower()}{character.upper()}]" if character.isalpha() else re.escape(character)
            for character in key_header
        )
        self._key = re.compile(
            rb"\r\n(?:%b: |[Aa]uthorization: [Bb]earer )([!-~]{1,256})(?=\r\n)" % name.encode()
        )
        # A second key must be compared each time.
        self._secret = re.compile(rb"%b|%b" % (_SECRET_NAMES, name.encode()), re.IGNORECASE)
        self._templates: dict[bytes, HeaderTemplate] = {}
        self._remotes: dict[tuple[str, bytes, bytes], tuple[str, bytes]] = {}

    def read(self, data: bytes, peer: str, scheme: bytes, *, is_trusted: bool) -> SimpleRequest | None:
        """A request received by `scheme` from `peer`, a trusted proxy or not; None if it is not simple."""
        line = _REQUEST_LINE.match(data)
        if line is None:
            return None
        start = line.end()
        end = data.find(_END, start)
        key = self._key.search(data, start, end + 2)
        if end < 0 or key is None:
            return None
        if end + len(_END) == len(data):
            gaps: _Gaps = (key,)
            text = data[start : key.start()] + _KEY_MARK + data[key.end() : end]
        else:
            length = _LENGTH.search(data, start, end + 2)
            body_bytes = len(data) - end - len(_END)
            if length is None or int(length[1]) != body_bytes or body_bytes > self._max_body_bytes:
                return None
            gaps = (key, length) if key.end() <= length.start() else (length, key)
            text = _marked(data, start, end, gaps, key)
        if not is_trusted and (template := self._templates.get(text)) is not None:
            address, forwarding = self._resolved_remote(peer, scheme, template.host)
            return SimpleRequest(
                data, line, end, key, gaps, template, address, forwarding, self._request_builder
            )
        return self._parse(data, line, end, key, gaps, text, peer, scheme, is_trusted=is_trusted)

    def _resolved_remote(self, peer: str, scheme: bytes, host: bytes) -> tuple[str, bytes]:
        """The client's address and the forwarding lines, for a peer that is not a trusted proxy."""
        known = self._remotes.get((peer, scheme, host))
        if known is None:
            trusted = self._preflight.trusted_proxies
            remote = resolve_remote([], peer, scheme=scheme, host=host, trusted=trusted)
            known = remote.client, render_fields(self._request_builder.forwarding_fields(remote, _VERSION))
            if len(self._remotes) >= MAX_REMOTES:
                self._remotes.clear()
            self._remotes[peer, scheme, host] = known
        return known

    def _parse(
        self,
        data: bytes,
        line: "re.Match[bytes]",
        end: int,
        key: "re.Match[bytes]",
        gaps: "_Gaps",
        text: bytes,
        peer: str,
        scheme: bytes,
        *,
        is_trusted: bool,
    ) -> SimpleRequest | None:
        head = self._head(data)
        if head is None or not self._has_this_key(head, key[1]):
            return None
        try:
            remote = self._preflight.resolve_remote(head, peer, scheme)
        except ProblemError:
            return None
        indices = [data.count(b"\r\n", line.end(), gap.start()) for gap in gaps]
        template = self._template(head, remote, indices, indices[gaps.index(key)])
        others = [field for index, field in enumerate(head.fields) if index not in indices]
        if not is_trusted and len(text) <= MAX_TEMPLATE_BYTES and not any(map(self._is_secret, others)):
            if len(self._templates) >= MAX_TEMPLATES:
                del self._templates[next(iter(self._templates))]
            self._templates[text] = template
        forwarding = render_fields(self._request_builder.forwarding_fields(remote, _VERSION))
        given_id = request_id_in(head.fields) if is_trusted else None
        return SimpleRequest(
            data, line, end, key, gaps, template, remote.client, forwarding, self._request_builder, given_id
        )

    def _head(self, data: bytes) -> RequestHead | None:
        """The parsed head of a simple request; None for any other, valid or not."""
        reader = RequestParser(self._protected_names)
        try:
            head = reader.feed(data)[0]
        except BadRequestError:
            return None
        if not isinstance(head, RequestHead) or not reader.ended or reader.held:
            return None
        options = list_elements(field_values(head.fields, b"connection"))
        if field_values(head.fields, b"content-length") not in ([], [b"%d" % (head.length or 0)]):
            return None
        is_simple = head.length is not None and head.keep_alive and not head.expects_continue
        return head if is_simple and all(option == b"keep-alive" for option in options) else None

    def _has_this_key(self, head: RequestHead, key: bytes) -> bool:
        try:
            return extract_key(head.fields, self._key_header) == key.decode("ascii")
        except UnauthenticatedError:
            return False

    def _is_secret(self, field: Field) -> bool:
        return self._secret.search(field[0]) is not None

    def _template(
        self, head: RequestHead, remote: RemoteAddress, indices: list[int], key_index: int
    ) -> HeaderTemplate:
        forwarded = frozenset(self._request_builder.end_to_end_fields(head, remote))
        starts, ends = [0, *(index + 1 for index in indices)], [*indices, len(head.fields)]
        parts = tuple(
            render_fields([field for field in head.fields[start:end] if field in forwarded])
            for start, end in zip(starts, ends, strict=True)
        )
        return HeaderTemplate(head.host, parts, head.fields[key_index] in forwarded)


_Gaps = tuple["re.Match[bytes]", ...]
"""The lines that are replaced by marks, in order: the key's, and the length's if there is a body."""


def _marked(data: bytes, start: int, end: int, gaps: _Gaps, key: "re.Match[bytes]") -> bytes:
    """The text from `start` to `end` with a mark in place of each gap."""
    first, second = gaps
    marks = (_KEY_MARK, _LENGTH_MARK) if first is key else (_LENGTH_MARK, _KEY_MARK)
    between = data[first.end() : second.start()]
    return data[start : first.start()] + marks[0] + between + marks[1] + data[second.end() : end]
