"""How many descriptors this process may have open, and how many connections that is enough for."""

import logging
import resource
from contextlib import suppress

SPARE = 192
"""For all but clients and upstreams: 64 of the admin listener, Redis, files, and rejected connections."""

logger = logging.getLogger(__name__)


def connections_within(limit: int, wanted: int, to_upstreams: int) -> int:
    """How many of the `wanted` connections of clients a limit of descriptors is enough for.

    Each can need another one to an upstream, of which there are `to_upstreams` at most.
    """
    left = limit - SPARE
    return max(1, min(wanted, max(left // 2, left - to_upstreams)))


def allow_connections(wanted: int, to_upstreams: int) -> int:
    """Raise this process' limit as far as needed and allowed; how many connections of clients it allows."""
    needed = wanted + min(wanted, to_upstreams) + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < needed:
        target = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(OSError, ValueError):  # some systems have a limit beside the one that they tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            soft = target
    if soft == resource.RLIM_INFINITY:
        return wanted
    most = connections_within(soft, wanted, to_upstreams)
    if most < wanted:
        logger.warning(
            "%d open files are allowed (ulimit -n): enough for %d connections of clients, and not for "
            "GATEWAY_MAX_CONNECTIONS=%d, which takes %d",
            soft,
            most,
            wanted,
            needed,
        )
    return most
