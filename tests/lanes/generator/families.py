"""Rounds by seed and number: each family of cases is about one thing that can happen to a node.

The generator, which is all of this folder, makes what clients, Redis, upstreams and the operator do, and the
settings of the node. It is frozen: a recording of one build is worth something only to a build that plays the
same cases. So nothing here imports anything of the product, of the rest of `tests/`, or of a package that is
installed; the raw messages of `corpus.txt` are a copy. Its fingerprint, over all its files and some cases, is
in each recording.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.lanes.generator import mixed
from tests.lanes.generator.case import Round

Family = Callable[[Random, int], Round]
"""Makes the round of a number, of `mixed.CASES_A_ROUND` cases."""

FAMILIES: dict[str, Family] = {
    "mixed": mixed.round_of,
}
_IN_TURN = ("mixed",)
"""The families of rounds that follow each other, and then again."""
_SAMPLED_ROUNDS = 4 * len(_IN_TURN)


def family_of(number: int) -> str:
    """The name of the family of a round."""
    return _IN_TURN[number % len(_IN_TURN)]


def round_of(seed: int, number: int) -> Round:
    """The same on all machines."""
    return FAMILIES[family_of(number)](Random(f"{seed} {number}"), number)


def fingerprint() -> str:
    """Of the generator's files, and of some cases: `random` may differ between versions of Python."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for number in range(_SAMPLED_ROUNDS):
        digest.update(repr(round_of(0, number)).encode())
    return digest.hexdigest()[:16]
