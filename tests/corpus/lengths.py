"""Content-Length."""

from tests.corpus.case import HOST, KEY, POST, SMUGGLED, Case, Family, passes, posted, refused, seen

_OLD = b"POST / HTTP/1.0\r\n" + HOST + KEY
_PUT = b"PUT /a HTTP/1.1\r\n" + HOST + KEY


def _bad(name: str, lines: bytes) -> Case:
    return refused(400, name, POST + lines + b"\r\n\r\nhello" + SMUGGLED)


FAMILIES = (
    Family(
        "a length that is not one whole number",
        "RFC 9110 §8.6: 1*DIGIT; RFC 9112 §6.3: a server must refuse one that is not valid",
        (
            _bad("a length with a plus sign", b"Content-Length: +5"),
            _bad("a length with a minus sign", b"Content-Length: -5"),
            _bad("a length of minus none", b"Content-Length: -0"),
            _bad("an empty length", b"Content-Length:"),
            _bad("a length of spaces", b"Content-Length:   "),
            _bad("a length in hex", b"Content-Length: 0x5"),
            _bad("a length in hex digits", b"Content-Length: a"),
            _bad("a length in octal", b"Content-Length: 0o5"),
            _bad("a length with a fraction", b"Content-Length: 5.0"),
            _bad("a length with an exponent", b"Content-Length: 5e0"),
            _bad("a length with an underscore", b"Content-Length: 0_5"),
            _bad("a length with a comma for thousands", b"Content-Length: 1,000"),
            _bad("a length in quotes", b'Content-Length: "5"'),
            _bad("a length and a word", b"Content-Length: 5 bytes"),
            _bad("a length with a space within", b"Content-Length: 0 5"),
            _bad("a length and a semicolon", b"Content-Length: 5;"),
            _bad("a length with a parameter", b"Content-Length: 5;q=1"),
            _bad("a length of letters", b"Content-Length: five"),
            _bad("a length of Arabic digits", "Content-Length: \u0665".encode()),
            _bad("a length of superscript digits in Latin-1", b"Content-Length: \xb2"),
            _bad("a length and a no-break space", b"Content-Length: 5\xa0"),
            _bad("a length and NUL", b"Content-Length: 5\0"),
            _bad("a length behind a vertical tab", b"Content-Length:\x0b5"),
            _bad("a length and a form feed", b"Content-Length: 5\x0c"),
            _bad("a length of 19 digits", b"Content-Length: 1000000000000000000"),
            _bad("a length one above what 64 bits hold", b"Content-Length: 18446744073709551621"),
            _bad("a length of a thousand digits", b"Content-Length: " + b"9" * 1000),
            _bad("a length of a thousand noughts and a five", b"Content-Length: " + b"0" * 1000 + b"5"),
        ),
    ),
    Family(
        "lengths more than one",
        "RFC 9112 §6.3 would allow a list of the same; Linhart et al. (2005) began with two that differ",
        (
            _bad("two lengths, the smaller first", b"Content-Length: 0\r\nContent-Length: 5"),
            _bad("two lengths, the greater first", b"Content-Length: 5\r\nContent-Length: 0"),
            _bad("the same length twice", b"Content-Length: 5\r\nContent-Length: 5"),
            _bad("the same length in two spellings", b"Content-Length: 5\r\nContent-Length: 05"),
            _bad("two lengths far apart, in two cases", b"content-length: 5\r\nX: y\r\nCONTENT-LENGTH: 0"),
            _bad("three lengths", b"Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 0"),
            _bad("a list of the same", b"Content-Length: 5, 5"),
            _bad("a list of two", b"Content-Length: 0, 5"),
            _bad("a list without a space", b"Content-Length: 5,5"),
            _bad("a list with an empty element behind", b"Content-Length: 5,"),
            _bad("a list with an empty element before", b"Content-Length: ,5"),
            _bad("a length and an empty one", b"Content-Length: 5\r\nContent-Length:"),
            _bad("an empty length and one", b"Content-Length:\r\nContent-Length: 5"),
        ),
    ),
    Family(
        "lengths that are right",
        "RFC 9110 §8.6, RFC 9112 §6.2",
        (
            passes(
                "a body of its length",
                POST + b"Content-Length: 5\r\n\r\nhello",
                posted(b"hello", b"Content-Length: 5"),
            ),
            passes(
                "a body of no bytes", POST + b"Content-Length: 0\r\n\r\n", posted(b"", b"Content-Length: 0")
            ),
            passes("a POST without a length has no body", POST + b"\r\n", posted()),
            passes(
                "a length with noughts before it is decimal",
                POST + b"Content-Length: 0010\r\n\r\n0123456789",
                posted(b"0123456789", b"Content-Length: 10"),
            ),
            passes("a length of many noughts", POST + b"Content-Length: 000\r\n\r\n", posted()),
            passes(
                "a length with spaces and tabs around",
                POST + b"Content-Length:\t 5 \t\r\n\r\nhello",
                posted(b"hello", b"Content-Length: 5"),
            ),
            passes(
                "a length without a space before it",
                POST + b"Content-Length:5\r\n\r\nhello",
                posted(b"hello"),
            ),
            passes(
                "a length in small letters",
                POST + b"content-length: 5\r\n\r\nhello",
                posted(b"hello", b"content-length: 5"),
            ),
            passes(
                "a length before Host",
                b"POST / HTTP/1.1\r\nContent-Length: 5\r\n" + HOST + KEY + b"\r\nhello",
                posted(b"hello"),
            ),
            passes(
                "a body of every byte",
                POST + b"Content-Length: 256\r\n\r\n" + bytes(range(256)),
                posted(bytes(range(256))),
            ),
            passes(
                "a body that looks like chunks",
                POST + b"Content-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                posted(b"5\r\nhello\r\n0\r\n\r\n"),
            ),
            passes("a body of line breaks", POST + b"Content-Length: 4\r\n\r\n\r\n\r\n", posted(b"\r\n\r\n")),
            passes(
                "a body of 100,000 bytes",
                _PUT + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000,
                seen(b"/a", method=b"PUT", body=b"x" * 100_000),
            ),
            passes("a body of HTTP/1.0", _OLD + b"Content-Length: 5\r\n\r\nhello", posted(b"hello")),
            passes("a POST of HTTP/1.0 without a length has no body", _OLD + b"\r\n", posted()),
            *(
                passes(
                    f"{method.decode()} with a body",
                    method + b" /a HTTP/1.1\r\n" + HOST + KEY + b"Content-Length: 5\r\n\r\nhello",
                    seen(b"/a", method=method, body=b"hello"),
                )
                for method in (b"GET", b"HEAD", b"DELETE", b"PATCH", b"OPTIONS")
            ),
        ),
    ),
)
