"""limit_breach: a client, or the cluster, is refused often."""

from dataclasses import dataclass

from subject.cluster import series
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.detectors.limit_words import limit_of
from subject.figures import clock, percent
from subject.finding import CLUSTER, Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class _Breach:
    client: str
    refused: float  # in the window
    requests: float
    since: int


def limit_breach(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """A client that was refused often enough; where it is many, or nobody by itself, the cluster."""
    clients = [_Refusals(row, client, thresholds) for client, row in _rows(snapshot, thresholds).items()]
    found = [(one, start) for one in clients if (start := one.began) is not None]
    breaches = _breaches(snapshot, thresholds, found)
    if breaches and not _are_many(len(breaches), clients, thresholds):
        return [_of_client(snapshot, thresholds, breach) for breach in breaches]
    return _of_cluster(snapshot, thresholds, breaches)


class _Refusals:
    """One client's by second, and whether they are many."""

    def __init__(self, row: list[float], client: str, thresholds: Thresholds) -> None:
        self.client = client
        self._row = row
        self._last = len(row) - 1
        self._in_window = onset.Sums(row, thresholds.breach_seconds)
        self._thresholds = thresholds

    def held(self, second: int, part: float) -> bool:
        return onset.enough(self._in_window(second), self._thresholds.breach_refused, part)

    @property
    def began(self) -> int | None:
        """The position of the second since which it goes on."""
        return onset.since(
            self._last,
            first=0,
            held=self.held,
            shows=lambda second: self._row[second] > 0,
            window=self._thresholds.breach_seconds,
            part=self._thresholds.clear_ratio,
        )

    @property
    def seconds(self) -> list[bool]:
        """In which seconds it was over, by the same rule."""
        over, found = False, []
        for second in range(len(self._row)):
            over = self.held(second, self._thresholds.clear_ratio if over else 1.0)
            found.append(over)
        return found


def _rows(snapshot: Snapshot, thresholds: Thresholds) -> dict[str, list[float]]:
    """Of those who may be over, now or a while ago; who is denied is refused as was asked for."""
    start = snapshot.first_second
    refused = series.by_client(snapshot.all_samples(), series.refusals_of_clients, start, snapshot.until)
    least = thresholds.clear_ratio * thresholds.breach_refused - 0.5
    clients = [
        client
        for client, count in refused.items()
        if count >= least and not snapshot.policies.is_denied(client)
    ]
    return snapshot.rows_by_client(series.refusals_of_clients, clients)


def _are_many(now: int, clients: list[_Refusals], thresholds: Thresholds) -> bool:
    """More clients than are named one by one: that goes on, too, while most of so many are over."""
    if now > thresholds.breach_clients or now <= thresholds.clear_ratio * thresholds.breach_clients:
        return now > thresholds.breach_clients
    counts: list[int] = [sum(over) for over in zip(*(one.seconds for one in clients), strict=True)]

    def held(second: int, part: float) -> bool:
        return counts[second] > part * thresholds.breach_clients

    return onset.raised(len(counts) - 1, 0, held, thresholds.clear_ratio) is not None


def _breaches(
    snapshot: Snapshot, thresholds: Thresholds, found: list[tuple[_Refusals, int]]
) -> list[_Breach]:
    until, window = snapshot.until, thresholds.breach_seconds
    samples = list(snapshot.late_samples(until - window)) if found else []
    refused = series.by_client(samples, series.refusals_of_clients, until - window, until)
    requests = series.by_client(samples, series.requests_of_clients, until - window, until)
    breaches = [
        _Breach(
            one.client,
            refused[one.client],
            max(refused[one.client], requests.get(one.client, 0.0)),
            snapshot.first_second + start,
        )
        for one, start in found
    ]
    return sorted(breaches, key=lambda breach: -breach.refused)


def _by_limits(sample: Sample) -> int:
    """Who is denied is refused as was asked for, and no sign of anything."""
    return sample.totals.refused - sample.totals.denied


def _of_client(snapshot: Snapshot, thresholds: Thresholds, breach: _Breach) -> Finding:
    window = thresholds.breach_seconds
    limit = limit_of(snapshot.policies, breach.client, breach.since, snapshot.at)
    ratio = breach.refused / breach.requests
    return Finding(
        code="limit_breach",
        severity="warning",
        since=breach.since,
        at=snapshot.at,
        subject=Target("client", breach.client),
        summary=(
            f"{breach.client} is over {limit} since {clock(breach.since)}: {breach.refused:,.0f} of its "
            f"{breach.requests:,.0f} requests in {window} s are refused ({percent(ratio)})"
        ),
        evidence=(
            Evidence("refused", thresholds.breach_refused, round(breach.refused), f"requests in {window} s"),
            Evidence("requests", None, round(breach.requests), f"requests in {window} s"),
            Evidence("rejection_ratio", None, round(ratio, 3), "ratio"),
        ),
        confidence=confidence(breach.refused / thresholds.breach_refused, snapshot.until - breach.since),
        suggested_action=command("subject", "limits", "get", breach.client),
        verify_with=command("subject", "why", breach.client),
    )


@dataclass(frozen=True, slots=True)
class _All:
    """The cluster's requests in the window; `since` is when so many were refused, None where they are not."""

    refused: float
    requests: float
    since: int | None

    @property
    def ratio(self) -> float:
        return self.refused / self.requests if self.requests else 0.0


def _all(snapshot: Snapshot, thresholds: Thresholds) -> _All:
    window = thresholds.breach_seconds
    refused, requests = snapshot.cluster_seconds(_by_limits), snapshot.requests
    refused_in, requests_in = onset.Sums(refused, window), onset.Sums(requests, window)

    def held(second: int, part: float) -> bool:
        count = requests_in(second)
        return (
            onset.enough(count, thresholds.breach_min_requests, part)
            and refused_in(second) >= part * thresholds.breach_ratio * count
        )

    def shows(second: int) -> bool:
        return refused[second] > thresholds.breach_ratio * requests[second]

    last = len(requests) - 1
    began = onset.since(last, first=0, held=held, shows=shows, window=window, part=thresholds.clear_ratio)
    since = None if began is None else snapshot.first_second + began
    return _All(refused_in(last), requests_in(last), since)


def _of_cluster(snapshot: Snapshot, thresholds: Thresholds, breaches: list[_Breach]) -> list[Finding]:
    window, found = thresholds.breach_seconds, _all(snapshot, thresholds)
    if found.since is None and not breaches:
        return []
    since = min([breach.since for breach in breaches] + ([] if found.since is None else [found.since]))
    named = ", ".join(breach.client for breach in breaches[:3])
    who = (
        f"{len(breaches)} clients are over their limits, first {named}"
        if breaches
        else "no client often by itself"
    )
    return [
        Finding(
            code="limit_breach",
            severity="warning",
            since=since,
            at=snapshot.at,
            subject=CLUSTER,
            summary=(
                f"{found.refused:,.0f} of all {found.requests:,.0f} requests in {window} s are refused "
                f"({percent(found.ratio)}) since {clock(since)}: {who}"
            ),
            evidence=(
                Evidence("rejection_ratio", thresholds.breach_ratio, round(found.ratio, 3), "ratio"),
                Evidence("refused", None, round(found.refused), f"requests in {window} s"),
                Evidence("requests", None, round(found.requests), f"requests in {window} s"),
                Evidence("clients_over_limit", thresholds.breach_clients, len(breaches), "clients"),
            ),
            confidence=confidence(max(found.ratio / thresholds.breach_ratio, 1.0), snapshot.until - since),
            suggested_action="subject limits",
            verify_with="subject top",
        )
    ]
