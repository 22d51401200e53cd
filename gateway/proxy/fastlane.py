"""The fast lane stands in front of aiohttp's server: it takes plain requests, and leaves all others to it."""

from gateway import replies
from gateway.addresses import address_of
from gateway.bills import Bill
from gateway.clock import monotonic, wall
from gateway.decisions import Decision
from gateway.proxy.access_log import AccessLog
from gateway.proxy.begun import Begun
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.fast_answer import FastClient, Lane
from gateway.proxy.fast_request import FastRequest
from gateway.proxy.headers import own_answer
from gateway.proxy.plain import PlainReader, PlainRequest
from gateway.proxy.request_id import id_line
from gateway.proxy.shared import Shared
from gateway.proxy.turning_away import REASONS
from gateway.telemetry.counters import Outcome
from gateway.trusted_proxies import TrustedProxies


class FastLane(Lane):
    """One for all connections."""

    def __init__(
        self, reader: PlainReader, shared: Shared, trusted: TrustedProxies, access_log: AccessLog
    ) -> None:
        self.shared = shared
        self.access_log = access_log
        self.deadlines = Deadlines(shared.options.upstream_timeout_seconds)
        self._reader = reader
        self._trusted = trusted
        self._ids = shared.ids

    def trusts(self, peer: str) -> bool:
        """Whether what comes from this address is a trusted proxy's word."""
        return address_of(peer) in self._trusted

    def take(self, data: bytes, client: FastClient) -> FastRequest | bool:
        """The request that has come from this client, to begin.

        True where it has been answered; False where it is not for this lane.
        """
        began = monotonic()
        plain = self._reader.read(data, client.peer, client.scheme, is_trusted=client.is_trusted)
        if plain is None:
            return False
        shared, admission = self.shared, self.shared.admission
        bill: Bill | Decision | Exception
        try:
            bill = admission.bill(shared.policies, plain, plain.key, plain.address)
        except REASONS as reason:
            bill = reason
        if isinstance(bill, Bill) and (refusal := admission.recall(bill)) is not None:
            if not (self.access_log.is_on or shared.is_draining()):
                self._refuse(refusal, plain, client, began)
                return True
            bill = refusal
        return FastRequest(plain, plain.given_id or self._ids.new(), began, client, self, bill)

    def _refuse(self, refusal: Decision, plain: PlainRequest, client: FastClient, began: float) -> None:
        """Nothing is asked and nothing waits: whom a node has to refuse most costs it least."""
        reply = replies.refused(refusal, self.shared.options.ratelimit_headers)
        request_id = plain.given_id or self._ids.new()
        client.send([own_answer(reply, id_line(request_id), head_only=plain.is_head, now=wall())])
        self.shared.refusals.append((request_id, refusal, began))
        counters = self.shared.counters
        counters.messages[Outcome.REFUSED] += 1
        counters.clients.count(refusal.client or "", refused=True)

    def give_up(self, begun: Begun) -> None:
        """What was begun here was left to the other lane, and its client has gone before that took it."""
        self.shared.left(begun.decision)
