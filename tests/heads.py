"""Of an answer's head as a client gets it, what a client must know who reads the body."""

import re

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def content_length(head: bytes) -> int:
    """The bytes of the body."""
    found = _LENGTH.search(head)
    assert found is not None, f"an answer without a length: {head!r}"
    return int(found[1])
