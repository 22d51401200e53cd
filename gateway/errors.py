"""The few kinds of failure that cross module borders."""


class StartError(Exception):
    """The node cannot start; one sentence that says what to change.

    `exit_code` is 2 for a malformed setting, 3 for something that the node needs and cannot have.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StoreUnavailable(Exception):  # noqa: N818 - a state of the store, which callers handle
    """Redis does not answer, or not in time, or not sensibly."""
