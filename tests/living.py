"""The objects of some classes that are there."""

import gc
from collections.abc import Iterator
from typing import TypeVar

Kind = TypeVar("Kind")


def living(*kinds: type[Kind]) -> Iterator[Kind]:
    """By their type, since the class that a `weakref.proxy` names may have gone."""
    return (each for each in gc.get_objects() if issubclass(type(each), kinds))
