"""What the node itself says to clients: problems (RFC 9457) and the fields that tell of limits.

Field lists are pairs of bytes, as they go on the wire.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Literal

from gateway.admission import Decision
from gateway.contract.policy_table import Policy
from gateway.fields import Fields
from gateway.limiter.decision import Standing

RateLimitHeaders = Literal["ietf", "legacy", "both", "off"]

# https://iana.org/assignments/http-problem-types, from draft-ietf-httpapi-ratelimit-headers-10 §6
_REGISTRY = "https://iana.org/assignments/http-problem-types#"
_QUOTA_EXCEEDED = _REGISTRY + "quota-exceeded"
_REDUCED_CAPACITY = _REGISTRY + "temporary-reduced-capacity"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of the node's own."""

    status: int
    fields: Fields
    body: bytes

    @property
    def reason(self) -> bytes:
        """The status' own phrase."""
        return HTTPStatus(self.status).phrase.encode()


class Problem(Exception):  # noqa: N818 - RFC 9457's own term
    """Ends a request with an answer of the node's own. `detail` is for the client and names no internals."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def reply(self) -> Reply:
        """The answer."""
        return problem(self.status, self.detail)


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    fields: Fields | None = None,
    **members: object,
) -> Reply:
    """An ``application/problem+json`` answer (RFC 9457 §3)."""
    document = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return Reply(
        status,
        [
            (b"Content-Type", b"application/problem+json"),
            (b"Cache-Control", b"no-store"),
            *(fields or []),
        ],
        json.dumps(document).encode() + b"\n",
    )


def unidentified(detail: str) -> Reply:
    """401, with the challenge that RFC 9110 §15.5.2 asks for."""
    return problem(401, detail, fields=[(b"WWW-Authenticate", b'Bearer realm="gateway"')])


def store_unavailable() -> Reply:
    """503 where limits cannot be checked and nobody may pass unchecked."""
    return problem(
        503,
        "Limits cannot be checked at the moment.",
        kind=_REDUCED_CAPACITY,
        fields=[(b"Retry-After", b"1")],
    )


def refused(decision: Decision, standing: Standing, style: RateLimitHeaders) -> Reply:
    """429 (RFC 6585 §4)."""
    wait = retry_after(standing)
    limit = decision.policy.limit
    return problem(
        429,
        f"The limit of {limit.quota} requests in {limit.period_seconds} s is used up; try again in {wait} s.",
        kind=_QUOTA_EXCEEDED,
        fields=[(b"Retry-After", b"%d" % wait), *limit_fields(decision.policy, standing, style)],
        **{"violated-policies": [decision.policy.name]},
    )


def retry_after(standing: Standing) -> int:
    """Whole seconds until more comes free, never 0 (RFC 9110 §10.2.3)."""
    return max(1, ceil(standing.wait_seconds))


def limit_fields(policy: Policy, standing: Standing | None, style: RateLimitHeaders) -> Fields:
    """The policy, and where the request was counted what is left of it and when more comes free."""
    fields: Fields = []
    if style in ("ietf", "both"):
        # draft-ietf-httpapi-ratelimit-headers-10 §3 and §4: lists of structured field items (RFC 9651)
        name = policy.name.encode()
        quota, window = policy.limit.quota, policy.limit.period_seconds
        fields.append((b"RateLimit-Policy", b'"%b";q=%d;w=%d' % (name, quota, window)))
        if standing is not None:
            rest = (name, standing.remaining, retry_after(standing))
            fields.append((b"RateLimit", b'"%b";r=%d;t=%d' % rest))
    if style in ("legacy", "both"):
        fields.append((b"X-RateLimit-Limit", b"%d" % policy.limit.quota))
        if standing is not None:
            fields.append((b"X-RateLimit-Remaining", b"%d" % standing.remaining))
            fields.append((b"X-RateLimit-Reset", b"%d" % retry_after(standing)))
    return fields
