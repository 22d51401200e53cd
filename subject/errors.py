"""The few kinds of failure that cross module borders. Each becomes one line and an exit code in `cli`."""


class UsageError(ValueError):
    """A command or setting that is wrong; the message says what would be right. Exit code 2."""


class RedisAwayError(Exception):
    """Redis does not answer, or not sensibly; the message says how. Exit code 3 where it is needed."""
