"""The node's counters in Prometheus' text format, version 0.0.4. No label holds anything of a client's."""

from gateway.contract.telemetry import Reloads
from gateway.telemetry import process
from gateway.telemetry.counters import Counters
from gateway.telemetry.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def exposition(
    counters: Counters,
    *,
    store_connected: bool,
    reloads: Reloads,
    lost_log_lines: int,
    tasks: int = 0,
    certificate_days: float | None = None,
) -> str:
    """All metrics as text; `certificate_days` is None where the node serves without TLS."""
    upstream = {
        "answered": counters.upstream_answered,
        "broken": counters.upstream_broken,
        "timed_out": counters.upstream_timed_out,
    }
    requests = {
        "admitted": counters.admitted,
        "refused": counters.refused,
        "failed": counters.failed,
        "unidentified": counters.unidentified,
    }
    lines = [
        *_counter("gateway_requests_total", "Requests by outcome.", "outcome", requests),
        *_single("gateway_denied_total", "counter", "Requests refused by the deny list.", counters.denied),
        *_single(
            "gateway_shadow_refused_total",
            "counter",
            "Requests let through that policies in shadow would have refused.",
            counters.shadow_refused,
        ),
        *_single("gateway_malformed_total", "counter", "Messages that are not HTTP.", counters.malformed),
        *_counter(
            "gateway_upstream_total", "Requests sent to the upstream, by outcome.", "outcome", upstream
        ),
        *_single(
            "gateway_upstream_5xx_total",
            "counter",
            "Upstream's 5xx answers.",
            counters.upstream_server_errors,
        ),
        *_single(
            "gateway_upstream_retries_total",
            "counter",
            "Times that a request was sent once more, to another address or over another connection.",
            counters.upstream_retried,
        ),
        *_single(
            "gateway_upstream_full_total",
            "counter",
            "Requests that were sent nowhere, as too many were at the upstream or no socket was left.",
            counters.upstream_full,
        ),
        *_listener(counters, certificate_days),
        *_store(counters),
        *_histogram("gateway_request_seconds", "Forwarded requests, in the node.", counters.latency),
        *_histogram("gateway_upstream_seconds", "Until the upstream's head.", counters.upstream_latency),
        *_histogram("gateway_store_seconds", "Round trips of counting batches.", counters.store_latency),
        *_single("gateway_in_flight", "gauge", "Requests being served.", counters.in_flight),
        *_single("gateway_tunnels", "gauge", "WebSocket connections open.", counters.tunnels),
        *_single("gateway_store_connected", "gauge", "Whether Redis answers.", int(store_connected)),
        *_single("gateway_log_lines_lost_total", "counter", "Log lines not written.", lost_log_lines),
        *_reloads(reloads),
        *_single("process_cpu_seconds_total", "counter", "User and system time.", process.cpu_seconds()),
        *_single("gateway_tasks", "gauge", "Tasks of the event loop.", tasks),
        *_single("process_open_fds", "gauge", "Open descriptors.", process.open_descriptors()),
        *_single("process_resident_memory_bytes", "gauge", "Resident memory.", process.rss_bytes()),
    ]
    return "\n".join(lines) + "\n"


def _listener(counters: Counters, certificate_days: float | None) -> list[str]:
    shed = {"node": counters.shed_node, "address": counters.shed_address}
    lines = [
        *_single("gateway_connections", "gauge", "Connections of clients.", counters.connections),
        *_counter(
            "gateway_connections_shed_total",
            "Connections turned away, as there were too many at the node or from the address.",
            "full",
            shed,
        ),
        *_single(
            "gateway_connections_gave_way_total",
            "counter",
            "Connections without a request that were closed to make room for others.",
            counters.gave_way,
        ),
        *_single(
            "gateway_accept_errors_total",
            "counter",
            "Times that connections had to wait, as no descriptor or memory was left for one.",
            counters.accept_errors,
        ),
        *_single(
            "gateway_tls_failed_total",
            "counter",
            "Connections that ended before their TLS handshake did.",
            counters.tls_failed,
        ),
    ]
    late = {
        "idle": counters.late_idle,
        "head": counters.late_head,
        "body": counters.late_body,
        "answer": counters.late_answer,
    }
    lines += _counter(
        "gateway_client_timeouts_total", "Connections that ended as their client was too slow.", "with", late
    )
    if certificate_days is not None:
        meaning = "Days until the certificate that clients are shown expires."
        lines += _single("gateway_certificate_days", "gauge", meaning, round(certificate_days, 3))
    return lines


def _reloads(reloads: Reloads) -> list[str]:
    return [
        *_counter(
            "gateway_reloads_total",
            "Reloads of files, by what became of them.",
            "outcome",
            {"done": reloads.done, "failed": reloads.failed},
        ),
        *_single(
            "gateway_reload_failed", "gauge", "Whether the last reload failed.", int(reloads.problem != "")
        ),
        *_single(
            "gateway_reload_timestamp_seconds",
            "gauge",
            "When the last reload was, 0 if none.",
            reloads.at or 0,
        ),
    ]


def _store(counters: Counters) -> list[str]:
    decisions = {
        "redis": counters.store_decisions,
        "memory": counters.store_remembered,
        "fallback": counters.store_fallbacks,
    }
    units = {
        "posted": counters.store_posted,
        "uncertain": counters.store_uncertain,
        "written_off": counters.store_written_off,
    }
    return [
        *_counter("gateway_decisions_total", "Decisions by who made them.", "by", decisions),
        *_single(
            "gateway_store_discarded_total",
            "counter",
            "Replies of Redis outside their stamp's tolerance, decided once more.",
            counters.store_discarded,
        ),
        *_counter(
            "gateway_store_units_total",
            "Units that Redis did not count at once, by what became of them.",
            "fate",
            units,
        ),
        *_single(
            "gateway_store_damaged_total",
            "counter",
            "Replies that a key of a client's counters is damaged.",
            counters.store_damaged,
        ),
        *_single(
            "gateway_store_fields_ahead_total",
            "counter",
            "Counters of the future that were read: some writer's clock is wrong.",
            counters.store_fields_ahead,
        ),
    ]


def _heading(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def _single(name: str, kind: str, meaning: str, value: float) -> list[str]:
    return [*_heading(name, kind, meaning), f"{name} {value}"]


def _counter(name: str, meaning: str, label: str, values: dict[str, int]) -> list[str]:
    samples = [f'{name}{{{label}="{key}"}} {value}' for key, value in values.items()]
    return [*_heading(name, "counter", meaning), *samples]


def _histogram(name: str, meaning: str, histogram: Histogram) -> list[str]:
    buckets = [f'{name}_bucket{{le="{bound:g}"}} {histogram.at_most(bound)}' for bound in BOUNDS_SECONDS]
    return [
        *_heading(name, "histogram", meaning),
        *buckets,
        f'{name}_bucket{{le="+Inf"}} {histogram.count}',
        f"{name}_sum {histogram.sum_seconds:.6f}",
        f"{name}_count {histogram.count}",
    ]
