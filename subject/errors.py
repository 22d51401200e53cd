"""The few kinds of failure that cross module borders. Each becomes one line and an exit code in `cli`."""

from gateway.contract.redis_errors import explained, is_known

SHOWN = 4
"""How many characters of what may be a key are repeated."""


def shortened(text: str) -> str:
    """A text that was typed, as a message may repeat it."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def advised(reason: str) -> str:
    """Why Redis refuses, with what to do: what it means where that is known, else where to look."""
    return explained(reason) if is_known(reason) else f"{reason}; see REDIS_URL"


class UsageError(ValueError):
    """A command or setting that is wrong; the message says what would be right. Exit code 2."""


class ConflictError(UsageError):
    """Somebody else has changed, or is changing, what was to be changed; nothing was. Exit code 2."""


class RedisAwayError(Exception):
    """Redis does not answer, or not sensibly; `reason` says how. Exit code 3 where it is needed."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"Redis at {place} does not answer ({reason})")
        self.place = place
        self.reason = reason


class HalfDoneError(RedisAwayError):
    """Redis went away at a change or behind it; `reason` says what is known of it."""

    def __str__(self) -> str:
        return f"Redis at {self.place} went away: {self.reason}"


class RedisRefusesError(Exception):
    """Redis answers with an error, `reason`. Exit code 3 where it is needed."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"Redis at {place} refuses: {advised(reason)}")
        self.reason = reason


class FileError(Exception):
    """A file cannot be written to its end, mostly as there is no room. Exit code 3."""


class NoNodesError(Exception):
    """Redis answers, and no node has ever written to it: what is changed there has no effect. Exit code 3."""

    def __init__(self, place: str) -> None:
        super().__init__(f"no node has ever written to this Redis ({place}): see REDIS_URL")


class ListenError(Exception):
    """The dashboard's port cannot be had. Exit code 3."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port} ({reason}): see SUBJECT_HOST and SUBJECT_PORT")
