"""Since when: the first second at which a condition held, read from the series."""

from collections.abc import Callable


def since(
    last: int, first: int, held: Callable[[int], bool], shows: Callable[[int], bool], window_seconds: int
) -> int:
    """The second at which what is so in the window that ends with second `last` began.

    Goes back while `held` says that the window ending with the second before was like this too, and from
    there, at most a window further, over the seconds that show it by themselves.
    """
    start = last
    while start > first and held(start - 1):
        start -= 1
    earliest = max(first, start - window_seconds + 1)
    while start > earliest and shows(start - 1):
        start -= 1
    return start
