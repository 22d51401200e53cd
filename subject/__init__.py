"""Reads counters from Redis, detects and explains anomalies, changes limits."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subject.agent_prompt import AGENT_PROMPT
    from subject.checker import InvariantViolation, RateLimiterChecker
    from subject.protocol import RateLimiterSubject, create_ratelimiter_subject_and_checker
    from subject.stores import ClusterMetrics, Store, StoreMetrics

__all__ = [
    "AGENT_PROMPT",
    "ClusterMetrics",
    "InvariantViolation",
    "RateLimiterChecker",
    "RateLimiterSubject",
    "Store",
    "StoreMetrics",
    "create_ratelimiter_subject_and_checker",
]

_HOMES = {
    "AGENT_PROMPT": "subject.agent_prompt",
    "ClusterMetrics": "subject.stores",
    "InvariantViolation": "subject.checker",
    "RateLimiterChecker": "subject.checker",
    "RateLimiterSubject": "subject.protocol",
    "Store": "subject.stores",
    "StoreMetrics": "subject.stores",
    "create_ratelimiter_subject_and_checker": "subject.protocol",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for (PEP 562): the command line starts without all of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
