"""The few kinds of failure that cross module borders."""

from redis.exceptions import RedisError


class StartError(Exception):
    """The node cannot start; one sentence that says what to change.

    `exit_code` is 2 for a malformed setting, 3 for something that the node needs and cannot have.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def start_error_in(group: BaseExceptionGroup[BaseException]) -> StartError | None:
    """The first of them that says why a node cannot start."""
    for error in group.exceptions:
        found = start_error_in(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, StartError):
            return found
    return None


REDIS_TROUBLE = (RedisError, OSError, RuntimeError)
"""What redis-py raises where Redis is away or refuses; RuntimeError is uvloop's for a closed handle."""


class StoreUnavailable(Exception):  # noqa: N818 - a state of the store, which callers handle
    """Redis does not answer, or not in time, or not sensibly."""
