"""What reached the upstream beside what was sent."""

import pytest

from loadtest.bench import proof
from loadtest.bench.stage import BenchError


def test_all_that_was_sent_reaches_the_upstream_once() -> None:
    proof.reached("a peer", 1500, 1500)

    with pytest.raises(BenchError, match="a peer answers by itself: 1,499 of 1,500 requests reached"):
        proof.reached("a peer", 1500, 1499)
    with pytest.raises(BenchError, match="a peer asks twice: of 1,500 requests 1,501 reached"):
        proof.reached("a peer", 1500, 1501)
