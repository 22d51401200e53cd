"""Offers to switch protocols, to an upstream that takes none."""

from tests.corpus.case import GET, HOST, KEY, POST, SMUGGLED, Case, Family, passes, posted, refused, seen

_OLD = b"GET / HTTP/1.0\r\n" + HOST + KEY
_SECOND = seen(b"/smuggled")
_BODY = b"Content-Length: 5\r\n\r\nhello"
_OFFER = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
_VERSION = b"Sec-WebSocket-Version: 13\r\n"
_NONCE = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
_TAKEN = seen(lines=(_NONCE[:-2], b"Connection: Upgrade", b"Upgrade: websocket"))
_WITHOUT = seen(absent=(b"upgrade", b"connection"))


def _offered(name: str, lines: bytes) -> Case:
    return passes(name, GET + lines + b"\r\n" + SMUGGLED, _TAKEN, _SECOND)


def _dropped(name: str, lines: bytes) -> Case:
    """The offer is not whole, so the request goes on without it."""
    return passes(name, GET + lines + b"\r\n" + SMUGGLED, _WITHOUT, _SECOND)


FAMILIES = (
    Family(
        "handshakes of WebSocket",
        "RFC 6455 §4.2.1; Egorov: What's Wrong with WebSocket APIs (2019): a switch that one believes in",
        (
            _offered("a handshake that is refused, and the next request", _OFFER + _VERSION + _NONCE),
            _offered(
                "a handshake in other letters",
                (_OFFER.replace(b"websocket", b"WebSocket") + _VERSION + _NONCE),
            ),
            _offered(
                "a handshake among other options",
                b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" + _VERSION + _NONCE,
            ),
            _dropped("a handshake of another version", _OFFER + b"Sec-WebSocket-Version: 8\r\n" + _NONCE),
            _dropped(
                "a handshake of a version that is none", _OFFER + b"Sec-WebSocket-Version: 1337\r\n" + _NONCE
            ),
            _dropped("a handshake of two versions", _OFFER + _VERSION + _VERSION + _NONCE),
            _dropped("a handshake without a version", _OFFER + _NONCE),
            _dropped("a handshake without a key", _OFFER + _VERSION),
            _dropped("a handshake with an empty key", _OFFER + _VERSION + b"Sec-WebSocket-Key:\r\n"),
            _dropped(
                "a handshake with a key of 15 bytes",
                _OFFER + _VERSION + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n",
            ),
            _dropped("a handshake with two keys", _OFFER + _VERSION + _NONCE + _NONCE),
            _dropped(
                "a handshake that Connection does not name", b"Upgrade: websocket\r\n" + _VERSION + _NONCE
            ),
            _dropped(
                "a handshake with a choice of protocols",
                b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n" + _VERSION + _NONCE,
            ),
            _dropped(
                "a handshake with two lines of Upgrade",
                _OFFER + b"Upgrade: websocket\r\n" + _VERSION + _NONCE,
            ),
            passes(
                "a handshake with a body",
                GET + _OFFER + _VERSION + _NONCE + _BODY + SMUGGLED,
                seen(body=b"hello", absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "a handshake by POST",
                POST + _OFFER + _VERSION + _NONCE + b"\r\n" + SMUGGLED,
                posted(b"", absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "a handshake of HTTP/1.0", _OLD + _OFFER + _VERSION + _NONCE + b"\r\n" + SMUGGLED, _WITHOUT
            ),
            refused(
                400,
                "a frame behind a handshake that is refused",
                GET + _OFFER + _VERSION + _NONCE + b"\r\n\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                _TAKEN,
            ),
        ),
    ),
    Family(
        "offers to switch protocols",
        "RFC 9110 §7.8; RFC 9113 §3.1 has removed h2c; Miller: h2c smuggling (2020)",
        (
            passes(
                "h2c is not offered to the upstream",
                GET
                + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
                + SMUGGLED,
                seen(absent=(b"upgrade", b"http2-settings", b"connection")),
                _SECOND,
            ),
            passes(
                "h2c without its settings",
                GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + SMUGGLED,
                seen(absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "h2c that Connection does not name",
                GET + b"Upgrade: h2c\r\n\r\n" + SMUGGLED,
                seen(absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "h2c and a body, which stays a body",
                POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + _BODY + SMUGGLED,
                posted(b"hello", absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "h2 by its name in TLS",
                GET + b"Connection: Upgrade\r\nUpgrade: h2\r\n\r\n" + SMUGGLED,
                seen(absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "TLS within HTTP",
                GET + b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n" + SMUGGLED,
                seen(absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "two protocols to choose from",
                GET + b"Connection: Upgrade\r\nUpgrade: h2c, foo/2\r\n\r\n" + SMUGGLED,
                seen(absent=(b"upgrade",)),
                _SECOND,
            ),
            passes(
                "HTTP/1.0 offers nothing",
                _OLD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
                seen(absent=(b"upgrade",)),
            ),
        ),
    ),
)
