"""All that is fuzzed."""

from tests.fuzz import answers, chunks, configuration, contract, forwarding, requests, upstreams
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *requests.TARGETS,
    *forwarding.TARGETS,
    *answers.TARGETS,
    *upstreams.TARGETS,
    *chunks.TARGETS,
    *contract.TARGETS,
    *configuration.TARGETS,
)
