"""What a request is told that is not decided about by limits, or not at all."""

from gateway import replies
from gateway.access import AccessDeniedError
from gateway.admission import DecisionUnavailableError
from gateway.http.response_head import LocalReply, ProblemError
from gateway.http.rules import BadRequestError
from gateway.identity import TooManyUnknownKeysError, UnauthenticatedError
from gateway.policy.routing import AmbiguousRouteError
from gateway.telemetry.counters import Counters, Outcome

REASONS = (
    AccessDeniedError,
    UnauthenticatedError,
    DecisionUnavailableError,
    AmbiguousRouteError,
    ProblemError,
)
"""The errors that say so."""


def turn_away(reason: Exception, counters: Counters) -> tuple[Outcome, str, LocalReply]:
    """As what such a request is counted, whose it was as far as that is known, and the answer."""
    if isinstance(reason, AccessDeniedError):
        counters.denied += 1
        if reason.client is None:
            return Outcome.REFUSED, "", replies.denied()
        counters.clients.count(reason.client, refused=True)
        return Outcome.REFUSED, reason.client, replies.denied()
    if isinstance(reason, TooManyUnknownKeysError):
        counters.wrong_keys_limited += 1
        return Outcome.UNIDENTIFIED, "", replies.wrong_keys_limited(reason)
    if isinstance(reason, UnauthenticatedError):
        return Outcome.UNIDENTIFIED, "", replies.unidentified(str(reason))
    if isinstance(reason, DecisionUnavailableError):
        return Outcome.FAILED, reason.client, replies.store_unavailable()
    if isinstance(reason, BadRequestError):
        return Outcome.MALFORMED, "", reason.reply()
    if isinstance(reason, ProblemError):
        return Outcome.FAILED, "", reason.reply()
    return Outcome.MALFORMED, "", replies.ambiguous()
