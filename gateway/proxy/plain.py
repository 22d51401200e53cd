"""The grammar of the fast lane: requests that are as nearly all are. No IO.

A request is plain if it has come whole, at once and alone, and

    line    is (GET | HEAD | POST | PUT | PATCH | DELETE) SP path SP "HTTP/1.1", the path with its query in
            origin-form and at most `MAX_TARGET_BYTES` long (RFC 9112 §3)
    key     stands in one field, ``Name: key`` or ``Authorization: Bearer key``, without other white space
    body    is none, or as long as Content-Length says (RFC 9112 §6.2), and no longer than `MAX_BODY_BYTES`
    fields  are such as every request may have: of Connection only keep-alive, no Expect, no
            Transfer-Encoding, and nothing for which a request is refused

Whether its fields keep the rules is judged by the code of the other lane. What that said is remembered for
the text of the fields without the key and the body's length: all clients of one kind send the same.
"""

import re
from dataclasses import dataclass

from gateway.fields import Field, lines
from gateway.identity import Identity, SentKey, UnauthenticatedError, extract_key
from gateway.problems import Problem
from gateway.proxy.entrance import Entrance
from gateway.proxy.field_lines import elements_of, values_of
from gateway.proxy.head import RequestHead
from gateway.proxy.inbound_request import InboundRequest
from gateway.proxy.onward import Onward
from gateway.proxy.reader import RequestReader
from gateway.proxy.request_id import request_id_in
from gateway.proxy.rules import Malformed
from gateway.proxy.sender import Sender, sender_of

MAX_TARGET_BYTES = 2048
MAX_BODY_BYTES = 65536
MAX_FORMS = 512
MAX_FORM_BYTES = 2048
"""Of the fields' text; what is longer is read each time. So at most some 3 MB are remembered."""
MAX_SENDERS = 1024

_LINE = re.compile(
    rb'(GET|HEAD|POST|PUT|PATCH|DELETE) (/[!"$-~]{0,%d}) HTTP/1\.1(?=\r\n)' % (MAX_TARGET_BYTES - 1)
)
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (0|[1-9][0-9]{0,5})(?=\r\n)")
_END = b"\r\n\r\n"
_KEYS_PLACE = b"\r\n\r\nK"
_LENGTHS_PLACE = b"\r\n\r\nL"
"""Marks in the text of the fields where the lines of the key and of the length were cut out.

The text ends before the first empty line, and each line that is cut out begins with CRLF: no bytes of a
client can look like a mark. So two heads have the same marked text only if they differ in those lines alone.
"""

_PERSONAL = rb"auth|cookie|credential|key|password|referer|secret|session|signature|token"
"""In names of fields of which the values are nobody's business a moment later: they are not remembered."""

_VERSION = 1, 1


@dataclass(frozen=True, slots=True)
class Form:
    """What the fields of a request say that are neither its key nor its length.

    `parts` are the lines that go on: before, between and behind those that were cut out.
    """

    host: bytes
    parts: tuple[bytes, ...]
    forwards_key: bool


class PlainRequest(InboundRequest):
    """A request of this grammar.

    `given_id` is what a trusted proxy calls it, if it does.
    """

    def __init__(
        self,
        data: bytes,
        line: "re.Match[bytes]",
        end: int,
        key: "re.Match[bytes]",
        gaps: "_Gaps",
        form: Form,
        address: str,
        trail: bytes,
        onward: Onward,
        given_id: str | None = None,
    ) -> None:
        """`address` is its client's, `trail` the lines that tell by which way it has come."""
        self.method = line[1].decode("ascii")
        self.simple_body_bytes = len(data) - end - len(_END)
        self.data = data
        self.host = form.host
        self.address = address
        self.given_id = given_id
        self._line = line
        self._end = end
        self._key = key
        self._gaps = gaps
        self._form = form
        self._trail = trail
        self._onward = onward
        self.target = line[2]

    @property
    def key(self) -> str:
        """The API key."""
        return self._key[1].decode("ascii")

    @property
    def body(self) -> bytes:
        """All of it."""
        return self.data[self._end + len(_END) :]

    def sent_key(self, identity: Identity) -> SentKey:
        """As `InboundRequest`."""
        del identity
        return self.key

    def render(self, request_id: str, client_id: str, authority: bytes) -> bytes:
        """As `InboundRequest`."""
        del authority  # there is a Host
        return self.going_on(self._onward.named_lines(request_id, client_id))

    def going_on(self, named: bytes) -> bytes:
        """The request as it goes on: with the lines that tell by which way it has come, and `named` them."""
        form = self._form
        going = form.parts[0]
        for place, gap in enumerate(self._gaps):
            if gap is not self._key or form.forwards_key:
                going += self.data[gap.start() + 2 : gap.end() + 2]
            going += form.parts[place + 1]
        return b"%b\r\n%b%b%b\r\n%b" % (self._line[0], going, self._trail, named, self.data[self._end + 4 :])


