"""hot_key: one of many clients makes most of the cluster's requests."""

from subject import series
from subject.detectors import onset
from subject.detectors.thresholds import Thresholds
from subject.finding import Evidence, Finding, Target, clock, command, confidence, number, percent
from subject.snapshot import Snapshot


def hot_key(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """The busiest client by what nodes list: at least so much is its, so no other can have more."""
    until, window = snapshot.until, thresholds.hot_key_seconds
    samples = list(snapshot.all_samples())
    by_client = series.by_client(samples, lambda sample: sample.requests_by_client, until - window, until)
    active = sum(count > 0 for count in by_client.values())
    if active < thresholds.hot_key_clients:
        return []
    client = max(by_client, key=by_client.__getitem__)
    own = snapshot.cluster_seconds(lambda sample: sample.requests_by_client.get(client, 0))
    all_ = snapshot.cluster_seconds(lambda sample: sample.totals.requests)
    last = len(all_) - 1

    def held(second: int) -> bool:
        seconds = slice(max(0, second + 1 - window), second + 1)
        requests = sum(all_[seconds])
        return (
            requests >= thresholds.hot_key_rate * window
            and sum(own[seconds]) >= thresholds.hot_key_share * requests
        )

    if last + 1 < window or not held(last):
        return []
    began = onset.since(
        last, 0, held, lambda second: own[second] >= thresholds.hot_key_share * all_[second] > 0, window
    )
    shown = slice(max(began, last + 1 - window), last + 1)
    seconds = shown.stop - shown.start
    rates = sum(own[shown]) / seconds, sum(all_[shown]) / seconds
    return [_finding(snapshot, thresholds, client, rates, active, snapshot.first_second + began)]


def _finding(
    snapshot: Snapshot,
    thresholds: Thresholds,
    client: str,
    rates: tuple[float, float],
    active: int,
    since: int,
) -> Finding:
    own, whole = rates
    share = min(1.0, own / whole)
    return Finding(
        code="hot_key",
        severity="info",
        since=since,
        at=snapshot.at,
        subject=Target("client", client),
        summary=(
            f"{client} sends {percent(share)} of the cluster's requests ({number(own)} of {number(whole)} a "
            f"second) since {clock(since)}, as one of {active} clients or more that are active"
        ),
        evidence=(
            Evidence("share_of_requests", thresholds.hot_key_share, round(share, 3), "ratio"),
            Evidence("client_rate", None, round(own, 2), "requests/s"),
            Evidence("cluster_rate", None, round(whole, 2), "requests/s"),
            Evidence("clients_active", thresholds.hot_key_clients, active, "clients"),
        ),
        confidence=confidence(share / thresholds.hot_key_share, snapshot.until - since),
        likely_cause=(
            f"{client} is far bigger than the others, runs a batch, or is a proxy behind which many users "
            "share one key; its window is the busiest key in Redis"
        ),
        suggested_action=command("subject", "limits", "get", client),
        verify_with="subject top",
    )
