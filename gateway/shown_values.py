"""How values that came from outside are shown: without passwords, in one line, not too long. No IO."""

import re

# Also of a URL that is malformed, so without parsing it.
_PASSWORD = re.compile(r"(?<=://)([^:@/]*):.*", re.DOTALL)
_PASSWORD_IN_QUERY = re.compile(r"(?<=password=)[^&]*", re.IGNORECASE)
_SHOWN_LENGTH = 80


def for_one_line(text: str) -> str:
    """A value that came from outside, as far as it can be shown in a sentence."""
    safe = without_password(text)
    if len(safe) > _SHOWN_LENGTH:
        safe = safe[:_SHOWN_LENGTH] + "…"
    return safe if safe.isprintable() else ascii(safe)


def without_password(url: str) -> str:
    """A URL that may be shown."""
    start, at, end = url.rpartition("@")
    if _PASSWORD_IN_QUERY.search(start):
        end = "***"  # it may belong to that password
    return _PASSWORD_IN_QUERY.sub("***", _PASSWORD.sub(r"\1:***", start) + at + end)
