"""The text is read back as Prometheus' scraper reads it (text format 0.0.4)."""

import re
from collections import Counter

import pytest

from gateway.contract.records import Reloads
from gateway.telemetry.counters import Counters, Outcome
from gateway.telemetry.process import Usage
from gateway.telemetry.prometheus import BOUNDS_SECONDS, Scrape, exposition

RELOADS = Reloads(done=16, failed=17, at=1_700_000_000.5, problem="not TOML")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([a-z]+)="([^"\\\n]*)"\})? (\S+)')
COMMENT = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")


def parse(text: str) -> tuple[dict[str, str], dict[tuple[str, str], float]]:
    """Types by family, and samples by name and label's value."""
    assert text.endswith("\n")
    types: dict[str, str] = {}
    helped: set[str] = set()
    samples: dict[tuple[str, str], float] = {}
    for line in text.splitlines():
        if comment := COMMENT.fullmatch(line):
            kind, name, rest = comment.groups()
            if kind == "TYPE":
                assert name in helped
                assert name not in types
                types[name] = rest
            helped.add(name)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        name, _, label, value = sample.groups()
        family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in types else name
        assert family in types, f"{name} comes before its type"
        assert (name, label or "") not in samples
        samples[name, label or ""] = float(value)
    return types, samples


def busy() -> Counters:
    counters = Counters(
        messages=Counter(dict(zip(Outcome, range(1, 6), strict=True))),
        denied=14,
        shadow_refused=15,
        in_flight=6,
        upstream_answered=7,
        upstream_server_errors=8,
        upstream_broken=9,
        upstream_timed_out=10,
        upstream_retried=20,
        upstream_full=21,
        store_decisions=11,
        store_fallbacks=12,
        store_discarded=13,
    )
    counters.late.update(head=18, body=19)
    for seconds in (0.0004, 0.003, 0.003, 0.2, 60.0):
        counters.latency.add(seconds)
    return counters


def shown(counters: Counters) -> str:
    return exposition(Scrape(counters, True, RELOADS, 16, Usage(22.0, 23), open_descriptors=24))


def test_every_counter_is_there_with_its_value() -> None:
    types, samples = parse(shown(busy()))

    told = {
        ("gateway_requests_total", "admitted"): 1,
        ("gateway_requests_total", "refused"): 2,
        ("gateway_requests_total", "failed"): 3,
        ("gateway_requests_total", "unidentified"): 4,
        ("gateway_malformed_total", ""): 5,
        ("gateway_denied_total", ""): 14,
        ("gateway_shadow_refused_total", ""): 15,
        ("gateway_in_flight", ""): 6,
        ("gateway_upstream_total", "answered"): 7,
        ("gateway_upstream_5xx_total", ""): 8,
        ("gateway_upstream_total", "broken"): 9,
        ("gateway_upstream_total", "timed_out"): 10,
        ("gateway_upstream_retries_total", ""): 20,
        ("gateway_upstream_full_total", ""): 21,
        ("gateway_decisions_total", "redis"): 11,
        ("gateway_decisions_total", "fallback"): 12,
        ("gateway_store_discarded_total", ""): 13,
        ("gateway_log_lines_lost_total", ""): 16,
        ("gateway_store_fields_ahead_total", ""): 0,
        ("gateway_store_connected", ""): 1,
        ("gateway_reloads_total", "done"): 16,
        ("gateway_reloads_total", "failed"): 17,
        ("gateway_client_timeouts_total", "head"): 18,
        ("gateway_client_timeouts_total", "body"): 19,
        ("gateway_client_timeouts_total", "answer"): 0,
        ("gateway_reload_failed", ""): 1,
        ("gateway_reload_timestamp_seconds", ""): 1_700_000_000.5,
    }
    assert {key: samples[key] for key in told} == told
    assert types["gateway_requests_total"] == types["process_cpu_seconds_total"] == "counter"
    assert types["gateway_in_flight"] == types["process_resident_memory_bytes"] == "gauge"
    assert samples["process_resident_memory_bytes", ""] == 23
    assert samples["process_open_fds", ""] > 2


def test_a_histograms_buckets_are_cumulative_and_end_at_its_count() -> None:
    types, samples = parse(shown(busy()))
    buckets = [samples["gateway_request_seconds_bucket", f"{bound:g}"] for bound in BOUNDS_SECONDS]

    assert types["gateway_request_seconds"] == "histogram"
    assert buckets == sorted(buckets)
    assert samples["gateway_request_seconds_bucket", "0.005"] == 3
    assert buckets[-1] == 4
    assert samples["gateway_request_seconds_bucket", "+Inf"] == 5
    assert samples["gateway_request_seconds_count", ""] == 5
    assert samples["gateway_request_seconds_sum", ""] == pytest.approx(60.2064)


def test_counters_end_in_total_and_others_do_not() -> None:
    types, _ = parse(shown(Counters()))

    assert all(name.endswith("_total") == (kind == "counter") for name, kind in types.items())


def test_no_label_grows_with_traffic() -> None:
    quiet, busy = Counters(), Counters()
    for number in range(1000):
        busy.clients.count(f"client-{number}", refused=number % 2 == 0)
        busy.latency.add(number / 100)
    busy.clients.tick()

    _, before = parse(shown(quiet))
    _, after = parse(shown(busy))
    assert before.keys() == after.keys()
    assert "client-1" not in shown(busy)
