"""The client behind trusted proxies, forwarding fields, and fields by which a client could spoof another."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.access import TrustedProxies, address_of
from gateway.http.fields import QUOTED_PATTERN, TOKEN, TOKEN_PATTERN, Field, Fields, field_values, is_host

FORWARDED = b"forwarded"
FORWARDED_FOR = b"x-forwarded-for"
FORWARDED_PROTO = b"x-forwarded-proto"
FORWARDED_HOST = b"x-forwarded-host"

REWRITTEN = frozenset({FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO})
"""Fields that the node writes itself; those of a client or proxy are never forwarded."""

OTHER_PATHS = frozenset(
    {
        b"path-info",
        b"path-translated",
        b"script-name",
        b"x-original-uri",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-script-name",
    }
)
"""Fields by which an upstream may serve another path than the one that was matched with routes and limits.

Those of trusted proxies are not forwarded either: a proxy that does not know such a field passes it through.
gunicorn takes ``SCRIPT_NAME`` from a field."""

SPOOFABLE = frozenset(
    {
        # the address of the client
        b"cf-connecting-ip",
        b"cf-connecting-ipv6",
        b"client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"true-client-ip",
        b"x-azure-clientip",
        b"x-azure-socketip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
        b"x-original-for",
        b"x-originating-ip",
        b"x-real-ip",
        b"x-remote-addr",
        b"x-remote-ip",
        b"remote-addr",
        b"remote-host",
        b"remote-ident",
        # its identity and request: with the others, the variables of CGI (RFC 3875 §4.1)
        b"auth-type",
        b"query-string",
        b"remote-user",
        b"request-method",
        # the proxy that a CGI program uses for its own requests (CVE-2016-5385)
        b"proxy",
        # scheme and host
        b"https",
        b"server-name",
        b"server-port",
        b"server-protocol",
        b"front-end-https",
        b"x-host",
        b"x-http-host-override",
        b"x-original-host",
        b"x-original-proto",
        b"x-scheme",
        b"x-url-scheme",
    }
)
PREFIX = b"x-forwarded"
"""The prefix of many more: -By, -Client-Cert, -Port, -Prefix, -Scheme, -Server, -Ssl, -User, …"""


def is_spoofable(name: bytes) -> bool:
    """Whether a field of this name, in lower case, is not forwarded from an untrusted peer."""
    return name in SPOOFABLE or name.startswith(PREFIX) or name == FORWARDED or name in OTHER_PATHS


# The space around ";" is not in the RFC's grammar, but in what some proxies write.
_PAIR = re.compile(
    rb"[ \t]*+(?:(%b)=(%b|%b)[ \t]*+)?([;,]|\Z)" % (TOKEN_PATTERN, TOKEN_PATTERN, QUOTED_PATTERN)
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)

MAX_ELEMENTS = 64
"""More than any real chain of proxies has."""

Element = Mapping[bytes, bytes]
"""The parameters that one proxy added, with names in lower case."""


class ForwardedError(ValueError):
    """Forwarding fields are malformed or contradict each other; the message is for clients."""


def parse_forwarded(values: Sequence[bytes]) -> list[Element]:
    """The elements of all lines of ``Forwarded`` (RFC 7239 §4), that of the nearest proxy last.

    Each line is parsed by itself: a quote that a client leaves open must not swallow what proxies add.

    Raises:
        ForwardedError: a line is malformed, an element repeats a parameter, or there are too many elements.
    """
    elements: list[Element] = []
    for value in values:
        elements += _elements(value)
        if len(elements) > MAX_ELEMENTS:
            raise ForwardedError(f"Forwarded has more than {MAX_ELEMENTS} elements.")
    return elements


def _elements(value: bytes) -> list[Element]:
    elements: list[Element] = []
    element: dict[bytes, bytes] = {}
    position, more = 0, True
    while more:
        pair = _PAIR.match(value, position)
        if pair is None:
            raise ForwardedError("Forwarded is not well-formed.")
        name, quoted, delimiter = pair.groups()
        if name is not None:
            if name.lower() in element:
                raise ForwardedError("Forwarded says a thing twice.")
            element[name.lower()] = _unquote(quoted)
        if delimiter != b";" and element:  # empty elements are allowed (RFC 9110 §5.6.1.2)
            elements.append(element)
            element = {}
        position, more = pair.end(), bool(delimiter)
    return elements


def _unquote(value: bytes) -> bytes:
    return _ESCAPE.sub(rb"\1", value[1:-1]) if value.startswith(b'"') else value


def render_element(parameters: Sequence[Field]) -> bytes:
    """An element of ``Forwarded``. Values must have neither quotes nor backslashes."""
    return b";".join(
        b"%b=%b" % (name, value if TOKEN.fullmatch(value) else b'"%b"' % value) for name, value in parameters
    )


_SCHEMES = {b"http": b"http", b"https": b"https", b"ws": b"http", b"wss": b"https"}
# RFC 7239 §6, and IPv6 without brackets, as in X-Forwarded-For
_NODE = re.compile(
    rb"(?:([0-9.]{7,15})|\[([0-9A-Fa-f:.]{2,45})\])(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?|([0-9A-Fa-f:.]{2,45})"
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    """The client's address and the chain of trusted proxies that forwarded its request.

    `chain` begins with the client's address, then has those of trusted proxies; the peer's is last.
    `scheme` (http or https) and `host` are those of the client's request; b"" if it named no host.
    """

    chain: tuple[str, ...]
    scheme: bytes
    host: bytes
    by_proxy: bool
    """Whether the peer is a trusted proxy, whose fields are forwarded."""

    @property
    def client(self) -> str:
        """The client's address."""
        return self.chain[0]


