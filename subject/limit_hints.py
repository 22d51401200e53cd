"""What somebody may have meant who wrote a limit in another way."""

import re

_LIKE_A_LIMIT = re.compile(
    r"(?P<number>[0-9]{1,9})(?P<thousands>k?) ?(?:r|req|requests)? ?"
    r"(?:/|p|per|a|an)? ?(?P<multiple>[0-9]{0,4}) ?"
    r"(?P<unit>s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days)",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)


def hint(text: str) -> str:
    """A question behind an error about `text`, as in ``; did you mean 500/m?``, or nothing.

    It repeats no more than a number and a unit: the text may be a key in the wrong place.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return "; for so many a minute write /m behind the number"
    match = _LIKE_A_LIMIT.fullmatch(text)
    if match is None:
        return ""
    number = int(match["number"]) * (1000 if match["thousands"] else 1)
    return f"; did you mean {number}/{match['multiple']}{match['unit'][0].lower()}?"
