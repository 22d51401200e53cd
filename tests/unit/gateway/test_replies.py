import json

import pytest

from gateway.admission import Decision
from gateway.contract.limits import Limit
from gateway.contract.policy_table import Policy
from gateway.limiter.decision import Standing
from gateway.replies import (
    RateLimitHeaders,
    limit_fields,
    problem,
    refused,
    retry_after,
    store_unavailable,
    unidentified,
)

POLICY = Policy("gold", Limit(100, 60))
STANDING = Standing(admitted=True, remaining=37, wait_seconds=11.2)
REFUSAL = Standing(admitted=False, remaining=0, wait_seconds=11.2)


def test_a_429_is_byte_for_byte_what_the_design_says() -> None:
    reply = refused(Decision("acme", POLICY, REFUSAL), REFUSAL, "ietf")

    assert (reply.status, reply.reason) == (429, b"Too Many Requests")
    assert reply.fields == [
        (b"Content-Type", b"application/problem+json"),
        (b"Cache-Control", b"no-store"),
        (b"Retry-After", b"12"),
        (b"RateLimit-Policy", b'"gold";q=100;w=60'),
        (b"RateLimit", b'"gold";r=0;t=12'),
    ]
    assert json.loads(reply.body) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "The limit of 100 requests in 60 s is used up; try again in 12 s.",
        "violated-policies": ["gold"],
    }


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
    assert retry_after(Standing(False, 0, wait_seconds)) == told


IETF = [(b"RateLimit-Policy", b'"gold";q=100;w=60'), (b"RateLimit", b'"gold";r=37;t=12')]
LEGACY = [
    (b"X-RateLimit-Limit", b"100"),
    (b"X-RateLimit-Remaining", b"37"),
    (b"X-RateLimit-Reset", b"12"),
]


@pytest.mark.parametrize(
    ("style", "fields"), [("ietf", IETF), ("legacy", LEGACY), ("both", IETF + LEGACY), ("off", [])]
)
def test_each_style_has_its_fields(style: RateLimitHeaders, fields: list[tuple[bytes, bytes]]) -> None:
    assert limit_fields(POLICY, STANDING, style) == fields


@pytest.mark.parametrize(
    ("style", "fields"), [("ietf", IETF[:1]), ("legacy", LEGACY[:1]), ("both", IETF[:1] + LEGACY[:1])]
)
def test_where_nobody_counted_only_the_limit_is_told(
    style: RateLimitHeaders, fields: list[tuple[bytes, bytes]]
) -> None:
    assert limit_fields(POLICY, None, style) == fields


@pytest.mark.parametrize("status", [400, 401, 413, 414, 429, 431, 500, 501, 502, 503, 504, 505])
def test_every_status_that_the_node_uses_has_a_reason_and_a_title(status: int) -> None:
    reply = problem(status, "detail")

    assert json.loads(reply.body)["title"].encode() == reply.reason
    assert reply.body.endswith(b"\n")
