import json
from typing import Any

import pytest

from gateway.admission import Decision
from gateway.contract.limits import parse_limits
from gateway.http.fields import render_fields
from gateway.http.response_head import LocalReply, problem
from gateway.limiter.decision import WindowStatus
from gateway.policy.concurrency import Concurrency
from gateway.policy.resolve import LimitWindow, windows_of
from gateway.proxy.replies import (
    RateLimitHeaders,
    denied,
    limit_fields,
    limit_lines,
    rejected,
    retry_after,
    store_unavailable,
    unidentified,
)


def meters(name: str, limits: str, *, shadow: bool = False) -> tuple[LimitWindow, ...]:
    return windows_of(name, "client", parse_limits(limits), shadow=shadow)


def left(remaining: int, wait_seconds: float) -> WindowStatus:
    return WindowStatus(admitted=True, remaining=remaining, wait_seconds=wait_seconds)


def full(wait_seconds: float, remaining: int = 0) -> WindowStatus:
    return WindowStatus(admitted=False, remaining=remaining, wait_seconds=wait_seconds)


def decided(of: tuple[LimitWindow, ...], *statuses: WindowStatus, **fields: Any) -> Decision:
    admitted = all(status.admitted or meter.shadow for meter, status in zip(of, statuses, strict=True))
    return Decision(admitted, "acme", of, statuses, **fields)


def body(reply: LocalReply) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.body)
    return document


GOLD = meters("gold", "100/m")
BURST = meters("gold", "10/s,100/m,5000/d")


def test_a_429_is_byte_for_byte_what_the_design_says() -> None:
    reply = rejected(decided(GOLD, full(11.2)), "ietf")

    assert (reply.status, reply.reason) == (429, b"Too Many Requests")
    assert reply.fields == [
        (b"Content-Type", b"application/problem+json"),
        (b"Cache-Control", b"no-store"),
        (b"Retry-After", b"12"),
        (b"RateLimit-Policy", b'"gold";q=100;w=60'),
        (b"RateLimit", b'"gold";r=0;t=12'),
    ]
    assert body(reply) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "The limit of 100 requests in 60 s (gold) is used up; try again in 12 s.",
        "violated-policies": ["gold"],
    }


def test_a_429_names_all_windows_that_refuse_and_waits_for_the_last() -> None:
    reply = rejected(decided(BURST, full(0.3), left(4, 9.0), full(3599.5)), "ietf")

    assert dict(reply.fields)[b"Retry-After"] == b"3600"
    assert body(reply)["violated-policies"] == ["gold/s", "gold/d"]
    assert body(reply)["detail"] == (
        "The limit of 5000 requests in 86400 s (gold/d) is used up; try again in 3600 s."
    )


def test_a_429_for_a_request_that_costs_more_says_so() -> None:
    reply = rejected(decided(GOLD, full(11.2, remaining=2), cost=5), "ietf")

    assert body(reply)["detail"] == (
        "The limit of 100 requests in 60 s (gold) has no room for this one, which counts as 5; "
        "try again in 12 s."
    )


def test_a_429_for_too_many_at_once_asks_for_a_second() -> None:
    reply = rejected(Decision(False, "acme", GOLD, None, concurrency=Concurrency(3, 4, shadow=False)), "ietf")

    assert reply.fields[2:] == [
        (b"Retry-After", b"1"),
        (b"RateLimit-Policy", b'"gold";q=100;w=60, "concurrency";q=3;qu="concurrent-requests"'),
        (b"RateLimit", b'"concurrency";r=0'),
    ]
    assert body(reply)["violated-policies"] == ["concurrency"]
    assert "being served" in body(reply)["detail"]


def test_a_window_in_shadow_is_no_reason_and_is_not_told() -> None:
    of = meters("gold", "10/s", shadow=True) + meters("route/search", "5/m")
    reply = rejected(decided(of, full(9000.0), full(3.0)), "both")

    assert body(reply)["violated-policies"] == ["route/search"]
    assert reply.fields[2:] == [
        (b"Retry-After", b"3"),
        (b"RateLimit-Policy", b'"route/search";q=5;w=60'),
        (b"RateLimit", b'"route/search";r=0;t=3'),
        (b"X-RateLimit-Limit", b"5"),
        (b"X-RateLimit-Remaining", b"0"),
        (b"X-RateLimit-Reset", b"3"),
    ]


def test_a_403_tells_no_more_than_that() -> None:
    reply = denied()

    assert (reply.status, reply.reason) == (403, b"Forbidden")
    assert reply.fields == [
        (b"Content-Type", b"application/problem+json"),
        (b"Cache-Control", b"no-store"),
    ]
    assert body(reply)["type"] == "about:blank"


def test_a_401_asks_for_a_key() -> None:
    reply = unidentified("An API key is needed.")

    assert (reply.status, reply.reason) == (401, b"Unauthorized")
    assert reply.fields == [
        (b"Content-Type", b"application/problem+json"),
        (b"Cache-Control", b"no-store"),
        (b"WWW-Authenticate", b'Bearer realm="gateway"'),
    ]
    assert json.loads(reply.body) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "An API key is needed.",
    }


def test_a_503_without_redis_says_when_to_come_back() -> None:
    reply = store_unavailable()

    assert (reply.status, reply.reason) == (503, b"Service Unavailable")
    assert reply.fields == [
        (b"Content-Type", b"application/problem+json"),
        (b"Cache-Control", b"no-store"),
        (b"Retry-After", b"1"),
    ]
    document = json.loads(reply.body)
    assert document["type"].endswith("#temporary-reduced-capacity")


