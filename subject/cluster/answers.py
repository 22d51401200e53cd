"""What nodes asked of the upstream, and what failed of it: of its counts, or of what was added to them."""

from gateway.contract.records import UpstreamTotals


def asked(upstream: UpstreamTotals) -> int:
    """Requests that it had to answer."""
    return upstream.answered + upstream.broken + upstream.timed_out


def failed(upstream: UpstreamTotals) -> int:
    """Of these; an answer with 5xx may have broken off as well."""
    return min(asked(upstream), upstream.server_errors + upstream.broken + upstream.timed_out)
