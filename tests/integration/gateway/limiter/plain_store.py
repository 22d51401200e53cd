"""The plain twin: windows as the contract describes them, by pipelines of redis-py, with nothing kept."""

from collections import Counter
from collections.abc import Mapping, Sequence

from redis import Redis

from gateway.contract import window
from gateway.limiter.decision import Hit, WindowStatus, admits

Requests = Sequence[Sequence[Hit]]
Answers = list[tuple[WindowStatus, ...]]


class PlainStore:
    """Counts first, reads everything, decides, and gives back at once."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def decide(self, requests: Requests, at: int) -> Answers:
        """Decide about requests that came together, executed at Redis microsecond `at`."""
        hits = [hit for of_one in requests for hit in of_one]
        units, periods = Counter[str](), {hit.key: hit.limit.period_seconds for hit in hits}
        for hit in hits:
            units[hit.key] += hit.cost
        with self._redis.pipeline(transaction=False) as pipe:
            for key, period in periods.items():
                pipe.hincrby(key, str(window.sub_interval(at, period)), units[key])
                pipe.hgetall(key)
                pipe.pexpire(key, window.key_lifetime_ms(period))
            replies = pipe.execute()
        fields = {
            key: Counter({int(i): int(n) for i, n in told.items() if i != window.BACKFILLED})
            for key, told in zip(periods, replies[1::3], strict=True)
        }
        for key, period in periods.items():
            fields[key][window.sub_interval(at, period)] -= units[key]
        answers = [self._answer(of_one, fields, at) for of_one in requests]
        for of_one, statuses in zip(requests, answers, strict=True):
            taken = admits(of_one, statuses)
            self.give_back(
                [c for c, each in zip(of_one, statuses, strict=True) if not (taken and each.admitted)], at
            )
        return answers

    def give_back(self, hits: Sequence[Hit], at: int) -> None:
        """Take off what was counted at `at`."""
        for hit in hits:
            number = window.sub_interval(at, hit.limit.period_seconds)
            self._redis.hincrby(hit.key, str(number), -hit.cost)

    def _answer(
        self, hits: Sequence[Hit], fields: Mapping[str, Counter[int]], at: int
    ) -> tuple[WindowStatus, ...]:
        fits = [_total(hit, fields, at) + hit.cost <= hit.limit.quota for hit in hits]
        if all(fit or hit.shadow for fit, hit in zip(fits, hits, strict=True)):
            for fit, hit in zip(fits, hits, strict=True):
                fields[hit.key][window.sub_interval(at, hit.limit.period_seconds)] += hit.cost * fit
        return tuple(_standing(c, fields, at, fits=fit) for c, fit in zip(hits, fits, strict=True))


def _counted(hit: Hit, fields: Mapping[str, Mapping[int, int]], at: int) -> dict[int, int]:
    return window.counted(fields[hit.key], at, hit.limit.period_seconds)


def _total(hit: Hit, fields: Mapping[str, Mapping[int, int]], at: int) -> int:
    return sum(_counted(hit, fields, at).values())


def _standing(hit: Hit, fields: Mapping[str, Mapping[int, int]], at: int, *, fits: bool) -> WindowStatus:
    period, quota = hit.limit.period_seconds, hit.limit.quota
    total, leaving = _total(hit, fields, at), window.sub_interval(at, period)
    surplus = max(1, total - quota + (1 if fits else hit.cost))
    for number, units in sorted(_counted(hit, fields, at).items()):
        leaving = number
        surplus -= units
        if surplus <= 0:
            break
    wait = (window.leaves_at(leaving, period) - at) / window.MICROSECONDS
    return WindowStatus(fits, max(0, quota - total), wait)
