"""Who sends a request: its connection's peer, or whom trusted proxies say they forward for. No IO."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.access import TrustedProxies, address_of
from gateway.fields import Fields
from gateway.hosts import is_host
from gateway.proxy.field_lines import values_of
from gateway.proxy.forwarded_elements import Element, ForwardedError, element_of, elements_in

FORWARDED = b"forwarded"
FORWARDED_FOR = b"x-forwarded-for"
FORWARDED_PROTO = b"x-forwarded-proto"
FORWARDED_HOST = b"x-forwarded-host"

_SCHEMES = {b"http": b"http", b"https": b"https", b"ws": b"http", b"wss": b"https"}
# RFC 7239 §6, and without brackets IPv6 by itself, as X-Forwarded-For has it
_NODE = re.compile(
    rb"(?:([0-9.]{7,15})|\[([0-9A-Fa-f:.]{2,45})\])(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?|([0-9A-Fa-f:.]{2,45})"
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a request, and by which way.

    `way` has the addresses that it came over: the client's, then those of trusted proxies, the peer's last.
    `scheme` (http or https) and `host` are what the client asked by; b"" where it named no host.
    """

    way: tuple[str, ...]
    scheme: bytes
    host: bytes
    by_proxy: bool
    """Whether the peer is a trusted proxy, so that what it says goes on."""

    @property
    def client(self) -> str:
        """The client's address."""
        return self.way[0]


def sender_of(fields: Fields, peer: str, *, scheme: bytes, host: bytes, trusted: TrustedProxies) -> Sender:
    """Who sends a request with these fields, which came from `peer` by `scheme` for `host`.

    Only a trusted proxy is believed, and of what it says only what it saw itself or heard from another one:
    the client is the first address from the right that is not trusted, or the leftmost where all are. What
    stands farther left is the client's own word.

    Raises:
        ForwardedError: a trusted proxy said it so that it could be read in two ways.
    """
    address = address_of(peer)
    near = peer if address is None else str(address)
    if address not in trusted:
        return Sender((near,), scheme, host, by_proxy=False)
    listed = _way(_list(fields, FORWARDED_FOR), trusted)
    elements = elements_in(values_of(fields, FORWARDED))
    told = _way([one.get(b"for", b"") for one in elements], trusted)
    if listed and told and listed[0] != told[0]:
        raise ForwardedError("X-Forwarded-For and Forwarded name different clients.")
    way, theirs = listed or told, _at(elements, len(told)) or {}
    return Sender(
        (*way, near),
        _scheme(_told(fields, FORWARDED_PROTO, len(way), theirs, b"proto"), scheme),
        _host(_told(fields, FORWARDED_HOST, len(way), theirs, b"host"), host),
        by_proxy=True,
    )


def forwarded_fields(sender: Sender) -> Fields:
    """What the services behind are told of it; they see nothing else under these names."""
    host = [(b"host", sender.host)] if sender.host else []
    client, *proxies = (_node(address) for address in sender.way)
    elements = [element_of([(b"for", client), *host, (b"proto", sender.scheme)])]
    elements += [element_of([(b"for", proxy)]) for proxy in proxies]
    return [
        (b"X-Forwarded-For", ", ".join(sender.way).encode()),
        (b"X-Forwarded-Proto", sender.scheme),
        *((b"X-Forwarded-Host", name) for _, name in host),
        (b"Forwarded", b", ".join(elements)),
    ]


def _node(address: str) -> bytes:
    return f"[{address}]".encode() if ":" in address else address.encode()


def _list(fields: Fields, name: bytes) -> list[bytes]:
    parts = (part.strip(b" \t") for value in values_of(fields, name) for part in value.split(b","))
    return [part for part in parts if part]


def _way(nodes: Sequence[bytes], trusted: TrustedProxies) -> list[str]:
    """The addresses from the client's on, of nodes of which the nearest is the last."""
    way: list[str] = []
    for node in reversed(nodes):
        match = _NODE.fullmatch(node)
        address = address_of((match[1] or match[2] or match[3]).decode()) if match is not None else None
        if address is None:
            raise ForwardedError("X-Forwarded-For or Forwarded names no address.")
        way.append(str(address))
        if address not in trusted:
            break
    return way[::-1]


def _told(fields: Fields, name: bytes, place: int, theirs: Element, parameter: bytes) -> bytes | None:
    """What both ways of telling it say of the client."""
    first, second = _at(_list(fields, name), place), theirs.get(parameter)
    if first is not None and second is not None and first.lower() != second.lower():
        raise ForwardedError(f"Forwarded says another {parameter.decode()} than {name.title().decode()}.")
    return first or second


def _at(values: Sequence[Value], place: int) -> Value | None:
    """The one that many places from the end, as the client's address is in its list; else the first."""
    return values[max(0, len(values) - max(1, place))] if values else None


def _scheme(told: bytes | None, own: bytes) -> bytes:
    if told is None:
        return own
    scheme = _SCHEMES.get(told.lower())
    if scheme is None:
        raise ForwardedError("X-Forwarded-Proto or Forwarded names no scheme of HTTP.")
    return scheme


def _host(told: bytes | None, own: bytes) -> bytes:
    if told is None:
        return own
    if not is_host(told):
        raise ForwardedError("X-Forwarded-Host or Forwarded names no host.")
    return told
