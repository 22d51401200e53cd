"""Since when: the place in a series at which what goes on at its end began."""

from collections.abc import Callable

Told = Callable[[int], bool]
"""Whether something is so at a place: of a second, or of a node's record."""


def run(last: int, so: Told, first: int = 0, gap: int = 0) -> int:
    """The first place of the run that ends with `last`: back while it is `so`.

    Up to `gap` places in a row at which it is not do not end the run.
    """
    start = place = last
    while place > first and start - place <= gap:
        place -= 1
        if so(place):
            start = place
    return start


def since(last: int, first: int, held: Told, shows: Told, window: int, gap: int = 0) -> int:
    """Where what is so of the window that ends with `last` began.

    Goes back while `held` says that the window ending one place before was like this too, and from there, at
    most a window further, over the places that show it by themselves.
    """
    start = run(last, held, first)
    return run(start, shows, max(first, start - window + 1), gap)
