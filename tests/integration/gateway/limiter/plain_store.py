"""The plain twin: windows as the contract describes them, by pipelines of redis-py, with nothing kept."""

from collections import Counter
from collections.abc import Mapping, Sequence

from redis import Redis

from gateway.contract import window
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing, admits

Requests = Sequence[Sequence[Charge]]
Answers = list[tuple[Standing, ...]]


class PlainStore:
    """Counts first, reads everything, decides, and gives back at once."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def decide(self, requests: Requests, at: int) -> Answers:
        """Decide about requests that came together, executed at Redis microsecond `at`."""
        charges = [charge for of_one in requests for charge in of_one]
        units, periods = Counter[str](), {charge.key: charge.limit.period_seconds for charge in charges}
        for charge in charges:
            units[charge.key] += charge.cost
        with self._redis.pipeline(transaction=False) as pipe:
            for key, period in periods.items():
                pipe.hincrby(key, str(window.sub_interval(at, period)), units[key])
                pipe.hgetall(key)
                pipe.pexpire(key, window.key_lifetime_ms(period))
            replies = pipe.execute()
        fields = {
            key: Counter({int(i): int(n) for i, n in told.items() if i != window.POSTED})
            for key, told in zip(periods, replies[1::3], strict=True)
        }
        for key, period in periods.items():
            fields[key][window.sub_interval(at, period)] -= units[key]
        answers = [self._answer(of_one, fields, at) for of_one in requests]
        for of_one, standings in zip(requests, answers, strict=True):
            taken = admits(of_one, standings)
            self.give_back(
                [c for c, each in zip(of_one, standings, strict=True) if not (taken and each.admitted)], at
            )
        return answers

    def give_back(self, charges: Sequence[Charge], at: int) -> None:
        """Take off what was counted at `at`."""
        for charge in charges:
            number = window.sub_interval(at, charge.limit.period_seconds)
            self._redis.hincrby(charge.key, str(number), -charge.cost)

    def _answer(
        self, charges: Sequence[Charge], fields: Mapping[str, Counter[int]], at: int
    ) -> tuple[Standing, ...]:
        fits = [_total(charge, fields, at) + charge.cost <= charge.limit.quota for charge in charges]
        if all(fit or charge.shadow for fit, charge in zip(fits, charges, strict=True)):
            for fit, charge in zip(fits, charges, strict=True):
                fields[charge.key][window.sub_interval(at, charge.limit.period_seconds)] += charge.cost * fit
        return tuple(_standing(c, fields, at, fits=fit) for c, fit in zip(charges, fits, strict=True))


def _counted(charge: Charge, fields: Mapping[str, Mapping[int, int]], at: int) -> dict[int, int]:
    return window.counted(fields[charge.key], at, charge.limit.period_seconds)


def _total(charge: Charge, fields: Mapping[str, Mapping[int, int]], at: int) -> int:
    return sum(_counted(charge, fields, at).values())


def _standing(charge: Charge, fields: Mapping[str, Mapping[int, int]], at: int, *, fits: bool) -> Standing:
    period, quota = charge.limit.period_seconds, charge.limit.quota
    total, leaving = _total(charge, fields, at), window.sub_interval(at, period)
    surplus = max(1, total - quota + (1 if fits else charge.cost))
    for number, units in sorted(_counted(charge, fields, at).items()):
        leaving = number
        surplus -= units
        if surplus <= 0:
            break
    wait = (window.leaves_at(leaving, period) - at) / window.MICROSECONDS
    return Standing(fits, max(0, quota - total), wait)
