"""Transfer-Encoding, and with Content-Length beside it."""

from tests.corpus.case import HOST, KEY, POST, SMUGGLED, Case, Family, passes, posted, refused, seen

_OLD = b"POST / HTTP/1.0\r\n" + HOST + KEY
_BODY = b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
_HELLO = posted(b"hello", b"Transfer-Encoding: chunked", absent=(b"content-length",))


def _good(name: str, line: bytes) -> Case:
    return passes(name, POST + line + _BODY, _HELLO)


def _bad(name: str, lines: bytes, status: int = 400) -> Case:
    return refused(status, name, POST + lines + _BODY + SMUGGLED)


FAMILIES = (
    Family(
        "chunked, once and alone",
        "RFC 9112 §6.1: not after another coding that is not known (501), not twice, last (§6.3: 400)",
        (
            _good("chunked", b"Transfer-Encoding: chunked"),
            _good("Chunked with a capital", b"Transfer-Encoding: Chunked"),
            _good("CHUNKED in capitals", b"Transfer-Encoding: CHUNKED"),
            _good("chunked without a space before it", b"Transfer-Encoding:chunked"),
            _good("chunked with a tab before it", b"Transfer-Encoding:\tchunked"),
            _good("chunked with a space behind it", b"Transfer-Encoding: chunked "),
            _good("transfer-encoding in small letters", b"transfer-encoding: chunked"),
            passes(
                "a GET in chunks",
                b"GET / HTTP/1.1\r\n" + HOST + KEY + b"Transfer-Encoding: chunked" + _BODY,
                seen(body=b"hello"),
            ),
            _bad("gzip before chunked", b"Transfer-Encoding: gzip, chunked", 501),
            _bad("deflate before chunked", b"Transfer-Encoding: deflate, chunked", 501),
            _bad("two codings before chunked", b"Transfer-Encoding: gzip, deflate, chunked", 501),
            _bad(
                "gzip before chunked on two lines",
                b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
                501,
            ),
            _bad("chunked before gzip", b"Transfer-Encoding: chunked, gzip"),
            _bad(
                "chunked before gzip on two lines", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"
            ),
            _bad("gzip alone", b"Transfer-Encoding: gzip"),
            _bad("identity, which is no more", b"Transfer-Encoding: identity"),
            _bad("identity behind chunked", b"Transfer-Encoding: chunked, identity"),
            _bad(
                "identity before chunked on two lines",
                b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            ),
            _bad("chunked twice", b"Transfer-Encoding: chunked, chunked"),
            _bad("chunked on two lines", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            _bad(
                "chunked and an empty line of the field", b"Transfer-Encoding: chunked\r\nTransfer-Encoding:"
            ),
            _bad(
                "an empty line of the field and chunked", b"Transfer-Encoding:\r\nTransfer-Encoding: chunked"
            ),
            _bad("chunked and an empty element", b"Transfer-Encoding: chunked,"),
            _bad("an empty element and chunked", b"Transfer-Encoding: , chunked"),
            _bad("an empty coding", b"Transfer-Encoding:"),
            _bad("a comma alone", b"Transfer-Encoding: ,"),
        ),
    ),
    Family(
        "codings that look like chunked",
        "Kettle: HTTP Desync Attacks (2019), the TE.TE class; RFC 9112 §7: transfer-coding is a token",
        (
            _bad("a letter before chunked", b"Transfer-Encoding: xchunked"),
            _bad("a letter behind chunked", b"Transfer-Encoding: chunkedx"),
            _bad("chunked twice in one word", b"Transfer-Encoding: chunkedchunked"),
            _bad("chunked without its last letter", b"Transfer-Encoding: chunke"),
            _bad("chunked in quotes", b'Transfer-Encoding: "chunked"'),
            _bad("chunked in apostrophes", b"Transfer-Encoding: 'chunked'"),
            _bad("chunked with a parameter", b"Transfer-Encoding: chunked;q=1"),
            _bad("chunked with a semicolon", b"Transfer-Encoding: chunked;"),
            _bad("chunked and a word", b"Transfer-Encoding: chunked foo"),
            _bad("a word and chunked", b"Transfer-Encoding: foo chunked"),
            _bad("chunked behind a colon", b"Transfer-Encoding:: chunked"),
            _bad("chunked behind a vertical tab", b"Transfer-Encoding: \x0bchunked"),
            _bad("chunked behind a form feed", b"Transfer-Encoding: \x0cchunked"),
            _bad("chunked and a vertical tab", b"Transfer-Encoding: chunked\x0b"),
            _bad("chunked and NUL", b"Transfer-Encoding: chunked\0"),
            _bad("chunked and a CR", b"Transfer-Encoding: chunked\r"),
            _bad("chunked behind a no-break space", b"Transfer-Encoding: \xa0chunked"),
            _bad("chunked and a byte above ASCII", b"Transfer-Encoding: chunked\xff"),
            _bad("chunked with the Kelvin sign for its k", "Transfer-Encoding: chun\u212aed".encode()),
            _bad("chunked on a folded line", b"Transfer-Encoding:\r\n chunked"),
            _bad("chunked and a folded list", b"Transfer-Encoding: chunked\r\n , identity"),
            _bad("a folded coding behind another", b"Transfer-Encoding: identity\r\n\tchunked"),
            _bad("chunked behind an unknown coding", b"Transfer-Encoding: cow, chunked"),
            _bad(
                "an unknown coding on a line behind chunked",
                b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow",
            ),
        ),
    ),
    Family(
        "a length and chunks",
        "RFC 9112 §6.1: an attempt at smuggling or response splitting; 400 though the RFC would let it pass",
        (
            _bad("a length, then chunks", b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
            _bad("chunks, then a length", b"Transfer-Encoding: chunked\r\nContent-Length: 5"),
            _bad("a length of none, then chunks", b"Content-Length: 0\r\nTransfer-Encoding: chunked"),
            _bad("chunks, then a length of none", b"Transfer-Encoding: chunked\r\nContent-Length: 0"),
            _bad("a length of just the chunks", b"Content-Length: 15\r\nTransfer-Encoding: chunked"),
            _bad("a length that is none, and chunks", b"Content-Length: x\r\nTransfer-Encoding: chunked"),
            _bad("an empty length, and chunks", b"Content-Length:\r\nTransfer-Encoding: chunked"),
            _bad("a length and a coding that is none", b"Content-Length: 5\r\nTransfer-Encoding: xchunked"),
            _bad("a length and an empty coding", b"Content-Length: 5\r\nTransfer-Encoding:"),
            _bad("a length and identity", b"Content-Length: 5\r\nTransfer-Encoding: identity"),
            _bad(
                "a length, chunks, a length",
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            ),
        ),
    ),
    Family(
        "chunks in HTTP/1.0",
        "RFC 9112 §6.1: a server must treat a Transfer-Encoding in HTTP/1.0 as faulty framing",
        (
            refused(400, "HTTP/1.0 in chunks", _OLD + b"Transfer-Encoding: chunked" + _BODY),
            refused(
                400,
                "HTTP/1.0 in chunks that keeps its connection",
                _OLD + b"Connection: keep-alive\r\nTransfer-Encoding: chunked" + _BODY + SMUGGLED,
            ),
            refused(
                400,
                "HTTP/1.0 with a length and chunks",
                _OLD + b"Content-Length: 5\r\nTransfer-Encoding: chunked" + _BODY,
            ),
            refused(400, "HTTP/1.0 with identity", _OLD + b"Transfer-Encoding: identity\r\n\r\n"),
            refused(400, "HTTP/1.0 with an empty coding", _OLD + b"Transfer-Encoding:\r\n\r\n"),
        ),
    ),
)
