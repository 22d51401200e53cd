"""How values that came from outside are shown: without passwords, in one line, not too long. No I/O."""

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PASSWORD = re.compile(r"(?<=://)([^:@/]*):.*", re.DOTALL)
_NO_PORT = re.compile(r"(?<=://)([^:@/,]*):(?![0-9]*(?:[/?,]|$))[^/?]*")
"""A password before a host that was forgotten, or in the place of a port."""
_PASSWORD_IN_QUERY = re.compile(r"(?<=password=)[^&]*", re.IGNORECASE)
_SHOWN_LENGTH = 80


def for_one_line(text: str) -> str:
    """A value that came from outside, as far as it can be shown in a sentence."""
    safe = without_password(text)
    if len(safe) > _SHOWN_LENGTH:
        safe = safe[:_SHOWN_LENGTH] + "…"
    return safe if safe.isprintable() else ascii(safe)


def without_password(url: str) -> str:
    """A URL that may be shown, however malformed it is: then without all that could be a password."""
    start, at, end = url.rpartition("@")
    if _PASSWORD_IN_QUERY.search(start):
        end = "***"  # it may belong to that password
    scheme = _SCHEME.match(start)
    if not at:
        end = _NO_PORT.sub(r"\1:***", end)
    elif scheme is not None and _PASSWORD.match(start, scheme.end()):
        start = _PASSWORD.sub(r"\1:***", start)
    elif ":" in start[0 if scheme is None else scheme.end() :]:
        start = f"{'' if scheme is None else scheme[0]}***"
    return _PASSWORD_IN_QUERY.sub("***", start + at + end)
