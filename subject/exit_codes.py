"""How a command ends: the numbers are fixed, scripts rely on them."""

WELL = 0
FOUND = 1
"""A finding; or Redis is away, and nodes told the rest."""
WRONG_USE = 2
UNREACHABLE = 3
"""What is needed cannot be seen or reached."""
INTERRUPTED = 130


def shown(*, blind: bool, redis_connected: bool) -> int:
    """Of a command that shows something: that nothing can be seen goes before Redis being away."""
    if blind:
        return UNREACHABLE
    return WELL if redis_connected else FOUND
