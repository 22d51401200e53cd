"""Addresses of clients, and the networks that they are in. No IO."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_MAPPED_PREFIX = 96  # RFC 4291 §2.5.5.2


@lru_cache(maxsize=4096)
def address_of(peer: str) -> Address | None:
    """The address that a socket names as its peer's; IPv4 as such also where IPv6 carries it. None: none."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether a host's name or address leads to this machine only."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback


class Networks:
    """Addresses and networks; how long a look takes depends on the different sizes of networks only."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._by_size: dict[tuple[int, int], set[int]] = {}
        for network in networks:
            size = network.version, network.max_prefixlen - network.prefixlen
            self._by_size.setdefault(size, set()).add(int(network.network_address) >> size[1])

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_size)

    def __contains__(self, address: Address) -> bool:
        """Whether one of them holds an address."""
        number, version = int(address), address.version
        return any(
            number >> shift in found
            for (of_version, shift), found in self._by_size.items()
            if of_version == version
        )


def network_of(text: str) -> Network | None:
    """The address or network (``10.0.0.0/8``) that a text is; None: none, or bits follow its prefix."""
    try:
        network = ip_network(text)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return IPv4Network((int(mapped), network.prefixlen - _MAPPED_PREFIX))
