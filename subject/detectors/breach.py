"""limit_breach: a client, or the cluster, is refused often."""

from collections.abc import Callable
from dataclasses import dataclass

from subject import series
from subject.detectors import onset
from subject.detectors.thresholds import Thresholds
from subject.finding import CLUSTER, Evidence, Finding, Target, clock, command, confidence, percent
from subject.policies import Policies
from subject.series import Sample
from subject.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class _Breach:
    client: str
    refused: float  # in the window
    requests: float
    since: int


def limit_breach(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """A client that was refused often enough; where it is many, or nobody by itself, the cluster."""
    until, window = snapshot.until, thresholds.breach_seconds
    samples = list(snapshot.all_samples())
    refused = series.by_client(samples, lambda sample: sample.refused_by_client, until - window, until)
    requests = series.by_client(samples, lambda sample: sample.requests_by_client, until - window, until)
    breaches = [
        _Breach(client, count, max(count, requests.get(client, 0.0)), _since(snapshot, thresholds, client))
        for client, count in sorted(refused.items(), key=lambda item: -item[1])
        if round(count) >= thresholds.breach_refused and not snapshot.policies.is_denied(client)
    ]
    if 0 < len(breaches) <= thresholds.breach_clients:
        return [_of_client(snapshot, thresholds, breach) for breach in breaches]
    return _of_cluster(snapshot, thresholds, breaches)


def _by_limits(sample: Sample) -> int:
    """Who is denied is refused as was asked for, and no sign of anything."""
    return sample.totals.refused - sample.totals.denied


def _since(snapshot: Snapshot, thresholds: Thresholds, client: str | None) -> int:
    def value(sample: Sample) -> float:
        return _by_limits(sample) if client is None else sample.refused_by_client.get(client, 0)

    return _onset(snapshot, value, thresholds.breach_seconds, thresholds.breach_refused)


def _onset(snapshot: Snapshot, value: Callable[[Sample], float], window: int, least: float) -> int:
    row = snapshot.cluster_seconds(value)

    def held(second: int) -> bool:
        return round(sum(row[max(0, second + 1 - window) : second + 1])) >= least

    began = onset.since(len(row) - 1, 0, held, lambda second: row[second] > 0, window)
    return snapshot.first_second + max(0, began)


def _of_client(snapshot: Snapshot, thresholds: Thresholds, breach: _Breach) -> Finding:
    window = thresholds.breach_seconds
    limit = _limit_of(snapshot.policies, breach.client)
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
        likely_cause=(
            f"{breach.client} does not keep to its limit, or the limit is too low for what it does; "
            "the gateway does what it should"
        ),
        suggested_action=command("subject", "limits", "get", breach.client),
        verify_with=command("subject", "why", breach.client),
    )


def _limit_of(policies: Policies, client: str) -> str:
    """What a client is over, in words; which of several it is, records do not tell."""
    applied = policies.applied_to(client)
    if applied is None:
        return "its limit"
    others = " or a route's" if policies.table is not None and policies.table.limits_routes else ""
    if applied.concurrency:
        others += f" or {applied.concurrency} at once"
    return f"its limit of {applied.limits} ({applied.name}){others}"


def _of_cluster(snapshot: Snapshot, thresholds: Thresholds, breaches: list[_Breach]) -> list[Finding]:
    window = thresholds.breach_seconds
    refused = sum(snapshot.cluster_seconds(_by_limits)[-window:])
    requests = sum(snapshot.cluster_seconds(lambda sample: sample.totals.requests)[-window:])
    ratio = refused / requests if requests else 0.0
    over = round(requests) >= thresholds.breach_min_requests and ratio >= thresholds.breach_ratio
    if not breaches and not over:
        return []
    since = min((breach.since for breach in breaches), default=_since(snapshot, thresholds, None))
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
                f"{refused:,.0f} of all {requests:,.0f} requests in {window} s are refused "
                f"({percent(ratio)}) since {clock(since)}: {who}"
            ),
            evidence=(
                Evidence("rejection_ratio", thresholds.breach_ratio, round(ratio, 3), "ratio"),
                Evidence("refused", None, round(refused), f"requests in {window} s"),
                Evidence("requests", None, round(requests), f"requests in {window} s"),
                Evidence("clients_over_limit", thresholds.breach_clients, len(breaches), "clients"),
            ),
            confidence=confidence(max(ratio / thresholds.breach_ratio, 1.0), snapshot.until - since),
            likely_cause="limits that are too low for today's use, or many clients that retry at once",
            suggested_action="subject limits",
            verify_with="subject top",
        )
    ]
