"""Connection, what it names, offers to switch protocols, and expectations."""

from tests.corpus.case import (
    CHUNKED,
    GET,
    HOST,
    KEY,
    POST,
    SMUGGLED,
    Case,
    Family,
    passes,
    posted,
    refused,
    seen,
)

_OLD = b"GET / HTTP/1.0\r\n" + HOST + KEY
_SECOND = seen(b"/smuggled")
_BODY = b"Content-Length: 5\r\n\r\nhello"


def _dropped(name: str, lines: bytes, *absent: bytes) -> Case:
    return passes(name, GET + lines + b"X-End: 1\r\n\r\n", seen(lines=(b"X-End: 1",), absent=absent))


def _expects(name: str, line: bytes) -> Case:
    return refused(417, name, POST + line + b"\r\n" + _BODY + SMUGGLED)


FAMILIES = (
    Family(
        "fields of one connection",
        "RFC 9110 §7.6.1: removed before a message goes on, with what Connection names; Davison: hop-by-hop "
        "abuse (2019)",
        (
            _dropped(
                "what Connection names is dropped",
                b"Connection: X-Hop\r\nX-Hop: 1\r\n",
                b"connection",
                b"x-hop",
            ),
            _dropped(
                "what Connection names in another case is dropped",
                b"connection: x-HOP\r\nX-Hop: 1\r\n",
                b"x-hop",
            ),
            _dropped(
                "a list in Connection", b"Connection: X-A , ,X-B\r\nX-A: 1\r\nx-b: 2\r\n", b"x-a", b"x-b"
            ),
            _dropped(
                "two lines of Connection",
                b"Connection: X-A\r\nConnection: X-B\r\nX-A: 1\r\nX-B: 2\r\n",
                b"x-a",
                b"x-b",
            ),
            _dropped(
                "what Connection names before it stands there", b"X-Hop: 1\r\nConnection: X-Hop\r\n", b"x-hop"
            ),
            _dropped("an empty Connection", b"Connection:\r\n", b"connection"),
            _dropped(
                "Keep-Alive",
                b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n",
                b"keep-alive",
                b"connection",
            ),
            _dropped(
                "Proxy-Connection, which nobody specified",
                b"Proxy-Connection: keep-alive\r\n",
                b"proxy-connection",
            ),
            _dropped("TE", b"Connection: TE\r\nTE: trailers\r\n", b"te"),
            _dropped("TE that asks for a coding", b"TE: chunked;q=1\r\n", b"te"),
            _dropped("Trailer without a body", b"Trailer: X\r\n", b"trailer"),
            _dropped("Proxy-Authorization", b"Proxy-Authorization: Basic YTpi\r\n", b"proxy-authorization"),
            passes(
                "Connection cannot name Host away",
                GET + b"Connection: Host\r\n\r\n",
                seen(lines=(b"Host: service.example",)),
            ),
            passes(
                "Connection cannot name Content-Length away",
                POST + b"Connection: Content-Length\r\n" + _BODY + SMUGGLED,
                posted(b"hello", b"Content-Length: 5"),
                _SECOND,
            ),
            passes(
                "Connection names Transfer-Encoding",
                CHUNKED[:-2] + b"Connection: Transfer-Encoding\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
                posted(b"hello"),
                _SECOND,
            ),
        ),
    ),
    Family(
        "how long a connection lasts",
        "RFC 9112 §9.3 and §9.6: after close nothing more is read",
        (
            passes("close: what follows is not read", GET + b"Connection: close\r\n\r\n" + SMUGGLED),
            passes("Close with a capital", GET + b"Connection: Close\r\n\r\n" + SMUGGLED),
            passes("close in a list", GET + b"Connection: x, close\r\n\r\n" + SMUGGLED),
            passes(
                "close and keep-alive: close wins", GET + b"Connection: keep-alive, close\r\n\r\n" + SMUGGLED
            ),
            passes(
                "close behind a body", POST + b"Connection: close\r\n" + _BODY + SMUGGLED, posted(b"hello")
            ),
            passes(
                "close behind chunks",
                CHUNKED[:-2] + b"Connection: close\r\n\r\n0\r\n\r\n" + SMUGGLED,
                posted(),
            ),
            passes(
                "close in quotes is no close",
                GET + b'Connection: "close"\r\n\r\n' + SMUGGLED,
                seen(),
                _SECOND,
            ),
            passes("HTTP/1.0 ends after one", _OLD + b"\r\n" + SMUGGLED),
            passes(
                "HTTP/1.0 stays where it asks for that",
                _OLD + b"Connection: keep-alive\r\n\r\n" + SMUGGLED,
                seen(),
                _SECOND,
            ),
            passes(
                "HTTP/1.0 with keep-alive and close ends",
                _OLD + b"Connection: keep-alive, close\r\n\r\n" + SMUGGLED,
            ),
            passes(
                "HTTP/1.0 with Keep-Alive but without Connection ends",
                _OLD + b"Keep-Alive: timeout=5\r\n\r\n" + SMUGGLED,
            ),
        ),
    ),
    Family(
        "expectations",
        "RFC 9110 §10.1.1; Kettle: HTTP/1.1 must die (2025), Expect-based desync",
        (
            passes(
                "100-continue and a body at once",
                POST + b"Expect: 100-continue\r\n" + _BODY + SMUGGLED,
                posted(b"hello", absent=(b"expect",)),
                _SECOND,
            ),
            passes(
                "100-Continue in another case",
                POST + b"Expect: 100-Continue\r\n" + _BODY,
                posted(b"hello", absent=(b"expect",)),
            ),
            passes(
                "100-continue and chunks",
                CHUNKED[:-2] + b"Expect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
                posted(b"hello", absent=(b"expect",)),
                _SECOND,
            ),
            passes(
                "100-continue without a body",
                GET + b"Expect: 100-continue\r\n\r\n" + SMUGGLED,
                seen(absent=(b"expect",)),
                _SECOND,
            ),
            passes(
                "100-continue of HTTP/1.0 is ignored",
                _OLD + b"Expect: 100-continue\r\n\r\n",
                seen(absent=(b"expect",)),
            ),
            _expects("another expectation", b"Expect: 200-ok"),
            _expects("an expectation with a value", b"Expect: a=b"),
            _expects("an empty expectation", b"Expect:"),
            _expects("100-continue and another", b"Expect: 100-continue, a"),
            _expects("another and 100-continue", b"Expect: y 100-continue"),
            _expects("100-continue and a word", b"Expect: 100-continue y"),
            _expects("100-continue and a parameter", b"Expect: 100-continue;a=b"),
            _expects("100-continue twice", b"Expect: 100-continue\r\nExpect: 100-continue"),
            _expects("100-continue in quotes", b'Expect: "100-continue"'),
            _expects("100-continue above ASCII", b"Expect: 100-continue\xa0"),
            refused(400, "100-continue behind a vertical tab", POST + b"Expect:\x0b100-continue\r\n" + _BODY),
            refused(400, "100-continue on a folded line", POST + b"Expect:\r\n 100-continue\r\n" + _BODY),
            refused(
                400, "100-continue with a space before the colon", POST + b"Expect : 100-continue\r\n" + _BODY
            ),
        ),
    ),
)
