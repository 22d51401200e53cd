"""Every local reply of the proxy, the mapping from errors to them, and the RateLimit fields."""

from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import Literal

from gateway.access import AccessDeniedError
from gateway.admission import Decision, DecisionUnavailableError
from gateway.contract.policy_table import CONCURRENCY
from gateway.http.fields import Fields, render_fields
from gateway.http.response_head import LocalReply, ProblemError, problem
from gateway.http.rules import BadRequestError
from gateway.identity import TooManyUnknownKeysError, UnauthenticatedError
from gateway.limiter.decision import WindowStatus
from gateway.policy.resolve import LimitWindow
from gateway.policy.routing import AmbiguousRouteError
from gateway.telemetry.counters import Counters, Outcome

RateLimitHeaders = Literal["ietf", "legacy", "both", "off"]

# https://iana.org/assignments/http-problem-types, from draft-ietf-httpapi-ratelimit-headers-10 §6
_REGISTRY = "https://iana.org/assignments/http-problem-types#"
_QUOTA_EXCEEDED = _REGISTRY + "quota-exceeded"
_REDUCED_CAPACITY = _REGISTRY + "temporary-reduced-capacity"


def unidentified(detail: str) -> LocalReply:
    """401, with the challenge that RFC 9110 §15.5.2 asks for."""
    return problem(401, detail, fields=[(b"WWW-Authenticate", b'Bearer realm="gateway"')])


def wrong_keys_limited(reason: TooManyUnknownKeysError) -> LocalReply:
    """429 (RFC 6585 §4) to a key from an address that has sent too many unknown ones."""
    return problem(
        429, str(reason), kind=_QUOTA_EXCEEDED, fields=[(b"Retry-After", b"%d" % reason.retry_seconds)]
    )


def store_unavailable() -> LocalReply:
    """503 where limits cannot be checked and the failure policy is `closed`."""
    return problem(
        503,
        "Limits cannot be checked at the moment.",
        kind=_REDUCED_CAPACITY,
        fields=[(b"Retry-After", b"1")],
    )


def upstream_failed(error: Exception) -> ProblemError:
    """502 or 504 (RFC 9110 §15.6.3, §15.6.5), by the error of the attempt."""
    if isinstance(error, TimeoutError):
        return ProblemError(504, "The service behind the gateway did not answer in time.")
    return ProblemError(502, "The service behind the gateway did not answer properly.")


def out_of_time() -> LocalReply:
    """504 for a request that exceeds the total timeout."""
    return problem(504, "The request took too long.")


def internal_error() -> LocalReply:
    """500 after an unexpected exception, without details."""
    return problem(500, "The gateway failed at this request.")


def overloaded() -> LocalReply:
    """503 for a connection that gets no slot; sent before a request is read."""
    return problem(
        503,
        "There are too many connections; try again in a moment.",
        kind=_REDUCED_CAPACITY,
        fields=[(b"Retry-After", b"2")],
    )


def denied() -> LocalReply:
    """403 (RFC 9110 §15.5.4): without saying which rule denied it."""
    return problem(403, "Access is denied.")


def ambiguous() -> LocalReply:
    """400 for a target that two servers could route differently."""
    return problem(
        400,
        "This can be read in several ways: name the host, and write the path without escapes and dots.",
    )


def options(methods: Iterable[str], limits: Fields) -> LocalReply:
    """200 to OPTIONS with `Max-Forwards: 0` (RFC 9110 §9.3.7)."""
    return LocalReply(200, [(b"Allow", ", ".join(sorted(methods)).encode()), *limits], b"")


def rejected(decision: Decision, style: RateLimitHeaders) -> LocalReply:
    """429 (RFC 6585 §4); Retry-After is the longest wait of the windows that reject."""
    if decision.statuses is None or decision.concurrency is not None:
        return _rejected(decision, style)
    left = [(each.admitted, each.remaining, ceil(each.wait_seconds)) for each in decision.statuses]
    return _rejected_cached(decision.windows, tuple(left), decision.cost, style)


@lru_cache(maxsize=1024)
def _rejected_cached(
    windows: tuple[LimitWindow, ...],
    left: tuple[tuple[bool, int, int], ...],
    cost: int,
    style: RateLimitHeaders,
) -> LocalReply:
    """Cached: rendering costs 10 µs, a lookup 0.5."""
    statuses = tuple(WindowStatus(*each) for each in left)
    return _rejected(Decision(False, None, windows, statuses, cost), style)


def _rejected(decision: Decision, style: RateLimitHeaders) -> LocalReply:
    violated = _violated(decision)
    wait, names = 1, [CONCURRENCY]
    detail = "As many requests as may be are being served for this client; try again when one has ended."
    if violated:
        window, status = max(violated, key=lambda found: found[1].wait_seconds)
        wait, names = retry_after(status), [window.name for window, _ in violated]
        detail = f"{_exhausted(window, decision.cost)}; try again in {wait} s."
    return problem(
        429,
        detail,
        kind=_QUOTA_EXCEEDED,
        fields=[(b"Retry-After", b"%d" % wait), *limit_fields(decision, style)],
        **{"violated-policies": names},
    )


