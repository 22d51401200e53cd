"""The metrics that a node shows, and where each is read. No label holds anything of a client's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.contract.records import Reloads
from gateway.telemetry.counters import REQUEST_OUTCOMES, Counters, Outcome
from gateway.telemetry.histogram import Histogram
from gateway.telemetry.process import Usage


@dataclass(frozen=True, slots=True)
class Scrape:
    """All that metrics are read from.

    `certificate_expires_at`: seconds since 1970; None where the node serves without TLS.
    """

    counters: Counters
    store_connected: bool
    reloads: Reloads
    lost_log_lines: int
    usage: Usage
    open_descriptors: int
    tasks: int = 0
    certificate_expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A number for each value of a label."""

    label: str
    values: Mapping[str, int]


Value = float | Labelled | Histogram

Metric = tuple[str, Literal["counter", "gauge", "histogram"], str, Callable[[Scrape], Value | None]]
"""Name, kind, meaning, and what reads it; what reads None is not shown."""


def _requests(scrape: Scrape) -> Labelled:
    return Labelled("outcome", {outcome: scrape.counters.messages[outcome] for outcome in REQUEST_OUTCOMES})


def _upstream(scrape: Scrape) -> Labelled:
    counters = scrape.counters
    outcomes = {
        "answered": counters.upstream_answered,
        "broken": counters.upstream_broken,
        "timed_out": counters.upstream_timed_out,
    }
    return Labelled("outcome", outcomes)


def _shed(scrape: Scrape) -> Labelled:
    return Labelled("full", {"node": scrape.counters.shed_node, "address": scrape.counters.shed_address})


def _decisions(scrape: Scrape) -> Labelled:
    counters = scrape.counters
    makers = {
        "redis": counters.store_decisions,
        "memory": counters.store_remembered,
        "fallback": counters.store_fallbacks,
    }
    return Labelled("by", makers)


def _store_units(scrape: Scrape) -> Labelled:
    counters = scrape.counters
    fates = {
        "posted": counters.store_posted,
        "uncertain": counters.store_uncertain,
        "written_off": counters.store_written_off,
    }
    return Labelled("fate", fates)


def _reloads(scrape: Scrape) -> Labelled:
    return Labelled("outcome", {"done": scrape.reloads.done, "failed": scrape.reloads.failed})


METRICS: tuple[Metric, ...] = (
    ("gateway_requests_total", "counter", "Requests by outcome.", _requests),
    ("gateway_denied_total", "counter", "Requests refused by the deny list.", lambda it: it.counters.denied),
    (
        "gateway_wrong_keys_limited_total",
        "counter",
        "Requests whose key was not looked up, as their address had sent too many unknown keys.",
        lambda it: it.counters.wrong_keys_limited,
    ),
    (
        "gateway_shadow_refused_total",
        "counter",
        "Requests let through that policies in shadow would have refused.",
        lambda it: it.counters.shadow_refused,
    ),
    (
        "gateway_malformed_total",
        "counter",
        "Messages that cannot be read, or could be read in two ways; they are no requests.",
        lambda it: it.counters.messages[Outcome.MALFORMED],
    ),
    ("gateway_upstream_total", "counter", "Requests sent to the upstream, by outcome.", _upstream),
    (
        "gateway_upstream_5xx_total",
        "counter",
        "Upstream's 5xx answers.",
        lambda it: it.counters.upstream_server_errors,
    ),
    (
        "gateway_upstream_retries_total",
        "counter",
        "Times that a request was sent once more, to another address or over another connection.",
        lambda it: it.counters.upstream_retried,
    ),
    (
        "gateway_upstream_full_total",
        "counter",
        "Requests that were sent nowhere, as too many were at the upstream or no socket was left.",
        lambda it: it.counters.upstream_full,
    ),
    (
        "gateway_upstream_gave_way_total",
        "counter",
        "Requests of slow clients that were ended, as another request had no place at the upstream.",
        lambda it: it.counters.upstream_gave_way,
    ),
    ("gateway_connections", "gauge", "Connections of clients.", lambda it: it.counters.connections),
    (
        "gateway_connections_shed_total",
        "counter",
        "Connections turned away, as there were too many at the node or from the address.",
        _shed,
    ),
    (
        "gateway_connections_gave_way_total",
        "counter",
        "Connections without a request that were closed to make room for others.",
        lambda it: it.counters.gave_way,
    ),
    (
        "gateway_accept_errors_total",
        "counter",
        "Times that connections had to wait, as no descriptor or memory was left for one.",
        lambda it: it.counters.accept_errors,
    ),
    (
        "gateway_tls_failed_total",
        "counter",
        "Connections that ended before their TLS handshake did.",
        lambda it: it.counters.tls_failed,
    ),
    (
        "gateway_client_timeouts_total",
        "counter",
        "Connections that ended as their client was too slow.",
        lambda it: Labelled("with", it.counters.late),
    ),
    (
        "gateway_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the certificate that clients are shown expires.",
        lambda it: it.certificate_expires_at,
    ),
    ("gateway_decisions_total", "counter", "Decisions by who made them.", _decisions),
    (
        "gateway_store_discarded_total",
        "counter",
        "Replies of Redis outside their stamp's tolerance, decided once more.",
        lambda it: it.counters.store_discarded,
    ),
    (
        "gateway_store_units_total",
        "counter",
        "Units that Redis did not count at once, by what became of them.",
        _store_units,
    ),
    (
        "gateway_store_damaged_total",
        "counter",
        "Replies that a key of a client's counters is damaged.",
        lambda it: it.counters.store_damaged,
    ),
    (
        "gateway_store_fields_ahead_total",
        "counter",
        "Counters of the future that were read: was Redis' clock put back?",
        lambda it: it.counters.store_fields_ahead,
    ),
    (
        "gateway_request_seconds",
        "histogram",
        "Forwarded requests, in the node.",
        lambda it: it.counters.latency,
    ),
    (
        "gateway_upstream_seconds",
        "histogram",
        "Until the upstream's head.",
        lambda it: it.counters.upstream_latency,
    ),
    (
        "gateway_store_seconds",
        "histogram",
        "Round trips of counting batches.",
        lambda it: it.counters.store_latency,
    ),
    ("gateway_in_flight", "gauge", "Requests being served.", lambda it: it.counters.in_flight),
    ("gateway_tunnels", "gauge", "WebSocket connections open.", lambda it: it.counters.tunnels),
    ("gateway_store_connected", "gauge", "Whether Redis answers.", lambda it: int(it.store_connected)),
    ("gateway_log_lines_lost_total", "counter", "Log lines not written.", lambda it: it.lost_log_lines),
    ("gateway_reloads_total", "counter", "Reloads of files, by what became of them.", _reloads),
    (
        "gateway_reload_failed",
        "gauge",
        "Whether the last reload failed.",
        lambda it: int(it.reloads.problem != ""),
    ),
    (
        "gateway_reload_timestamp_seconds",
        "gauge",
        "When the last reload was, 0 if none.",
        lambda it: it.reloads.at or 0,
    ),
    ("process_cpu_seconds_total", "counter", "User and system time.", lambda it: it.usage.cpu_seconds),
    ("gateway_tasks", "gauge", "Tasks of the event loop.", lambda it: it.tasks),
    ("process_open_fds", "gauge", "Open descriptors.", lambda it: it.open_descriptors),
    ("process_resident_memory_bytes", "gauge", "Resident memory.", lambda it: it.usage.rss_bytes),
)
"""In the order in which they are shown."""
