"""Limits as people write them, and what somebody may have meant who wrote one in another way."""

import re

from gateway.contract.limits import MAX_PERIOD_SECONDS, UNIT_SECONDS, Limits, LimitSyntaxError, parse_limits
from subject.errors import UsageError, shortened

_LIKE_A_LIMIT = re.compile(
    r"(?P<number>[0-9]{1,9})(?P<thousands>k?) ?(?:r|req|requests)? ?"
    r"(?:/|p|per|a|an)? ?(?P<multiple>[0-9]{0,4}) ?"
    r"(?P<unit>s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days)",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_SHUT_OUT = (
    "; to shut a client out, put it on GATEWAY_DENY and restart the nodes (docs/policies.md); "
    f"the least limit is 1/{MAX_PERIOD_SECONDS // UNIT_SECONDS['d']}d"
)


def hint(text: str) -> str:
    """A question behind an error about `text`, as in ``; did you mean 500/m?``, or nothing.

    What it suggests is a limit. None is of no requests at all: it says what does that. It repeats no more
    than a number and a unit: the text may be a key in the wrong place.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number, period, told = int(text), "m", "; for so many a minute write /m behind the number"
    elif (match := _LIKE_A_LIMIT.fullmatch(text)) is not None:
        number = int(match["number"]) * (1000 if match["thousands"] else 1)
        period = f"{match['multiple']}{match['unit'][0].lower()}"
        told = f"; did you mean {number}/{period}?"
    else:
        return ""
    if number == 0:
        return _SHUT_OUT
    try:
        parse_limits(f"{number}/{period}")
    except LimitSyntaxError:
        return ""
    return told


def read_limit(text: str) -> Limits:
    """A limit that was typed.

    Raises:
        UsageError: it is none; the message says what would be right, and does not repeat the text, which may
            be a key in the wrong place.
    """
    try:
        return parse_limits(text)
    except LimitSyntaxError as error:
        # Where its message quotes the text, it begins with that.
        rest = re.split("['\"]", str(error))[-1].lstrip("…:, ")
        raise UsageError(
            f"{shortened(text)}{' ' if rest.startswith('is ') else ': '}{rest}{hint(text)}"
        ) from None
