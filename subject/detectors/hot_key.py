"""hot_key: one of many clients makes most of the cluster's requests."""

from subject.cluster import series
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.figures import clock, number, percent
from subject.finding import Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds


def hot_key(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """By what nodes list: at least so much is a client's."""
    until, window = snapshot.until, thresholds.hot_key_seconds
    by_client = series.by_client(
        snapshot.late_samples(until - window), series.requests_of_clients, until - window, until
    )
    active = sum(count > 0 for count in by_client.values())
    least = thresholds.clear_ratio * thresholds.hot_key_share * sum(snapshot.requests[-window:])
    if len(snapshot.requests) < window or active < thresholds.clear_ratio * thresholds.hot_key_clients:
        return []
    candidates = [client for client, count in by_client.items() if count >= least > 0]
    rows = snapshot.rows_by_client(series.requests_of_clients, candidates)
    return [
        _finding(snapshot, thresholds, client, row=row, active=active, began=began)
        for client, row in rows.items()
        if (began := _began(snapshot, thresholds, row, active)) is not None
    ]


def _began(snapshot: Snapshot, thresholds: Thresholds, own: list[float], active: int) -> int | None:
    window, requests = thresholds.hot_key_seconds, snapshot.requests
    own_in, all_in = onset.Sums(own, window), onset.Sums(requests, window)

    def held(second: int, part: float) -> bool:
        return (
            active >= part * thresholds.hot_key_clients
            and all_in(second) >= part * thresholds.hot_key_rate * window
            and own_in(second) >= part * thresholds.hot_key_share * all_in(second)
        )

    def shows(second: int) -> bool:
        return own[second] >= thresholds.hot_key_share * requests[second] > 0

    return onset.since(
        len(own) - 1,
        first=window - 1,
        held=held,
        shows=shows,
        window=window,
        part=thresholds.clear_ratio,
    )


def _finding(
    snapshot: Snapshot,
    thresholds: Thresholds,
    client: str,
    *,
    row: list[float],
    active: int,
    began: int,
) -> Finding:
    # From its beginning on the shares are those since then, not mixed with those of before.
    shown = slice(max(began, len(row) - thresholds.hot_key_seconds), len(row))
    seconds = shown.stop - shown.start
    own, whole = sum(row[shown]) / seconds, sum(snapshot.requests[shown]) / seconds
    share = min(1.0, own / whole) if whole > 0 else 0.0
    since = snapshot.first_second + began
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
        suggested_action=command("subject", "limits", "get", client),
        verify_with="subject top",
    )
