"""The opening handshake of WebSocket (RFC 6455 §4)."""

import base64
import hashlib
import re

from gateway.http.fields import Fields, field_values
from gateway.http.request_parser import RequestHead
from gateway.http.response_head import ResponseHead

PROTOCOL = b"websocket"
SWITCH: Fields = [(b"Connection", b"Upgrade"), (b"Upgrade", PROTOCOL)]
"""The fields that make a message an offer to switch, or its acceptance (RFC 9110 §7.8)."""

_VERSION = b"13"
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes in base64
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def handshake_key(head: RequestHead) -> bytes | None:
    """The client's key in a valid opening handshake (RFC 6455 §4.2.1).

    None for any other request, which is forwarded without its offer to switch.
    """
    if head.upgrade != PROTOCOL or head.method != "GET" or head.has_body:
        return None
    keys = field_values(head.fields, b"sec-websocket-key")
    if field_values(head.fields, b"sec-websocket-version") != [_VERSION] or len(keys) != 1:
        return None
    return keys[0] if _KEY.fullmatch(keys[0]) is not None else None


def accepts(response: ResponseHead, key: bytes) -> bool:
    """Whether a 101 proves that the server has read this key (RFC 6455 §4.1)."""
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return field_values(response.fields, b"sec-websocket-accept") == [proof]
