"""All that can be measured, in the order of the tables."""

from loadtest.bench.peers import envoy, haproxy, nginx, ours, textbooks

PEERS = (
    ours.OURS,
    ours.SOURCE,
    ours.WITHOUT_FAST_LANE,
    textbooks.TEXTBOOK,
    textbooks.LIMITS,
    nginx.PIPELINE,
    nginx.SCRIPT,
    nginx.LIMIT_REQ,
    haproxy.HAPROXY,
    envoy.ENVOY,
    ours.TWO_NODES,
    ours.FOUR_NODES,
    ours.TWO_WORKERS,
)
