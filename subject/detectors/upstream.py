"""upstream_degraded: the service behind fails, or answers later than usual."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

from gateway.contract import sketches
from gateway.contract.sketches import Buckets
from subject.cluster import series
from subject.cluster.answers import asked, failed
from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset, slowness
from subject.detectors.chi_square import chance_if_alike
from subject.detectors.slowness import Before, Waited, allowed_ms
from subject.detectors.usual import Usual
from subject.figures import clock, percent
from subject.finding import CLUSTER, Evidence, Finding, Severity, Target, command, confidence
from subject.thresholds import Thresholds

BROKEN = 0.5
"""The part of failures from which it is critical: most of what clients ask gets no answer."""
MOSTLY_ONE = 0.9
"""One node's part of the failures from which they are its own, where chance seldom does as much."""
ALONE_BY_CHANCE = 1e-4


@dataclass  # without slots, for what is cached
class _Second:
    """What nodes told of in one second, by their records."""

    answers: int = 0
    failures: int = 0
    by_node: list[Buckets] = field(default_factory=list)

    @cached_property
    def latency(self) -> Buckets:
        """Of all nodes."""
        return sketches.histogram_sum(self.by_node)

    @cached_property
    def longest_ms(self) -> float:
        return 1000 * max(map(sketches.longest_seconds, self.by_node), default=0.0)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The window up to one second; milliseconds, and None where nothing is known."""

    answers: int
    failures: int
    p99_ms: float | None
    usual_ms: float | None
    limit_ms: float
    failing: bool
    slow: bool

    @property
    def ratio(self) -> float:
        return self.failures / self.answers if self.answers else 0.0

    @property
    def degraded(self) -> bool:
        return self.failing or self.slow


def upstream_degraded(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Of all nodes together; it is about a node where the failures are that node's alone."""
    first, until = snapshot.first_second, snapshot.until
    lately = _seconds(snapshot.nodes, max(first, until - thresholds.upstream_seconds), until)
    if not _may_be_degraded(lately, thresholds):
        return []
    seconds = _seconds(snapshot.nodes, first, until)
    before = _before(snapshot, thresholds)
    judged = _judge(seconds, before, thresholds)
    last = len(judged) - 1
    if last < 0 or not judged[last].degraded:
        return []
    now = judged[last]

    def shows(place: int) -> bool:
        second = seconds[place]
        return second.failures > 0 if now.failing else second.longest_ms > now.limit_ms

    start = onset.run(last, lambda place: judged[place].degraded)
    began = onset.run(start, shows, max(0, start - thresholds.upstream_seconds + 1))
    since = before.began(first, first + began, thresholds.upstream_seconds)
    return [_finding(snapshot, thresholds, now, since)]


def _may_be_degraded(lately: Sequence[_Second], thresholds: Thresholds) -> bool:
    """Whether the last window can be, whatever is usual: it spares the rest where it cannot."""
    part = thresholds.clear_ratio
    answers = sum(second.answers for second in lately)
    failures = sum(second.failures for second in lately)
    p99 = _p99_ms(lately)
    return failures >= part * thresholds.upstream_failure_ratio * answers > 0 or (
        p99 is not None and p99 > part * thresholds.upstream_slow_ms
    )


def _seconds(nodes: Sequence[Node], first: int, until: int) -> list[_Second]:
    """Histograms cannot be cut, so a record counts whole in the second in which it came."""
    seconds = [_Second() for _ in range(max(0, until - first))]
    for node in nodes:
        for sample in series.ending_after(node.samples, first):
            place = ceil(sample.end) - 1 - first
            if 0 <= place < len(seconds):
                seconds[place].answers += asked(sample.upstream)
                seconds[place].failures += failed(sample.upstream)
                seconds[place].by_node.append(sample.upstream_latency)
    return seconds


def _before(snapshot: Snapshot, thresholds: Thresholds) -> Before:
    waited = []
    for step in snapshot.steps:
        answers = sum(of.asked for of in step.latencies.values())
        failures = sum(of.failed for of in step.latencies.values())
        taken = sketches.histogram_sum(of.upstream_latency.buckets for of in step.latencies.values())
        p99 = sketches.quantile_seconds(taken, 0.99)
        if p99 is not None and answers >= thresholds.upstream_answers:
            fails = failures >= thresholds.upstream_failure_ratio * answers
            waited.append(Waited(step.start, (1000 * p99,), fails=fails))
    return slowness.before(
        snapshot.first_second,
        waited,
        thresholds.upstream_slow_ms,
        thresholds.upstream_slow_ratio,
        thresholds,
    )


