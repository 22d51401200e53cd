"""Names of fields that settings may choose. No IO."""

import re

from gateway.http.forwarded import is_spoofable

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_TAKEN = frozenset(
    {
        # what frames and routes a message, or is for one hop (RFC 9110 §7.6.1, RFC 9112 §6)
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        # what the node reads or writes itself, besides what clients could claim by
        "authorization",
        "traceparent",
        "tracestate",
        "x-request-id",
        # several values in one field, or a value that means something to every service
        "content-encoding",
        "content-type",
        "cookie",
    }
)


def check_field_name(text: str) -> str:
    """A name that a field of one's own may have.

    Raises:
        ValueError: it may not; with what would be right.
    """
    if _NAME.fullmatch(text) is None:
        raise ValueError("a field's name has letters, digits and hyphens (64 at most), as in X-Client-Id")
    if text.lower() in _TAKEN or is_spoofable(text.lower().encode()):
        raise ValueError("a field of this name has a meaning already: choose another, as in X-Client-Id")
    return text
