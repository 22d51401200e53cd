"""What this gateway aims at, as figures within one run."""

from dataclasses import dataclass

from loadtest.bench import figures
from loadtest.bench.job import Measured
from loadtest.bench.results import Figure, Results, Spread, spread


def _seconds(measured: Measured) -> float:
    return measured.seconds / measured.requests


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure of a scenario of ours, or of some `peer`, is at most `most`: times that of another peer and
    scenario, or in its own unit where there is no other."""

    what: str
    scenario: str
    most: float
    to: tuple[str, str] | None = None
    figure: Figure = figures.cpu
    peer: str = "ours"
    unit: str = "×"

    def found(self, results: Results) -> Spread | None:
        """Of the rounds' values; None where one of both was not measured."""
        ours = results.of(self.peer, self.scenario)
        if self.to is None:
            return spread(self.figure(one) for one in ours)
        pairs = zip(ours, results.of(*self.to), strict=False)
        return spread(self.figure(one) / self.figure(other) for one, other in pairs)


def _to(what: str, scenario: str, other: str, most: float, figure: Figure = figures.cpu) -> Aim:
    return Aim(f"{what}, to {other}", scenario, most, (other, scenario), figure)


def _own(what: str, scenario: str, to: str, most: float, figure: Figure = figures.cpu) -> Aim:
    return Aim(what, scenario, most, ("ours", to), figure)


AIMS = (
    _to("allowed, many keys", "allowed", "textbook", 0.13),
    _to("allowed, many keys", "allowed", "nginx-pipeline", 0.75),
    _to("allowed, many keys", "allowed", "nginx-script", 1.15),
    _to("allowed, many keys, full windows", "allowed-full", "nginx-pipeline", 0.4),
    _own("one key, full window to empty", "one-key-full", "one-key", 1.1),
    _own("one key, full window to empty, of Redis", "one-key-full", "one-key", 1.2, figures.redis),
    _own("many keys, full windows to empty", "allowed-full", "allowed", 1.4),
    _to("refused", "refused", "textbook", 0.08),
    _to("refused", "refused", "envoy", 0.65),
    _to("refused", "refused", "haproxy", 1.4),
    _own("POST of 4 KiB to GET", "post", "allowed", 1.3),
    _to("answer of 256 KiB", "big", "nginx-script", 1.5),
    _to("at 1,000 a second, p99", "at-1000", "nginx-script", 2.0, figures.p99),
    _to("at 1,000 a second", "at-1000", "nginx-script", 1.5),
    _to("time a request at saturation", "allowed", "textbook", 1 / 8, _seconds),
    Aim("p99 at half of saturation", "at-half", 3.0, figure=figures.p99, unit=" ms"),
    Aim("memory of an idle connection", "idle", 15.0, figure=figures.held, unit=" KiB"),
    _own("a million keys to a thousand", "keys-1000000", "keys-1000", 1.3),
    Aim("two workers to one", "workers", 1.1, ("ours", "workers"), peer="ours-2-workers"),
)
