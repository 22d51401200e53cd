"""Several requests on a connection, and requests that are not whole."""

from tests.corpus.case import (
    CHUNKED,
    GET,
    HOST,
    KEY,
    POST,
    SMUGGLED,
    Family,
    broken,
    passes,
    posted,
    refused,
    seen,
    unfinished,
)

_SECOND = seen(b"/smuggled")
_HELLO = b"Content-Length: 5\r\n\r\nhello"

FAMILIES = (
    Family(
        "one request behind another",
        "RFC 9112 §9.3.2; §2.2 for the empty line behind a body; §6.3 for where a body ends",
        (
            passes("two requests", GET + b"\r\n" + SMUGGLED, seen(), _SECOND),
            passes(
                "twenty requests",
                b"".join(b"GET /%d HTTP/1.1\r\n%b%b\r\n" % (n, HOST, KEY) for n in range(20)),
                *(seen(b"/%d" % n) for n in range(20)),
            ),
            passes("a request behind a body", POST + _HELLO + SMUGGLED, posted(b"hello"), _SECOND),
            passes(
                "a request behind an empty body",
                POST + b"Content-Length: 0\r\n\r\n" + SMUGGLED,
                posted(),
                _SECOND,
            ),
            passes(
                "a body behind chunks",
                CHUNKED + b"0\r\n\r\n" + POST + _HELLO,
                posted(),
                posted(b"hello"),
            ),
            passes(
                "a body behind a body",
                POST + _HELLO + POST + _HELLO + SMUGGLED,
                posted(b"hello"),
                posted(b"hello"),
                _SECOND,
            ),
            passes(
                "an empty line behind a body", POST + _HELLO + b"\r\n" + SMUGGLED, posted(b"hello"), _SECOND
            ),
            passes("an empty line behind chunks", CHUNKED + b"0\r\n\r\n\r\n" + SMUGGLED, posted(), _SECOND),
            passes(
                "an empty line behind a request without a body", GET + b"\r\n\r\n" + SMUGGLED, seen(), _SECOND
            ),
            passes(
                "HEAD, whose answer has no body, before another",
                b"HEAD / HTTP/1.1\r\n" + HOST + KEY + b"\r\n" + SMUGGLED,
                seen(method=b"HEAD"),
                _SECOND,
            ),
            refused(
                400, "two empty lines behind a body", POST + _HELLO + b"\r\n\r\n" + SMUGGLED, posted(b"hello")
            ),
            refused(400, "an LF behind a body", POST + _HELLO + b"\n" + SMUGGLED, posted(b"hello")),
            refused(501, "a byte more than the length", POST + _HELLO + b"X" + SMUGGLED, posted(b"hello")),
            refused(501, "a byte behind chunks", CHUNKED + b"0\r\n\r\nX" + SMUGGLED, posted()),
            refused(
                400,
                "a chunk behind the last with its end",
                CHUNKED + b"0\r\n\r\n0\r\n\r\n" + SMUGGLED,
                posted(),
            ),
            refused(400, "a body without a length", POST + b"\r\nhello" + b"\r\n" + SMUGGLED, posted()),
            refused(
                400, "chunks without a coding", POST + b"\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED, posted()
            ),
            refused(400, "rubbish behind a request", GET + b"\r\n\0\0\0" + SMUGGLED, seen()),
            refused(505, "another version behind a request", GET + b"\r\nGET / HTTP/2.0\r\n\r\n", seen()),
            refused(
                400,
                "two lengths in the second request",
                GET + b"\r\n" + POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
                seen(),
            ),
            broken(
                400,
                "a chunk that breaks in the second request",
                GET + b"\r\n" + CHUNKED + b"x\r\n" + SMUGGLED,
                seen(),
            ),
        ),
    ),
    Family(
        "requests that are not whole",
        "RFC 9112 §8: incomplete is not complete; nothing of it may be answered by another's bytes",
        (
            unfinished("an empty line", b"\r\n"),
            unfinished("a method that is cut", b"GE"),
            unfinished("a request line without its end", b"GET / HTTP/1.1"),
            unfinished("a request line whose end is cut", b"GET / HTTP/1.1\r"),
            unfinished("a head without its fields", b"GET / HTTP/1.1\r\n"),
            unfinished("a field that is cut", GET + b"X: "),
            unfinished("a head without its end", GET),
            unfinished("a head whose end is cut", GET + b"\r"),
            unfinished("a length without a body", POST + b"Content-Length: 5\r\n\r\n"),
            unfinished("a body that is cut", POST + b"Content-Length: 5\r\n\r\nhell"),
            unfinished(
                "a length that takes in the next request", POST + b"Content-Length: 1000\r\n\r\n" + SMUGGLED
            ),
            unfinished("chunks that have not begun", CHUNKED),
            unfinished("a size that is cut", CHUNKED + b"5"),
            unfinished("a size whose end is cut", CHUNKED + b"5\r"),
            unfinished("a chunk that is cut", CHUNKED + b"5\r\nhell"),
            unfinished("a chunk without its end", CHUNKED + b"5\r\nhello"),
            unfinished("a chunk that takes in the next request", CHUNKED + b"fff\r\n" + SMUGGLED),
            unfinished("chunks without the last", CHUNKED + b"5\r\nhello\r\n"),
            unfinished("a last chunk without its end", CHUNKED + b"5\r\nhello\r\n0\r\n"),
            unfinished("a trailer section without its end", CHUNKED + b"0\r\nX: y\r\n"),
            unfinished(
                "a second request that is cut",
                GET + b"\r\n" + POST + b"Content-Length: 5\r\n\r\nhell",
                seen(),
            ),
        ),
    ),
)
