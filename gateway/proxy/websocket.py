"""The opening handshake of WebSocket, as far as a proxy must judge it (RFC 6455 §4). No IO.

What follows it is bytes to the node.
"""

import base64
import hashlib
import re

from gateway.fields import Fields
from gateway.proxy.answer_head import AnswerHead
from gateway.proxy.field_lines import values_of
from gateway.proxy.head import RequestHead

PROTOCOL = b"websocket"
SWITCH: Fields = [(b"Connection", b"Upgrade"), (b"Upgrade", PROTOCOL)]
"""The fields that make a message an offer to switch, or its acceptance (RFC 9110 §7.8)."""

_VERSION = b"13"
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes in base64
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def handshake_key(head: RequestHead) -> bytes | None:
    """The client's key in a handshake that is whole and right (RFC 6455 §4.2.1).

    None for any other request: that may go on, but without its offer.
    """
    if head.upgrade != PROTOCOL or head.method != "GET" or head.has_body:
        return None
    keys = values_of(head.fields, b"sec-websocket-key")
    if values_of(head.fields, b"sec-websocket-version") != [_VERSION] or len(keys) != 1:
        return None
    return keys[0] if _KEY.fullmatch(keys[0]) is not None else None


def accepts(answer: AnswerHead, key: bytes) -> bool:
    """Whether a 101 comes from a server that has read this key as one of WebSocket (RFC 6455 §4.1)."""
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return values_of(answer.fields, b"sec-websocket-accept") == [proof]