@pytest.mark.parametrize(
    ("wait_seconds", "told"), [(0.0, 1), (-5.0, 1), (1e-9, 1), (1.0, 1), (1.000001, 2), (59.99, 60)]
)
def test_retry_after_is_whole_seconds_and_never_0(wait_seconds: float, told: int) -> None:
    assert retry_after(full(wait_seconds)) == told


IETF = [(b"RateLimit-Policy", b'"gold";q=100;w=60'), (b"RateLimit", b'"gold";r=37;t=12')]
LEGACY = [
    (b"X-RateLimit-Limit", b"100"),
    (b"X-RateLimit-Remaining", b"37"),
    (b"X-RateLimit-Reset", b"12"),
]
ADMITTED = decided(GOLD, left(37, 11.2))
UNCOUNTED = Decision(True, "acme", GOLD)


@pytest.mark.parametrize(
    ("style", "fields"), [("ietf", IETF), ("legacy", LEGACY), ("both", IETF + LEGACY), ("off", [])]
)
def test_each_style_has_its_fields(style: RateLimitHeaders, fields: list[tuple[bytes, bytes]]) -> None:
    assert limit_fields(ADMITTED, style) == fields


@pytest.mark.parametrize("style", ["ietf", "legacy", "both", "off"])
@pytest.mark.parametrize(
    "decision",
    [
        decided(GOLD, left(37, 11.2)),
        decided(GOLD, left(0, 0.2)),
        decided(GOLD, left(37, 0.0)),
        decided(GOLD, full(59.5)),
        decided(meters("gold", "100/m", shadow=True), full(3.0)),
        decided(meters("gold", "10/s,100/m"), left(5, 0.5), left(90, 30.0)),
        decided(GOLD, left(37, 11.2), concurrency=Concurrency(3, 1, shadow=False)),
        Decision(True, "acme", GOLD),
        Decision(True),
    ],
)
def test_as_lines_they_are_the_same(decision: Decision, style: RateLimitHeaders) -> None:
    assert limit_lines(decision, style) == render_fields(limit_fields(decision, style))


@pytest.mark.parametrize(
    ("style", "fields"), [("ietf", IETF[:1]), ("legacy", LEGACY[:1]), ("both", IETF[:1] + LEGACY[:1])]
)
def test_where_nobody_counted_only_the_limit_is_told(
    style: RateLimitHeaders, fields: list[tuple[bytes, bytes]]
) -> None:
    assert limit_fields(UNCOUNTED, style) == fields


def test_all_windows_are_told_and_the_legacy_fields_tell_the_tightest() -> None:
    decision = decided(
        BURST, left(9, 0.4), left(3, 30.0), left(4000, 80000.0), concurrency=Concurrency(8, 6, shadow=False)
    )

    assert limit_fields(decision, "both") == [
        (
            b"RateLimit-Policy",
            b'"gold/s";q=10;w=1, "gold/m";q=100;w=60, "gold/d";q=5000;w=86400, '
            b'"concurrency";q=8;qu="concurrent-requests"',
        ),
        (
            b"RateLimit",
            b'"gold/s";r=9;t=1, "gold/m";r=3;t=30, "gold/d";r=4000;t=80000, "concurrency";r=2',
        ),
        (b"X-RateLimit-Limit", b"100"),
        (b"X-RateLimit-Remaining", b"3"),
        (b"X-RateLimit-Reset", b"30"),
    ]


def test_of_a_window_that_only_memory_tells_of_nobody_says_when_more_comes_free() -> None:
    statuses = (WindowStatus(admitted=False, remaining=0, wait_seconds=0.2), left(99_975, 0.0))
    (_, (_, told)) = limit_fields(Decision(False, "acme", meters("gold", "10/s,100000/d"), statuses), "ietf")

    assert told == b'"gold/s";r=0;t=1, "gold/d";r=99975'


def test_the_tightest_is_one_that_refuses_though_others_have_less_left() -> None:
    decision = decided(meters("gold", "10/s,100/m"), full(0.5, remaining=4), left(2, 9.0), cost=5)

    assert limit_fields(decision, "legacy")[0] == (b"X-RateLimit-Limit", b"10")


def test_where_nobody_counted_the_smallest_window_is_the_tightest() -> None:
    assert limit_fields(Decision(True, "acme", BURST), "legacy") == [(b"X-RateLimit-Limit", b"10")]


@pytest.mark.parametrize("style", ["ietf", "legacy", "both", "off"])
@pytest.mark.parametrize(
    "decision",
    [
        Decision(True),
        Decision(True, "acme"),
        decided(meters("gold", "10/s", shadow=True), full(1.0), concurrency=Concurrency(1, 2, shadow=True)),
    ],
    ids=["exempt", "allowed", "in shadow"],
)
def test_who_is_held_by_nothing_is_told_nothing(style: RateLimitHeaders, decision: Decision) -> None:
    assert limit_fields(decision, style) == []


@pytest.mark.parametrize("status", [400, 401, 403, 413, 414, 429, 431, 500, 501, 502, 503, 504, 505])
def test_every_status_that_the_node_uses_has_a_reason_and_a_title(status: int) -> None:
    reply = problem(status, "detail")

    assert json.loads(reply.body)["title"].encode() == reply.reason
    assert reply.body.endswith(b"\n")
