"""What a node says of its health, read over one connection to its admin listener."""

import re
from dataclasses import dataclass

from tests.integration.gateway.client import Client

_SAMPLE = re.compile(r'^([a-z_]+)(?:\{[a-z]+="([^"]*)"\})? (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What must not grow, with what is being done at the moment."""

    rss_bytes: int
    descriptors: int
    tasks: int
    connections: int
    in_flight: int
    timeouts: dict[str, int]
    requests: dict[str, int]


async def read(admin: Client) -> Vitals:
    """Ask the node."""
    text = (await admin.get_admin(b"/metrics")).body.decode()
    samples = {(name, label): float(value) for name, label, value in _SAMPLE.findall(text)}

    def by_label(family: str) -> dict[str, int]:
        return {label: int(value) for (name, label), value in samples.items() if name == family}

    return Vitals(
        rss_bytes=int(samples["process_resident_memory_bytes", ""]),
        descriptors=int(samples["process_open_fds", ""]),
        tasks=int(samples["gateway_tasks", ""]),
        connections=int(samples["gateway_connections", ""]),
        in_flight=int(samples["gateway_in_flight", ""]),
        timeouts=by_label("gateway_client_timeouts_total"),
        requests=by_label("gateway_requests_total"),
    )