def resolve_remote(
    fields: Fields, peer: str, *, scheme: bytes, host: bytes, trusted: TrustedProxies
) -> RemoteAddress:
    """The remote address of a request with these fields that came from `peer` by `scheme` for `host`.

    Forwarding fields count only from a trusted proxy. The client is the first address from the right that is
    not trusted, or the leftmost if all are: what stands farther left was sent by the client.

    Raises:
        ForwardedError: the fields of a trusted proxy are ambiguous.
    """
    address = address_of(peer)
    near = peer if address is None else str(address)
    if address not in trusted:
        return RemoteAddress((near,), scheme, host, by_proxy=False)
    listed = _chain(_list(fields, FORWARDED_FOR), trusted)
    elements = parse_forwarded(field_values(fields, FORWARDED))
    chain = _chain([one.get(b"for", b"") for one in elements], trusted)
    if listed and chain and listed[0] != chain[0]:
        raise ForwardedError("X-Forwarded-For and Forwarded name different clients.")
    element = _at(elements, len(chain)) or {}
    chain = listed or chain
    return RemoteAddress(
        (*chain, near),
        _scheme(_agreed(fields, FORWARDED_PROTO, len(chain), element, b"proto"), scheme),
        _host(_agreed(fields, FORWARDED_HOST, len(chain), element, b"host"), host),
        by_proxy=True,
    )


def forwarding_fields(remote: RemoteAddress) -> Fields:
    """The forwarding fields for the upstream, which sees no others of these names."""
    host = [(b"host", remote.host)] if remote.host else []
    client, *proxies = (_node(address) for address in remote.chain)
    elements = [render_element([(b"for", client), *host, (b"proto", remote.scheme)])]
    elements += [render_element([(b"for", proxy)]) for proxy in proxies]
    return [
        (b"X-Forwarded-For", ", ".join(remote.chain).encode()),
        (b"X-Forwarded-Proto", remote.scheme),
        *((b"X-Forwarded-Host", name) for _, name in host),
        (b"Forwarded", b", ".join(elements)),
    ]


def _node(address: str) -> bytes:
    return f"[{address}]".encode() if ":" in address else address.encode()


def _list(fields: Fields, name: bytes) -> list[bytes]:
    parts = (part.strip(b" \t") for value in field_values(fields, name) for part in value.split(b","))
    return [part for part in parts if part]


def _chain(nodes: Sequence[bytes], trusted: TrustedProxies) -> list[str]:
    """The addresses from the client's on; the nearest of `nodes` is the last."""
    chain: list[str] = []
    for node in reversed(nodes):
        match = _NODE.fullmatch(node)
        address = address_of((match[1] or match[2] or match[3]).decode()) if match is not None else None
        if address is None:
            raise ForwardedError("X-Forwarded-For or Forwarded names no address.")
        chain.append(str(address))
        if address not in trusted:
            break
    return chain[::-1]


def _agreed(fields: Fields, name: bytes, place: int, element: Element, parameter: bytes) -> bytes | None:
    """The value of the client in X-Forwarded-* or Forwarded, which must not contradict each other."""
    first, second = _at(_list(fields, name), place), element.get(parameter)
    if first is not None and second is not None and first.lower() != second.lower():
        raise ForwardedError(f"Forwarded says another {parameter.decode()} than {name.title().decode()}.")
    return first or second


def _at(values: Sequence[Value], place: int) -> Value | None:
    """The value `place` places from the end, as the client's address is in its list; else the first."""
    return values[max(0, len(values) - max(1, place))] if values else None


def _scheme(value: bytes | None, own: bytes) -> bytes:
    if value is None:
        return own
    scheme = _SCHEMES.get(value.lower())
    if scheme is None:
        raise ForwardedError("X-Forwarded-Proto or Forwarded names no scheme of HTTP.")
    return scheme


def _host(value: bytes | None, own: bytes) -> bytes:
    if value is None:
        return own
    if not is_host(value):
        raise ForwardedError("X-Forwarded-Host or Forwarded names no host.")
    return value


_MAX_FORWARDS = b"max-forwards"
_MOST_DIGITS = 9


class MaxForwardsError(ValueError):
    """Max-Forwards is not one number."""


def via(version: tuple[int, int], node_id: str) -> Field:
    """The field that the node adds to a message in this version of HTTP, with its id as a pseudonym."""
    return b"Via", b"%d.%d %b" % (*version, node_id.encode())


def is_loop(fields: Fields, node_id: str) -> bool:
    """Whether a message has passed this node before (RFC 9110 §7.6.3)."""
    name = node_id.lower().encode()
    values = [value.lower() for value in field_values(fields, b"via")]
    return any(name in value and _names(value, name) for value in values)


def _names(value: bytes, name: bytes) -> bool:
    """Whether one element has this name; text in a comment counts too."""
    return any(element.split()[1:2] == [name] for element in value.split(b","))


def remaining_forwards(method: str, fields: Fields) -> int | None:
    """How many times an OPTIONS request may still be forwarded (RFC 9110 §7.6.2); None is unlimited.

    Larger numbers count as one of nine digits.

    Raises:
        MaxForwardsError: Max-Forwards is not one number.
    """
    values = field_values(fields, _MAX_FORWARDS) if method == "OPTIONS" else []
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit():
        raise MaxForwardsError
    digits = values[0].lstrip(b"0")
    return int(digits or b"0") if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS - 1


def decrement_max_forwards(fields: Fields, left: int) -> Fields:
    """The fields with Max-Forwards reduced by one; `left` is its value."""
    return [(name, b"%d" % (left - 1) if name.lower() == _MAX_FORWARDS else value) for name, value in fields]
