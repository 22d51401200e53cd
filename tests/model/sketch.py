"""A scenario while it is being made."""

from random import Random

from gateway.contract import window
from tests.model.network import Weather
from tests.model.scenario import SILENT, Change, Happening, NodePlan, Policy, Request, Scenario, Suspension
from tests.model.world import MICROSECONDS

MS = 1_000
_START = 60 * MS
"""The nodes have connected by then, where nothing hinders them."""
_SETTLE = 500 * MS
_SETTLE_AFTER_TROUBLE = 1_600 * MS
_SETTLE_AFTER_SILENCE = 3_200 * MS
_URLS = (
    "redis://simulated",
    "redis://:secret@simulated",
    "redis://node:secret@simulated/3",
    "unix:///simulated",
)
_BIG = 20
"""One in so many is bigger: what is found late in a run is found there."""
_EPOCH = 1_700_000_000 * MICROSECONDS


class Sketch:
    """A scenario while it is being made. Each family adds what it is about."""

    def __init__(self, seed: int, family: str) -> None:
        self.seed = seed
        self.family = family
        self.random = Random(seed)
        pick = self.random
        self.is_big = pick.randrange(_BIG) == 0
        self.period = pick.choice((1, 2, 3) if self.is_big else (1, 1, 1, 1, 2))
        self.quota = pick.choice((5, 8, 20, 60) if self.is_big else (1, 1, 2, 3, 5))
        self.windows = pick.choice((3, 5) if self.is_big else (1, 1, 2))
        self.nodes = pick.choice((2, 3, 4) if self.is_big else (1, 2, 2, 3))
        self.deadline = pick.choice((0.03, 0.05, 0.05, 0.1, 0.25))
        self.on_failure = pick.choice(("local", "local", "local", "open", "closed"))
        self.start = _START + pick.randrange(50 * MS)
        self.redis_origin = _EPOCH + pick.randrange(10**9)
        self.redis_drift_ppm = pick.choice((0, 0, -200, 200))
        self.ways = [150] * self.nodes  # what a message of each node usually takes
        self.clients = ["acme", *pick.choice(((), (), ("bolt",)))]
        if self.is_big:
            self.clients.append("coil")
        self.costs: tuple[int, ...] = pick.choice(((1,), (1,), (1,), (1, 1, 2), (1, 3)))
        self.split_chance = 0.04
        self.weather: dict[int, list[Weather]] = {node: [] for node in range(self.nodes)}
        self.suspensions: dict[int, list[Suspension]] = {node: [] for node in range(self.nodes)}
        self.redis_suspensions: list[Suspension] = []
        self.policies: dict[str, Policy] = {}
        self.changes: list[Change] = []
        self.requests: list[Request] = []
        self.happenings: list[Happening] = []

    @property
    def width(self) -> int:
        """The sub-interval, in microseconds."""
        return self.period * MICROSECONDS // window.SUB_INTERVALS

    @property
    def tolerance(self) -> int:
        """E."""
        return window.stamp_tolerance(self.period)

    @property
    def end(self) -> int:
        """When the load ends."""
        return self.start + int((self.windows + 0.2) * self.period * MICROSECONDS)

    def border(self, moment: int, number: int = 0) -> int:
        """When, by Redis' clock, the sub-interval `number` after that of `moment` begins."""
        speed = 1 + self.redis_drift_ppm / MICROSECONDS
        at = self.redis_origin + int(moment * speed)
        start = -(-(window.sub_interval(at, self.period) + number) * self.period * MICROSECONDS // 60)
        return int((start - self.redis_origin) / speed)

    def moment(self) -> int:
        """Some time during the load."""
        return self.random.randrange(self.start, self.end)

    def made(self) -> Scenario:
        """The scenario."""
        pick = self.random
        healed = max(
            [self.start, *(each.at + each.ticks for each in self.happenings)]
            + [weather.end for list_ in self.weather.values() for weather in list_]
            + [each.at + each.ticks for each in self.redis_suspensions]
            + [each.at + each.ticks for list_ in self.suspensions.values() for each in list_]
        )
        plans = tuple(
            NodePlan(
                zero=pick.randrange(10**11),
                wall_ahead=pick.choice((0, MS, -MS, 50 * MS, -300 * MS, MICROSECONDS, -MICROSECONDS)),
                timers_first=pick.random() < 0.5,
                suspensions=tuple(sorted(self.suspensions[node], key=lambda each: each.at)),
                weather=tuple(self.weather[node]),
            )
            for node in range(self.nodes)
        )
        stalls = self.redis_suspensions or any(self.suspensions.values())  # which may come late
        settle = _SETTLE_AFTER_TROUBLE if self.happenings or stalls else _SETTLE
        if any(each.fault in SILENT for each in self.happenings):
            settle = _SETTLE_AFTER_SILENCE
        return Scenario(
            seed=self.seed,
            family=self.family,
            deadline_seconds=self.deadline,
            on_failure=self.on_failure,  # type: ignore[arg-type] # one of the three
            nodes=plans,
            split_chance=self.split_chance,
            redis_url=pick.choice(_URLS),
            redis_origin=self.redis_origin,
            redis_drift_ppm=self.redis_drift_ppm,
            redis_suspensions=tuple(self.redis_suspensions),
            policies=tuple(self.policies.items()),
            changes=tuple(self.changes),
            requests=tuple(sorted(self.requests, key=lambda request: request.at)),
            happenings=tuple(sorted(self.happenings, key=lambda each: each.at)),
            healed_at=healed,
            ends_at=max(self.end, healed, *(request.at for request in self.requests)) + settle,
        )
