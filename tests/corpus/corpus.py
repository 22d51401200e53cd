"""All raw messages, with their verdicts."""

from tests.corpus import (
    attacks,
    chunks,
    codings,
    connections,
    fields,
    hops,
    hosts,
    lengths,
    names,
    pipelines,
    protocols,
    sizes,
    start_line,
    targets,
    upgrades,
)
from tests.corpus.case import Case, Family

FAMILIES: tuple[Family, ...] = tuple(
    family
    for module in (
        start_line,
        targets,
        hosts,
        fields,
        names,
        lengths,
        codings,
        chunks,
        attacks,
        connections,
        upgrades,
        hops,
        sizes,
        pipelines,
        protocols,
    )
    for family in module.FAMILIES
)
CASES: tuple[Case, ...] = tuple(case for family in FAMILIES for case in family.cases)
