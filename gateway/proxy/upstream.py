"""The services behind the gateway by name, each with one address or several."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from itertools import count

from gateway.proxy.upstream_address import UpstreamAddress


class Upstream:
    """One service. Its addresses are equals."""

    def __init__(self, addresses: Sequence[UpstreamAddress]) -> None:
        """One address at least."""
        self.addresses = tuple(addresses)
        self.only = self.addresses[0] if len(self.addresses) == 1 else None
        """Its address, if it has but one."""
        self._turns = count(1)

    @property
    def authority(self) -> bytes:
        """Host and port of the first, for the Host of a request that has none."""
        return self.addresses[0].authority

    def pick(self, now: float, tried: Sequence[UpstreamAddress] = ()) -> UpstreamAddress | None:
        """Where to send a request at monotonic `now`; None where all have been tried with it.

        The least busy one of those that work; where none does, the one whose failure is longest ago.
        """
        left = [address for address in self.addresses if address not in tried]
        working = [address for address in left if not address.absence.is_out(now)]
        if working:
            return min(working, key=lambda address: (address.busy, address.last_taken))
        return min(left, key=lambda address: address.absence.since, default=None)

    def took(self, address: UpstreamAddress) -> None:
        """A request goes there; whoever sent it makes it less busy again."""
        address.busy += 1
        address.last_taken = next(self._turns)


class Upstreams:
    """All of them. An address that several name is one, with its connections and its state."""

    def __init__(
        self,
        urls: Mapping[str, Sequence[str]],
        tls: ssl.SSLContext,
        *,
        max_connections: int,
        idle_seconds: float,
        min_bytes_per_second: float = 0.0,
    ) -> None:
        """`urls` has the addresses of each name, the default among them; the rest is for each address."""
        self._tls = tls
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds
        self._min_bytes_per_second = min_bytes_per_second
        self._addresses: dict[str, UpstreamAddress] = {}
        self.current: Mapping[str, Upstream] = {}
        """By name, as they are now: what is loaded later is another one."""
        self.load(urls)

    def load(self, urls: Mapping[str, Sequence[str]]) -> None:
        """From now on these. Requests that are under way end where they are."""
        before = self._addresses
        named = {url for listed in urls.values() for url in listed}
        self._addresses = {url: before.get(url) or self._address(url) for url in named}
        self.current = {
            name: Upstream([self._addresses[url] for url in listed]) for name, listed in urls.items()
        }
        for url in before.keys() - named:
            before[url].close()

    def _address(self, url: str) -> UpstreamAddress:
        return UpstreamAddress(
            url,
            self._tls,
            max_connections=self._max_connections,
            idle_seconds=self._idle_seconds,
            min_bytes_per_second=self._min_bytes_per_second,
        )

    @property
    def addresses(self) -> list[UpstreamAddress]:
        """Each one once."""
        return list(self._addresses.values())

    async def look(self, timeout_seconds: float) -> None:
        """Say so where nobody is; that is no obstacle."""
        await asyncio.gather(*(address.look(timeout_seconds) for address in self.addresses))

    def close(self) -> None:
        """Drop the idle connections."""
        for address in self._addresses.values():
            address.close()
