"""What the node itself says to clients of its decisions, and the fields that tell of limits."""

from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import Literal

from gateway.admission import Decision
from gateway.contract.policy_table import CONCURRENCY
from gateway.http.fields import Fields, render_fields
from gateway.http.response_head import LocalReply, ProblemError, problem
from gateway.identity import TooManyUnknownKeysError
from gateway.limiter.decision import Standing
from gateway.policy.resolve import LimitWindow

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
    """503 where limits cannot be checked and nobody may pass unchecked."""
    return problem(
        503,
        "Limits cannot be checked at the moment.",
        kind=_REDUCED_CAPACITY,
        fields=[(b"Retry-After", b"1")],
    )


def upstream_failed(error: Exception) -> ProblemError:
    """502 or 504 (RFC 9110 §15.6.3, §15.6.5), by the error with which its answer did not come."""
    if isinstance(error, TimeoutError):
        return ProblemError(504, "The service behind the gateway did not answer in time.")
    return ProblemError(502, "The service behind the gateway did not answer properly.")


def out_of_time() -> LocalReply:
    """504 where the whole of a request takes longer than it may."""
    return problem(504, "The request took too long.")


def failed_here() -> LocalReply:
    """500 after a fault of ours: the client learns that it failed, and no more than that."""
    return problem(500, "The gateway failed at this request.")


def no_place() -> LocalReply:
    """503 where there are as many connections as there may be, before a request has been read."""
    return problem(
        503,
        "There are too many connections; try again in a moment.",
        kind=_REDUCED_CAPACITY,
        fields=[(b"Retry-After", b"2")],
    )


def denied() -> LocalReply:
    """403 (RFC 9110 §15.5.4): who is on the deny list is not told more than that."""
    return problem(403, "Access is denied.")


def ambiguous() -> LocalReply:
    """400 where two readers of the request would send it to different services."""
    return problem(
        400,
        "This can be read in several ways: name the host, and write the path without escapes and dots.",
    )


def options(methods: Iterable[str], limits: Fields) -> LocalReply:
    """To OPTIONS that goes no farther (RFC 9110 §9.3.7): what can be asked for here."""
    return LocalReply(200, [(b"Allow", ", ".join(sorted(methods)).encode()), *limits], b"")


def refused(decision: Decision, style: RateLimitHeaders) -> LocalReply:
    """429 (RFC 6585 §4), to be tried again when the last of the windows that refuse has room."""
    if decision.standings is None or decision.concurrency is not None:
        return _refused(decision, style)
    left = [(each.admitted, each.remaining, ceil(each.wait_seconds)) for each in decision.standings]
    return _refused_alike(decision.windows, tuple(left), decision.cost, style)


@lru_cache(maxsize=1024)
def _refused_alike(
    windows: tuple[LimitWindow, ...],
    left: tuple[tuple[bool, int, int], ...],
    cost: int,
    style: RateLimitHeaders,
) -> LocalReply:
    """One for all who are told the same: to make one costs 10 µs, to find it 0.5."""
    standings = tuple(Standing(*each) for each in left)
    return _refused(Decision(False, None, windows, standings, cost), style)


def _refused(decision: Decision, style: RateLimitHeaders) -> LocalReply:
    violated = _violated(decision)
    wait, names = 1, [CONCURRENCY]
    detail = "As many requests as may be are being served for this client; try again when one has ended."
    if violated:
        window, standing = max(violated, key=lambda found: found[1].wait_seconds)
        wait, names = retry_after(standing), [window.name for window, _ in violated]
        detail = f"{_exhausted(window, decision.cost)}; try again in {wait} s."
    return problem(
        429,
        detail,
        kind=_QUOTA_EXCEEDED,
        fields=[(b"Retry-After", b"%d" % wait), *limit_fields(decision, style)],
        **{"violated-policies": names},
    )


def _violated(decision: Decision) -> list[tuple[LimitWindow, Standing]]:
    if decision.standings is None:
        return []
    found = zip(decision.windows, decision.standings, strict=True)
    return [(window, standing) for window, standing in found if not (standing.admitted or window.shadow)]


def _exhausted(window: LimitWindow, cost: int) -> str:
    limit = f"The limit of {window.limit.quota} requests in {window.limit.period_seconds} s ({window.name})"
    if cost == 1:
        return f"{limit} is used up"
    return f"{limit} has no room for this one, which counts as {cost}"


def retry_after(standing: Standing) -> int:
    """Whole seconds until more comes free, never 0 (RFC 9110 §10.2.3)."""
    return max(1, ceil(standing.wait_seconds))


def limit_fields(decision: Decision, style: RateLimitHeaders) -> Fields:
    """The policies, and where the request was counted what is left of each and when more comes free.

    Policies in shadow are not told: a client that kept to them would be held by them.
    """
    told = [place for place, window in enumerate(decision.windows) if not window.shadow]
    fields: Fields = []
    if style in ("ietf", "both"):
        fields += _ietf(decision, told)
    if style in ("legacy", "both") and told:
        fields += _legacy(decision, told)
    return fields


def limit_lines(decision: Decision, style: RateLimitHeaders) -> bytes:
    """The same as render_fields; of nearly all requests, with one window, from what its window has ready."""
    windows, standings = decision.windows, decision.standings
    if len(windows) != 1 or standings is None or decision.concurrency is not None or style != "ietf":
        return render_fields(limit_fields(decision, style))
    standing = standings[0]
    if windows[0].shadow or not standing.wait_seconds:
        return render_fields(limit_fields(decision, style))
    return windows[0].header_template % (standing.remaining, retry_after(standing))


def _ietf(decision: Decision, told: list[int]) -> Fields:
    """draft-ietf-httpapi-ratelimit-headers-10 §3 and §4: lists of structured field items (RFC 9651)."""
    policies = [decision.windows[place].policy_item for place in told]
    left: list[bytes] = []
    if decision.standings is not None:
        for place in told:
            name, standing = decision.windows[place].name.encode(), decision.standings[place]
            # Of a window that does not refuse, memory does not know when more comes free.
            time = b";t=%d" % retry_after(standing) if standing.wait_seconds else b""
            left.append(b'"%b";r=%d%b' % (name, standing.remaining, time))
    if decision.concurrency is not None and not decision.concurrency.shadow:
        name = CONCURRENCY.encode()
        policies.append(b'"%b";q=%d;qu="concurrent-requests"' % (name, decision.concurrency.limit))
        left.append(b'"%b";r=%d' % (name, decision.concurrency.remaining))
    lists = ((b"RateLimit-Policy", policies), (b"RateLimit", left))
    return [(name, b", ".join(items)) for name, items in lists if items]


def _legacy(decision: Decision, told: list[int]) -> Fields:
    """These can tell of one window only: the one with the least left; where nobody counted, the smallest."""
    windows, standings = decision.windows, decision.standings
    if standings is None:
        quota = min(windows[place].limit.quota for place in told)
        return [(b"X-RateLimit-Limit", b"%d" % quota)]

    def room(place: int) -> tuple[bool, int, float]:
        standing = standings[place]
        return standing.admitted, standing.remaining, -standing.wait_seconds

    tightest = min(told, key=room)
    return [
        (b"X-RateLimit-Limit", b"%d" % windows[tightest].limit.quota),
        (b"X-RateLimit-Remaining", b"%d" % standings[tightest].remaining),
        (b"X-RateLimit-Reset", b"%d" % retry_after(standings[tightest])),
    ]
