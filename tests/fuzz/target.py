"""What is fuzzed: a way to make inputs, and what must hold of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

Check = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Target:
    """`check` takes an input that `inputs` makes, and fails by any exception."""

    name: str
    inputs: st.SearchStrategy[Any]
    check: Check


def run(target: Target, examples: int, number: int | None = None) -> None:
    """Try so many inputs: those of the seed `number`, or as the settings of the test run have it.

    Raises:
        Exception: as `check` does, for the smallest input that was found.
    """

    def holds(given_input: Any) -> None:
        target.check(given_input)

    test = given(target.inputs)(holds)
    if number is None:
        test = settings(max_examples=examples)(test)
    else:
        kept = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
        test = settings(
            max_examples=examples, database=None, deadline=None, suppress_health_check=kept, print_blob=False
        )(test)
        test = seed(number)(test)
    test()


def made_by(inputs: st.SearchStrategy[Any], examples: int, number: int) -> list[Any]:
    """As many inputs, at most, of a seed: to try them where `given` cannot, as on an event loop."""
    made: list[Any] = []
    run(Target("inputs", inputs, made.append), examples, number)
    return made
