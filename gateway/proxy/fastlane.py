"""The fast lane stands in front of aiohttp's server: it takes plain requests, and leaves all others to it."""

from gateway.addresses import address_of
from gateway.clock import monotonic
from gateway.proxy.access_log import AccessLog
from gateway.proxy.begun import Begun
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.fast_answer import FastClient
from gateway.proxy.fast_request import FastRequest
from gateway.proxy.plain import PlainReader
from gateway.proxy.request_id import RequestIds
from gateway.proxy.shared import Shared
from gateway.telemetry.counters import Outcome
from gateway.trusted_proxies import TrustedProxies


class FastLane:
    """One for all connections."""

    def __init__(
        self, reader: PlainReader, shared: Shared, trusted: TrustedProxies, access_log: AccessLog
    ) -> None:
        self.shared = shared
        self.access_log = access_log
        self.deadlines = Deadlines(shared.options.upstream_timeout_seconds)
        self._reader = reader
        self._trusted = trusted
        self._ids = RequestIds()

    def trusts(self, peer: str) -> bool:
        """Whether what comes from this address is a trusted proxy's word."""
        return address_of(peer) in self._trusted

    def take(self, data: bytes, client: FastClient) -> FastRequest | None:
        """The request that has come from this client, to begin; None where it is not for this lane."""
        began = monotonic()
        plain = self._reader.read(data, client.peer, client.scheme, is_trusted=client.is_trusted)
        if plain is None:
            return None
        return FastRequest(plain, plain.given_id or self._ids.new(), began, client, self)

    def give_up(self, begun: Begun) -> None:
        """What was begun here was left to the other lane, and its client has gone before that took it."""
        decision, counters = begun.decision, self.shared.counters
        counters.count(Outcome.ADMITTED)
        if decision.client is not None:
            counters.clients.count(decision.client, refused=False)
        self.shared.admission.close(decision)
