"""All that is fuzzed."""

from tests.fuzz import answers, chunks, configuration, contract
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *answers.TARGETS,
    *chunks.TARGETS,
    *contract.TARGETS,
    *configuration.TARGETS,
)
