"""One node of a simulation: the real limiter on a simulated loop, and those who ask it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.clock import RedisClock
from gateway.contract import keys
from gateway.contract.redis_url import parse_redis_url
from gateway.errors import StoreUnavailable
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.fallback import Backlog, Fallback
from gateway.limiter.limiter import Limiter
from gateway.limiter.store import Store
from gateway.limiter.window_cache import WindowCache
from gateway.redis_endpoint import Endpoint
from gateway.telemetry.counters import Counters
from tests.decided import decided
from tests.model.loop import NodeLoop
from tests.model.record import By, Outcome
from tests.model.scenario import Policy, Request, Scenario

_SILENCE_SECONDS = 1.0


class NotedFallback:
    """The real one, and by their hits which requests it has decided about."""

    def __init__(self, fallback: Fallback) -> None:
        self._fallback = fallback
        self._noted: dict[int, Sequence[Hit]] = {}

    def has_decided(self, hits: Sequence[Hit]) -> bool:
        """Whether it was asked about these."""
        return id(hits) in self._noted

    def decide(self, hits: Sequence[Hit], nodes: int, now: float) -> tuple[WindowStatus, ...]:
        """Noted."""
        self._noted[id(hits)] = hits
        return self._fallback.decide(hits, nodes, now)

    def record(
        self, hits: Sequence[Hit], statuses: Sequence[WindowStatus], now: float, *, counted: bool
    ) -> None:
        """As the real one."""
        self._fallback.record(hits, statuses, now, counted=counted)


class Node:
    """A process: its loop, its limiter, and the policies as far as it has heard of them."""

    def __init__(self, number: int, loop: NodeLoop, scenario: Scenario, outcomes: list[Outcome]) -> None:
        self.number = number
        self.loop = loop
        self.policies: dict[str, Policy] = dict(scenario.policies)
        self._scenario = scenario
        self._outcomes = outcomes
        self._under_way: dict[asyncio.Task[Any], Outcome] = {}
        loop.arrive(None, self._start)

    def _start(self) -> None:
        scenario = self._scenario
        self.counters = Counters()
        self.cache = WindowCache()
        self.backlog = Backlog(self.counters)
        clock = RedisClock(self._wall_nanoseconds)
        self.store = Store(
            Endpoint(parse_redis_url(scenario.redis_url)),
            clock,
            self.counters,
            self.cache,
            self.backlog,
            deadline_seconds=scenario.deadline_seconds,
            silence_seconds=_SILENCE_SECONDS,
            now=self.loop.now,
        )
        self._fallback = NotedFallback(Fallback(self.cache, self.backlog, clock))
        self.limiter = Limiter(
            self.store,
            self.cache,
            self._fallback,
            self.counters,
            on_failure=scenario.on_failure,
            live_nodes=lambda: len(scenario.nodes),
            now=self.loop.now,
        )
        self._runs = self.loop.create_task(self.store.run())

    def _wall_nanoseconds(self) -> int:
        ahead = self._scenario.nodes[self.number].wall_ahead
        return (self._scenario.redis_origin + self.loop.tick + ahead) * 1000

    def ask(self, request: Request) -> None:
        """A request arrives at this process."""
        self.loop.arrive(None, self._begin, request)

    def _begin(self, request: Request) -> None:
        policy = self.policies[request.client]
        hits = tuple(
            Hit(
                keys.window(request.client, window.scope, window.limit.period_seconds, policy.generation),
                window.limit,
                request.cost,
                window.shadow,
            )
            for window in policy.windows
        )
        outcome = Outcome(request, self.number, hits, self.loop.tick, stood_still=self.loop.stood_still)
        self._outcomes.append(outcome)
        task = self.loop.create_task(self._decide(outcome))
        self._under_way[task] = outcome
        task.add_done_callback(lambda _: self._under_way.pop(task, None))
        if request.leaves_at is not None:
            self.loop.world.at(request.leaves_at, self.loop.arrive, None, task.cancel)

    async def _decide(self, outcome: Outcome) -> None:
        try:
            statuses = await decided(self.limiter, outcome.hits)
        except StoreUnavailable:
            outcome.by = By.CLOSED
        except asyncio.CancelledError:
            outcome.by = By.LEFT
        else:
            outcome.statuses = statuses or ()
            if statuses is None:
                outcome.by = By.OPEN
            elif self._fallback.has_decided(outcome.hits):
                outcome.by = By.NODE
            else:
                outcome.by = By.STORE
                if self.loop.cause is not None:
                    outcome.link, outcome.replies = self.loop.cause.link, self.loop.cause.replies
        outcome.ended = self.loop.tick
        outcome.stood_still = self.loop.stood_still - outcome.stood_still

    def kill(self) -> None:
        """End as a process does that is killed."""
        in_flight = list(self._under_way.values())
        self.loop.kill()
        for outcome in in_flight:
            outcome.by = By.KILLED
            outcome.ended = self.loop.tick

    def tasks_left(self) -> list[str]:
        """What runs that nobody will end."""
        return sorted(repr(task.get_coro()) for task in self.loop.tasks if task is not self._runs)

    def kept(self) -> list[str]:
        """What it holds though nobody asks any more."""
        held = {"windows owed to Redis": self.backlog.pending}
        batcher = self.store._active
        if batcher is not None:
            held["asks that wait"] = len(batcher._waiting)
            held["asks under way"] = sum(len(batch.checks) for batch in batcher.in_flight)
            held["windows to correct"] = len(batcher._refunds._by_key)
        return [f"{count} {what} at node {self.number}" for what, count in held.items() if count]

    def stop(self) -> None:
        """End in order."""
        self.loop.run(self._stop)

    async def _stop(self) -> None:
        await self.store.finish()
        self._runs.cancel()
