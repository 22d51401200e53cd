"""How long an upstream says that it keeps an idle connection. No IO."""

import math
import re

from gateway.fields import Fields
from gateway.proxy.field_lines import values_of

SHARE = 0.8
"""Of that time a connection is used for: what is sent at its very end could cross with the close."""

_TIMEOUT = re.compile(rb"(?:^|,)[ \t]*timeout[ \t]*=[ \t]*\"?([0-9]{1,9})", re.IGNORECASE)


def usable_seconds(fields: Fields) -> float:
    """By the ``Keep-Alive`` of an answer (RFC 2068 §19.7.1), which not every server sends; else for ever."""
    hints = [_TIMEOUT.search(value) for value in values_of(fields, b"keep-alive")]
    return min((SHARE * int(hint[1]) for hint in hints if hint is not None), default=math.inf)