def _judge(seconds: Sequence[_Second], before: Before, thresholds: Thresholds) -> list[_Judged]:
    """The usual is the median of the percentiles of windows that were well; see `store_slow`."""
    window = thresholds.upstream_seconds
    usual = Usual(thresholds.baseline_seconds)
    judged: list[_Judged] = []
    for place in range(len(seconds)):
        shown = slice(max(0, place + 1 - window), place + 1)
        usual.forget(place)
        past = usual.median if len(usual) >= thresholds.baseline_min_seconds else before.usual(0)
        one = _window(seconds[shown], past, thresholds, judged[-1] if judged else None)
        judged.append(one)
        if one.p99_ms is not None and not one.degraded:
            usual.learn(place, one.p99_ms)
    return judged


def _window(
    seconds: Sequence[_Second], usual: float | None, thresholds: Thresholds, before: _Judged | None
) -> _Judged:
    """A window, where the one `before` it was judged like this; less is asked for what goes on."""
    answers = sum(second.answers for second in seconds)
    failures = sum(second.failures for second in seconds)
    p99_ms = _p99_ms(seconds)
    limit = allowed_ms(usual, thresholds.upstream_slow_ms, thresholds.upstream_slow_ratio)
    least = thresholds.upstream_min_seconds

    def failing(part: float) -> bool:
        return (
            onset.enough(answers, thresholds.upstream_answers, part)
            and failures >= part * thresholds.upstream_failure_ratio * answers > 0
            and onset.enough(sum(second.failures > 0 for second in seconds), least, part)
        )

    def slow(part: float) -> bool:
        return (
            onset.enough(answers, thresholds.upstream_answers, part)
            and p99_ms is not None
            and p99_ms > part * limit
            and onset.enough(sum(second.longest_ms > part * limit for second in seconds), least, part)
        )

    kept = thresholds.clear_ratio
    return _Judged(
        answers=answers,
        failures=failures,
        p99_ms=p99_ms,
        usual_ms=usual,
        limit_ms=limit,
        failing=failing(kept if before is not None and before.failing else 1.0),
        slow=slow(kept if before is not None and before.slow else 1.0),
    )


def _p99_ms(seconds: Sequence[_Second]) -> float | None:
    p99 = sketches.quantile_seconds(sketches.histogram_sum(second.latency for second in seconds), 0.99)
    return None if p99 is None else 1000 * p99


def _finding(snapshot: Snapshot, thresholds: Thresholds, now: _Judged, since: float) -> Finding:
    window = thresholds.upstream_seconds
    alone = _alone(snapshot, thresholds) if now.failing else None
    severity: Severity = "critical" if now.failing and now.ratio >= BROKEN and alone is None else "warning"
    where = "The service behind" if alone is None else f"The service behind {alone.id}"
    told = []
    if now.failing:
        told.append(f"fails {percent(now.ratio)} of {now.answers:,} requests in {window} s")
    if now.slow and now.p99_ms is not None:
        instead = "" if now.usual_ms is None else f" instead of {now.usual_ms:,.0f}"
        told.append(f"begins 1 % of its answers after {now.p99_ms:,.0f}{instead} ms or more")
    margins = [now.ratio / thresholds.upstream_failure_ratio] if now.failing else []
    margins += [now.p99_ms / now.limit_ms] if now.slow and now.p99_ms is not None else []
    return Finding(
        code="upstream_degraded",
        severity=severity,
        since=since,
        at=snapshot.at,
        subject=CLUSTER if alone is None else Target("node", alone.id),
        summary=f"{where} {' and '.join(told)} since {clock(since)}",
        evidence=(
            Evidence("failure_ratio", thresholds.upstream_failure_ratio, round(now.ratio, 4), "ratio"),
            Evidence("failures", None, now.failures, f"requests in {window} s"),
            Evidence("upstream_p99", _rounded(now.usual_ms), _rounded(now.p99_ms), "ms"),
            Evidence("upstream_p99_allowed", None, _rounded(now.limit_ms), "ms"),
        ),
        confidence=confidence(max(margins), snapshot.until - since),
        suggested_action=(
            "subject nodes" if alone is None else command("curl", "-s", f"{alone.admin_url}/state")
        ),
        verify_with="subject status",
    )


def _alone(snapshot: Snapshot, thresholds: Thresholds) -> Node | None:
    """The node that has nearly all failures, where another has answers enough to compare, and failures that
    are all nodes' would hardly fall like this: of three nodes ten have to be one's."""
    start = snapshot.until - thresholds.upstream_seconds
    counts = [
        (
            node,
            sum(failed(sample.upstream) for sample in node.samples if sample.end > start),
            sum(asked(sample.upstream) for sample in node.samples if sample.end > start),
        )
        for node in snapshot.up
    ]
    worst = max(counts, key=lambda item: item[1], default=None)
    if worst is None or worst[1] < MOSTLY_ONE * sum(failures for _, failures, _ in counts):
        return None
    compared = (answers >= thresholds.upstream_answers for node, _, answers in counts if node is not worst[0])
    if not any(compared):
        return None
    chance = chance_if_alike([failures for _, failures, _ in counts], [answers for _, _, answers in counts])
    return worst[0] if chance < ALONE_BY_CHANCE else None


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
