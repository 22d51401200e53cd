"""When a connection has waited for a request for long enough, where its server shuts down. No IO."""

LAST_CHANCE_SECONDS = 1.0
"""How long that is; it is asked that often."""

_NONE = -1


class LastChance:
    """Of one connection: its client may have sent a request that has not arrived."""

    __slots__ = ("_idle_behind",)

    def __init__(self) -> None:
        self._idle_behind = _NONE

    def is_over(self, requests: int, *, is_idle: bool) -> bool:
        """Whether it was idle when it was last asked, and since: so many requests have come in all."""
        if is_idle and requests == self._idle_behind:
            return True
        self._idle_behind = requests if is_idle else _NONE
        return False
