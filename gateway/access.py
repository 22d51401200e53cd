"""Who is never counted, and who is never let in: ``acme, k_0123456789abcdef, 10.0.0.0/8, 2001:db8::/32``.

No IO.
"""

from collections.abc import Container

from gateway.addresses import Address, Networks, network_of
from gateway.contract import client_id

_SHOWN = 6  # characters of an entry that is none: it may be a key that was pasted by mistake


class Denied(Exception):  # noqa: N818 - an answer to the client, not a fault
    """It is on the deny list; `client` is None where its address is, which goes before who it is."""

    def __init__(self, client: str | None) -> None:
        super().__init__("denied")
        self.client = client


class AccessList:
    """Client ids, addresses and networks. What is an address is never taken for a client of that name."""

    def __init__(self, text: str) -> None:
        """Read a list.

        Raises:
            ValueError: an entry is neither; the message says which.
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

    def __str__(self) -> str:
        """The list as it can be written."""
        return ", ".join(self.entries)

    def check_known(self, registered: Container[str], *, accepts_unknown: bool) -> None:
        """Refuse an id that no client of this node can have.

        Raises:
            ValueError: the message names it.
        """
        for entry in sorted(self.clients):
            unknown = entry.startswith(client_id.UNKNOWN_PREFIX)
            if entry not in registered and not (unknown and accepts_unknown):
                who = "has a registered key" if unknown else "is registered"
                raise ValueError(f"no client {entry[:_SHOWN]!r}… {who}")

    def has_address(self, address: Address | None) -> bool:
        """Whether an address, or a network that it is in, is listed."""
        return address is not None and bool(self.networks) and address in self.networks
