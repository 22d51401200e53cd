"""Nodes on one plain store: what they send, when each command is worked on, and when they hear of it."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.contract import window
from gateway.limiter import decision
from gateway.limiter.batch import Batch, PendingCheck, Refunds
from gateway.limiter.connection import Reply
from gateway.limiter.decision import Hit
from gateway.limiter.window_cache import WindowCache
from tests.unit.gateway.limiter.builders import NOW, SENT, check, statuses
from tests.unit.gateway.limiter.hashes import Hashes
from tests.unit.gateway.limiter.pipelines import commands_of


@dataclass(frozen=True)
class Taken:
    """Units that a request was admitted for, in the sub-interval in which they stand since `at`."""

    key: str
    number: int
    at: int
    units: int


@dataclass
class Sent:
    """A batch under way, the replies that Redis has made, and when it counted each window."""

    batch: Batch
    replies: list[Reply] = field(default_factory=list)
    counted_at: dict[str, int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether Redis has answered all of it."""
        return len(self.replies) == self.batch.replies


class World:
    """One Redis and its time, which the node's monotonic clocks follow; all admissions."""

    def __init__(self) -> None:
        self.now = NOW
        self.hashes = Hashes()
        self.admitted: list[tuple[PendingCheck, list[Taken]]] = []
        self.last_stamp = NOW

    @property
    def taken(self) -> list[Taken]:
        """What the admitted requests took that are still there."""
        return [unit for _, taken in self.admitted for unit in taken]

    @property
    def monotonic(self) -> float:
        """Seconds on the nodes' clocks."""
        return SENT + (self.now - NOW) / window.MICROSECONDS


@dataclass(frozen=True)
class Refusal:
    """Redis refused a hit, by a batch that was sent then."""

    hit: Hit
    sent: float
    number: int


class SimulatedNode:
    """What a node keeps on one connection, without an event loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cache = WindowCache()
        self.corrections = Refunds(lambda: None)
        self.in_flight: deque[Sent] = deque()
        self.waiting: list[PendingCheck] = []
        self.refusals: list[Refusal] = []
        self.answered: list[PendingCheck] = []

    def ask(self, hits: Sequence[Hit]) -> None:
        """A request comes, and waits unless it is refused from memory."""
        if self.cache.rejection(hits, self.world.monotonic) is None:
            self.waiting.append(check(*hits, asked=self.world.monotonic))
        else:
            assert any(self._is_denied(hit) for hit in hits), "refused for no reason"

    def _is_denied(self, hit: Hit) -> bool:
        """Whether Redis has just refused one that asked for no more."""
        number = window.sub_interval(self.world.now, hit.limit.period_seconds)
        return any(
            refusal.hit.key == hit.key
            and refusal.hit.cost <= hit.cost
            and refusal.hit.limit.quota >= hit.limit.quota
            and self.world.monotonic - refusal.sent < 0.25
            and number - refusal.number <= 1
            for refusal in self.refusals
        )

    def send(self, error_microseconds: int) -> Batch:
        """All that waits, and what goes back, with a stamp that is so far off."""
        stamp = self.world.now + error_microseconds
        self.world.last_stamp = max(self.world.last_stamp, stamp)
        before, refunds = self.corrections.take(stamp)
        batch = Batch(self.waiting, stamp, self.world.monotonic, self.cache, before=before, refunds=refunds)
        self.waiting = []
        self.in_flight.append(Sent(batch))
        return batch

    def work(self, commands: int) -> None:
        """Redis answers so many of them now."""
        for _ in range(commands):
            sent = next((sent for sent in self.in_flight if not sent.is_done), None)
            if sent is None:
                return
            command = commands_of(sent.batch)[len(sent.replies)]
            sent.replies.append(self.world.hashes.answer(command, self.world.now))
            if command[0] == "HINCRBY" and int(command[3]) > 0:
                sent.counted_at[str(command[1])] = self.world.now

    def hear(self) -> None:
        """Read the replies of all batches that are answered; those of untimely ones wait again."""
        while self.in_flight and self.in_flight[0].is_done:
            sent = self.in_flight.popleft()
            batch = sent.batch
            executed = batch.executed(sent.replies)
            again = batch.settle(sent.replies, executed, 0.0, self.cache, self.corrections)
            self.waiting = again + self.waiting
            for each in batch.checks:
                if each not in again and isinstance(each.result, tuple) and not each.cancelled:
                    self._note(each, sent)

    def _note(self, answered: PendingCheck, sent: Sent) -> None:
        answer = statuses(answered)
        numbered = [
            (hit, window.sub_interval(sent.batch.stamp, hit.limit.period_seconds)) for hit in answered.hits
        ]
        if decision.admits(answered.hits, answer):
            taken = [
                Taken(hit.key, number, sent.counted_at[hit.key], hit.cost)
                for (hit, number), status in zip(numbered, answer, strict=True)
                if status.admitted
            ]
            self.world.admitted.append((answered, taken))
            self.answered.append(answered)
        self.refusals += [
            Refusal(hit, sent.batch.sent, number)
            for (hit, number), status in zip(numbered, answer, strict=True)
            if not status.admitted
        ]

    def leave(self, position: int) -> None:
        """One of the requests goes: while it waits, while it is under way, or with its answer."""
        in_flight = [each for sent in self.in_flight for each in sent.batch.checks]
        present = [*self.waiting, *in_flight, *self.answered]
        if present:
            leaving = present[position % len(present)]
            leaving.cancel(admitted_at=None)
            self.waiting = [each for each in self.waiting if each is not leaving]
            self.answered = [each for each in self.answered if each is not leaving]
            self.world.admitted = [entry for entry in self.world.admitted if entry[0] is not leaving]

    def settle_all(self) -> None:
        """Let everything that is under way come home, and all go back that is to."""
        while self.in_flight or self.waiting or self.corrections:
            self.send(0)
            self.work(10_000)
            self.hear()


def units_by_field(taken: Sequence[Taken]) -> Counter[tuple[str, int]]:
    """What ought to stand in Redis."""
    fields: Counter[tuple[str, int]] = Counter()
    for unit in taken:
        fields[unit.key, unit.number] += unit.units
    return fields