class PlainReader:
    """Reads requests that are plain, and leaves the others alone."""

    def __init__(
        self, onward: Onward, entrance: Entrance, shadowed: frozenset[bytes], key_header: str
    ) -> None:
        """`shadowed` is as for `head_of`."""
        self._onward = onward
        self._entrance = entrance
        self._shadowed = shadowed
        self._most_body_bytes = min(entrance.max_body_bytes or MAX_BODY_BYTES, MAX_BODY_BYTES)
        self._key_header = key_header
        name = "".join(
            f"[{sign.lower()}{sign.upper()}]" if sign.isalpha() else re.escape(sign) for sign in key_header
        )
        self._key = re.compile(
            rb"\r\n(?:%b: |[Aa]uthorization: [Bb]earer )([!-~]{1,256})(?=\r\n)" % name.encode()
        )
        # A key that is there twice has to be compared each time.
        self._personal = re.compile(rb"%b|%b" % (_PERSONAL, name.encode()), re.IGNORECASE)
        self._forms: dict[bytes, Form] = {}
        self._senders: dict[tuple[str, bytes, bytes], tuple[str, bytes]] = {}

    def read(self, data: bytes, peer: str, scheme: bytes, *, is_trusted: bool) -> PlainRequest | None:
        """A request as it came by `scheme` from `peer`, which is a trusted proxy or not; None: not plain."""
        line = _LINE.match(data)
        if line is None:
            return None
        start = line.end()
        end = data.find(_END, start)
        key = self._key.search(data, start, end + 2)
        if end < 0 or key is None:
            return None
        if end + len(_END) == len(data):
            gaps: _Gaps = (key,)
            text = data[start : key.start()] + _KEYS_PLACE + data[key.end() : end]
        else:
            length = _LENGTH.search(data, start, end + 2)
            body_bytes = len(data) - end - len(_END)
            if length is None or int(length[1]) != body_bytes or body_bytes > self._most_body_bytes:
                return None
            gaps = (key, length) if key.end() <= length.start() else (length, key)
            text = _without(data, start, end, gaps, key)
        if not is_trusted and (form := self._forms.get(text)) is not None:
            address, trail = self._sender(peer, scheme, form.host)
            return PlainRequest(data, line, end, key, gaps, form, address, trail, self._onward)
        return self._read_anew(data, line, end, key, gaps, text, peer, scheme, is_trusted=is_trusted)

    def _sender(self, peer: str, scheme: bytes, host: bytes) -> tuple[str, bytes]:
        """The address of who sends what comes from a peer that is no proxy, and the lines that tell so."""
        known = self._senders.get((peer, scheme, host))
        if known is None:
            trusted = self._entrance.trusted_proxies
            sender = sender_of([], peer, scheme=scheme, host=host, trusted=trusted)
            known = sender.client, lines(self._onward.trail(sender, _VERSION))
            if len(self._senders) >= MAX_SENDERS:
                self._senders.clear()
            self._senders[peer, scheme, host] = known
        return known

    def _read_anew(
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
    ) -> PlainRequest | None:
        head = self._head(data)
        if head is None or not self._has_one_key(head, key[1]):
            return None
        try:
            sender = self._entrance.sender_of(head, peer, scheme)
        except Problem:
            return None
        places = [data.count(b"\r\n", line.end(), gap.start()) for gap in gaps]
        form = self._form(head, sender, places, places[gaps.index(key)])
        others = [field for place, field in enumerate(head.fields) if place not in places]
        if not is_trusted and len(text) <= MAX_FORM_BYTES and not any(map(self._is_personal, others)):
            if len(self._forms) >= MAX_FORMS:
                del self._forms[next(iter(self._forms))]
            self._forms[text] = form
        trail = lines(self._onward.trail(sender, _VERSION))
        given_id = request_id_in(head.fields) if is_trusted else None
        return PlainRequest(data, line, end, key, gaps, form, sender.client, trail, self._onward, given_id)

    def _head(self, data: bytes) -> RequestHead | None:
        """The head of a request that both lanes can serve; None where only the other can say what it is."""
        reader = RequestReader(self._shadowed)
        try:
            head = reader.feed(data)[0]
        except Malformed:
            return None
        if not isinstance(head, RequestHead) or not reader.ended or reader.held:
            return None
        options = elements_of(values_of(head.fields, b"connection"))
        if values_of(head.fields, b"content-length") not in ([], [b"%d" % (head.length or 0)]):
            return None
        is_plain = head.length is not None and head.keep_alive and not head.expects_continue
        return head if is_plain and all(option == b"keep-alive" for option in options) else None

    def _has_one_key(self, head: RequestHead, key: bytes) -> bool:
        try:
            return extract_key(head.fields, self._key_header) == key.decode("ascii")
        except UnauthenticatedError:
            return False

    def _is_personal(self, field: Field) -> bool:
        return self._personal.search(field[0]) is not None

    def _form(self, head: RequestHead, sender: Sender, places: list[int], keys_place: int) -> Form:
        going = frozenset(self._onward.passed(head, sender))
        starts, ends = [0, *(place + 1 for place in places)], [*places, len(head.fields)]
        parts = tuple(
            lines([field for field in head.fields[start:end] if field in going])
            for start, end in zip(starts, ends, strict=True)
        )
        return Form(head.host, parts, head.fields[keys_place] in going)


_Gaps = tuple["re.Match[bytes]", ...]
"""What is cut out of the fields' text, in order: the key's line, and the length's where there is a body."""


def _without(data: bytes, start: int, end: int, gaps: _Gaps, key: "re.Match[bytes]") -> bytes:
    """The text from `start` to `end` without the gaps, each of which leaves a sign."""
    first, second = gaps
    signs = (_KEYS_PLACE, _LENGTHS_PLACE) if first is key else (_LENGTHS_PLACE, _KEYS_PLACE)
    between = data[first.end() : second.start()]
    return data[start : first.start()] + signs[0] + between + signs[1] + data[second.end() : end]
