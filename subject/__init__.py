"""Reads counters from Redis, detects and explains anomalies, changes limits."""

from subject.protocol import (
    ClusterMetrics,
    InvariantViolation,
    RateLimiterChecker,
    RateLimiterSubject,
    Store,
    StoreMetrics,
    create_ratelimiter_subject_and_checker,
)

__all__ = [
    "ClusterMetrics",
    "InvariantViolation",
    "RateLimiterChecker",
    "RateLimiterSubject",
    "Store",
    "StoreMetrics",
    "create_ratelimiter_subject_and_checker",
]
