"""Addresses and networks; the lists in settings: allow, deny, trusted proxies, exempt requests."""

from collections.abc import Container, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gateway.contract import client_id
from gateway.contract.routes import is_among, is_method
from gateway.policy.paths import is_plain_path, path_of

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_MAPPED_PREFIX = 96  # RFC 4291 §2.5.5.2
_SHOWN = 6
"""Characters of an invalid entry that a message shows: it may be a key that was pasted by mistake."""
_BELOW = "/*"
_FORM = "write METHOD, /PATH or METHOD /PATH, with /* at its end for all below, and commas between them"


@lru_cache(maxsize=4096)
def address_of(peer: str) -> Address | None:
    """The address of a socket's peer, IPv4-mapped IPv6 as IPv4; None if the text is no address."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether a host name or address is of this machine only."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback


class Networks:
    """A set of networks; the time of a lookup depends on the number of different prefix lengths only."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._by_size: dict[tuple[int, int], set[int]] = {}
        for network in networks:
            size = network.version, network.max_prefixlen - network.prefixlen
            self._by_size.setdefault(size, set()).add(int(network.network_address) >> size[1])

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_size)

    def __contains__(self, address: Address) -> bool:
        """Whether a network contains the address."""
        number, version = int(address), address.version
        return any(
            number >> shift in found
            for (of_version, shift), found in self._by_size.items()
            if of_version == version
        )


def network_of(text: str) -> Network | None:
    """An address or network (``10.0.0.0/8``); None if neither, or if bits are set behind the prefix."""
    try:
        network = ip_network(text)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return IPv4Network((int(mapped), network.prefixlen - _MAPPED_PREFIX))


class AccessDeniedError(Exception):
    """The client is on the deny list; `client` is None where its address is, which is checked first."""

    def __init__(self, client: str | None) -> None:
        super().__init__("denied")
        self.client = client


class SettingList:
    """Value of a setting that is a list; subclasses parse it from its text."""

    entries: tuple[str, ...]

    def __str__(self) -> str:
        """The list as in the setting."""
        return ", ".join(self.entries)

    def __reduce__(self) -> tuple[type["SettingList"], tuple[str]]:
        """Pickled as text, since a compiled class needs the arguments of its constructor."""
        return type(self), (str(self),)


class AccessList(SettingList):
    """Client ids, addresses and networks: ``acme, k_0123456789abcdef, 10.0.0.0/8``."""

    def __init__(self, text: str) -> None:
        """Parse a list.

        Raises:
            ValueError: an entry is neither; the message shows it.
        """
        self.entries = tuple(filter(None, map(str.strip, text.split(","))))
        networks = [network_of(entry) for entry in self.entries]
        self.networks = Networks(filter(None, networks))
        self.clients = frozenset(
            entry for entry, network in zip(self.entries, networks, strict=True) if network is None
        )
        for entry in sorted(self.clients):
            if not client_id.is_client_id(entry):
                raise ValueError(
                    f"{entry[:_SHOWN]!r}… is no client's name, no client id (k_ and 16 hex digits), and no "
                    "address or network"
                )

    def check_known(self, registered: Container[str], *, accepts_unknown: bool) -> None:
        """Check that each id can be a client's at this node.

        Raises:
            ValueError: one cannot; the message shows it.
        """
        for entry in sorted(self.clients):
            unknown = entry.startswith(client_id.UNKNOWN_PREFIX)
            if entry not in registered and not (unknown and accepts_unknown):
                who = "has a registered key" if unknown else "is registered"
                raise ValueError(f"no client {entry[:_SHOWN]!r}… {who}")

    def has_address(self, address: Address | None) -> bool:
        """Whether the list has the address, or a network that contains it."""
        return address is not None and bool(self.networks) and address in self.networks


class TrustedProxies(SettingList):
    """Addresses and networks of proxies in front, whose forwarding headers are accepted."""

    def __init__(self, text: str) -> None:
        """Parse a list.

        Raises:
            ValueError: an entry is neither, or contains all addresses; the message shows it.
        """
        self.entries = tuple(filter(None, map(str.strip, text.split(","))))
        networks = []
        for entry in self.entries:
            network = network_of(entry)
            if network is None:
                raise ValueError(f"{entry!r} is no address and no network: write 10.0.0.7 or 10.0.0.0/8")
            if not network.prefixlen:
                raise ValueError(
                    f"{entry!r} is everybody, so each client could name itself: name the proxies"
                )
            networks.append(network)
        self._networks = Networks(networks)

    def __contains__(self, address: Address | None) -> bool:
        """Whether an address is a trusted proxy's."""
        return address is not None and bool(self._networks) and address in self._networks


class Exempt(SettingList):
    """Requests that are neither identified nor limited (``OPTIONS, GET /health, /assets/*``).

    A path is exempt only if it has one reading.
    """

    def __init__(self, text: str) -> None:
        """Parse a list.

        Raises:
            ValueError: an entry has another form; the message shows it and the right form.
        """
        self.entries = tuple(" ".join(entry.split()) for entry in text.split(",") if entry.strip())
        self._methods: tuple[str, ...] = ()
        self._places: list[tuple[tuple[str, ...], bytes]] = []
        for entry in self.entries:
            method, _, path = entry.rpartition(" ") if "/" in entry else (entry, "", "")
            if (method and not is_method(method)) or (path and not _is_path(path)):
                raise ValueError(f"{entry!r}: {_FORM}")
            if path:
                self._places.append(((method,) if method else (), path.encode()))
            else:
                self._methods += (method,)

    def has(self, method: str, target: bytes) -> bool:
        """Whether a request with this method and target is exempt."""
        if self._methods and is_among(method, self._methods):
            return True
        path = path_of(target)
        listed = any(_matches(place, path) and is_among(method, methods) for methods, place in self._places)
        return listed and is_plain_path(path)


def _is_path(path: str) -> bool:
    plain = path.removesuffix(_BELOW) + "/" if path.endswith(_BELOW) else path
    return "*" not in plain and is_plain_path(plain.encode())


def _matches(place: bytes, path: bytes) -> bool:
    return path.startswith(place[:-1]) if place.endswith(b"*") else path == place
