"""A limiter with one rule left out is caught, each by the invariant that is about that rule."""

import pytest

from tests.model.explore import failures
from tests.model.mutations import MUTATIONS, Mutation

SEEDS = 400


@pytest.mark.source
@pytest.mark.no_cover  # the same few lines in thousands of orders
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_rule_that_is_left_out_is_missed(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation.patch(monkeypatch)

    caught = any(
        breach.startswith(mutation.invariant)
        for failure in failures(range(SEEDS), mutation.family)
        for breach in failure.breaches
    )

    assert caught, f"{SEEDS} schedules do not show it"