def _violated(decision: Decision) -> list[tuple[LimitWindow, WindowStatus]]:
    if decision.statuses is None:
        return []
    found = zip(decision.windows, decision.statuses, strict=True)
    return [(window, status) for window, status in found if not (status.admitted or window.shadow)]


def _exhausted(window: LimitWindow, cost: int) -> str:
    limit = f"The limit of {window.limit.quota} requests in {window.limit.period_seconds} s ({window.name})"
    if cost == 1:
        return f"{limit} is used up"
    return f"{limit} has no room for this one, which counts as {cost}"


def retry_after(status: WindowStatus) -> int:
    """Whole seconds until quota comes free, at least 1 (RFC 9110 §10.2.3)."""
    return max(1, ceil(status.wait_seconds))


def limit_fields(decision: Decision, style: RateLimitHeaders) -> Fields:
    """RateLimit fields: the policies, and for a counted request the remaining quota and reset of each.

    Shadow policies are left out: a client that respects them would in effect be limited by them.
    """
    visible = [place for place, window in enumerate(decision.windows) if not window.shadow]
    fields: Fields = []
    if style in ("ietf", "both"):
        fields += _ietf(decision, visible)
    if style in ("legacy", "both") and visible:
        fields += _legacy(decision, visible)
    return fields


def limit_lines(decision: Decision, style: RateLimitHeaders) -> bytes:
    """`limit_fields` rendered; the common case of one window uses the template of the window."""
    windows, statuses = decision.windows, decision.statuses
    if len(windows) != 1 or statuses is None or decision.concurrency is not None or style != "ietf":
        return render_fields(limit_fields(decision, style))
    status = statuses[0]
    if windows[0].shadow or not status.wait_seconds:
        return render_fields(limit_fields(decision, style))
    return windows[0].header_template % (status.remaining, retry_after(status))


def _ietf(decision: Decision, visible: list[int]) -> Fields:
    """draft-ietf-httpapi-ratelimit-headers-10 §3 and §4: lists of structured field items (RFC 9651)."""
    policies = [decision.windows[place].policy_item for place in visible]
    left: list[bytes] = []
    if decision.statuses is not None:
        for place in visible:
            name, status = decision.windows[place].name.encode(), decision.statuses[place]
            # A window without a wait has no known reset.
            time = b";t=%d" % retry_after(status) if status.wait_seconds else b""
            left.append(b'"%b";r=%d%b' % (name, status.remaining, time))
    if decision.concurrency is not None and not decision.concurrency.shadow:
        name = CONCURRENCY.encode()
        policies.append(b'"%b";q=%d;qu="concurrent-requests"' % (name, decision.concurrency.limit))
        left.append(b'"%b";r=%d' % (name, decision.concurrency.remaining))
    lists = ((b"RateLimit-Policy", policies), (b"RateLimit", left))
    return [(name, b", ".join(items)) for name, items in lists if items]


def _legacy(decision: Decision, visible: list[int]) -> Fields:
    """X-RateLimit fields of one window: the one with the least remaining; if not counted, the smallest."""
    windows, statuses = decision.windows, decision.statuses
    if statuses is None:
        quota = min(windows[place].limit.quota for place in visible)
        return [(b"X-RateLimit-Limit", b"%d" % quota)]

    def room(place: int) -> tuple[bool, int, float]:
        status = statuses[place]
        return status.admitted, status.remaining, -status.wait_seconds

    tightest = min(visible, key=room)
    return [
        (b"X-RateLimit-Limit", b"%d" % windows[tightest].limit.quota),
        (b"X-RateLimit-Remaining", b"%d" % statuses[tightest].remaining),
        (b"X-RateLimit-Reset", b"%d" % retry_after(statuses[tightest])),
    ]


MAPPED_ERRORS = (
    AccessDeniedError,
    UnauthenticatedError,
    DecisionUnavailableError,
    AmbiguousRouteError,
    ProblemError,
)
"""Errors that `reply_to` maps to a reply."""


def reply_to(reason: Exception, counters: Counters) -> tuple[Outcome, str, LocalReply]:
    """The outcome, the client id if known, and the local reply for an error; counts some of them."""
    if isinstance(reason, AccessDeniedError):
        counters.denied += 1
        return Outcome.REFUSED, reason.client or "", denied()
    if isinstance(reason, TooManyUnknownKeysError):
        counters.wrong_keys_limited += 1
        return Outcome.UNIDENTIFIED, "", wrong_keys_limited(reason)
    if isinstance(reason, UnauthenticatedError):
        return Outcome.UNIDENTIFIED, "", unidentified(str(reason))
    if isinstance(reason, DecisionUnavailableError):
        return Outcome.FAILED, reason.client, store_unavailable()
    if isinstance(reason, BadRequestError):
        return Outcome.MALFORMED, "", reason.reply()
    if isinstance(reason, ProblemError):
        return Outcome.FAILED, "", reason.reply()
    return Outcome.MALFORMED, "", ambiguous()
