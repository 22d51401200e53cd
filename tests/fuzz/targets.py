"""All that is fuzzed."""

from tests.fuzz import answers, chunks, configuration, contract, requests
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *requests.TARGETS,
    *answers.TARGETS,
    *chunks.TARGETS,
    *contract.TARGETS,
    *configuration.TARGETS,
)
