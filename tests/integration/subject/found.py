"""What an observation says was found."""

from typing import Any

Found = set[tuple[str, str]]


def found_in(observation: dict[str, Any]) -> Found:
    """What was found, and about whom."""
    return {(one["code"], one["subject"]["id"]) for one in observation["findings"]}
