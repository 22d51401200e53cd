"""Reads counters from Redis, detects and explains anomalies, changes limits."""

from subject.checker import InvariantViolation, RateLimiterChecker
from subject.protocol import RateLimiterSubject, create_ratelimiter_subject_and_checker
from subject.stores import ClusterMetrics, Store, StoreMetrics

__all__ = [
    "ClusterMetrics",
    "InvariantViolation",
    "RateLimiterChecker",
    "RateLimiterSubject",
    "Store",
    "StoreMetrics",
    "create_ratelimiter_subject_and_checker",
]
