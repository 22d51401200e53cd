"""Which peers are believed when they say whom they forward for: ``10.0.0.7, 192.0.2.0/24``. No IO."""

from gateway.addresses import Address, Networks, network_of


class TrustedProxies:
    """Addresses and networks of the proxies in front."""

    def __init__(self, text: str) -> None:
        """Read a list.

        Raises:
            ValueError: an entry is neither, or is everybody; the message says which.
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

    def __str__(self) -> str:
        """The list as it can be written."""
        return ", ".join(self.entries)

    def __contains__(self, address: Address | None) -> bool:
        """Whether an address is one of theirs."""
        return address is not None and bool(self._networks) and address in self._networks
