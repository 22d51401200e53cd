"""Bodies in chunks: sizes, extensions, ends and trailers."""

from tests.corpus.case import CHUNKED, SMUGGLED, Case, Family, broken, passes, posted, seen

_HELLO = posted(b"hello", absent=(b"content-length",))
_SECOND = seen(b"/smuggled")


def _good(name: str, body: bytes, *arrives: bytes) -> Case:
    """The second request shows that the body ends where it should."""
    return passes(name, CHUNKED + body + SMUGGLED, posted(*(arrives or (b"hello",))), _SECOND)


def _bad(name: str, body: bytes) -> Case:
    return broken(400, name, CHUNKED + body + SMUGGLED)


def _trailer(name: str, lines: bytes, absent: bytes) -> Case:
    return passes(
        name,
        CHUNKED + b"5\r\nhello\r\n0\r\n" + lines + b"\r\n" + SMUGGLED,
        posted(b"hello", absent=(absent,)),
        _SECOND,
    )


FAMILIES = (
    Family(
        "sizes of chunks",
        "RFC 9112 §7.1: chunk-size = 1*HEXDIG, and recipients must guard against overflow",
        (
            _good("one chunk", b"5\r\nhello\r\n0\r\n\r\n"),
            _good("chunks of one byte each", b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n"),
            _good("no chunk but the last", b"0\r\n\r\n", b""),
            _good("a size in small letters", b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
            _good("a size in capitals", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
            _good("a size with noughts before it", b"0005\r\nhello\r\n0\r\n\r\n"),
            _good("a size of 15 digits", b"000000000000005\r\nhello\r\n0\r\n\r\n"),
            _good("a last chunk of several noughts", b"5\r\nhello\r\n000\r\n\r\n"),
            _good(
                "chunks in a chunk", b"f\r\n5\r\nhello\r\n0\r\n\r\n\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"
            ),
            _good("line breaks in a chunk", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
            _good(
                "a chunk of every byte", b"100\r\n" + bytes(range(256)) + b"\r\n0\r\n\r\n", bytes(range(256))
            ),
            _good("a chunk of 70,000 bytes", b"11170\r\n" + b"x" * 70_000 + b"\r\n0\r\n\r\n", b"x" * 70_000),
            _bad("a size with a plus sign", b"+5\r\nhello\r\n0\r\n\r\n"),
            _bad("a size with a minus sign", b"-5\r\nhello\r\n0\r\n\r\n"),
            _bad("a size of minus none", b"-0\r\n\r\n"),
            _bad("a size that begins with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
            _bad("a size with an h behind it", b"5h\r\nhello\r\n0\r\n\r\n"),
            _bad("a size that is no hex", b"g\r\nhello\r\n0\r\n\r\n"),
            _bad("no size", b"\r\nhello\r\n0\r\n\r\n"),
            _bad("an empty line between chunks", b"5\r\nhello\r\n\r\n0\r\n\r\n"),
            _bad("a space before a size", b" 5\r\nhello\r\n0\r\n\r\n"),
            _bad("a tab before a size", b"\t5\r\nhello\r\n0\r\n\r\n"),
            _bad("a space behind a size", b"5 \r\nhello\r\n0\r\n\r\n"),
            _bad("a tab behind a size", b"5\t\r\nhello\r\n0\r\n\r\n"),
            _bad("a space behind the last size", b"5\r\nhello\r\n0 \r\n\r\n"),
            _bad("a space within a size", b"0 5\r\nhello\r\n0\r\n\r\n"),
            _bad("an underscore in a size", b"0_5\r\nhello\r\n0\r\n\r\n"),
            _bad("a comma in a size", b"5,5\r\nhello\r\n0\r\n\r\n"),
            _bad("a point in a size", b"5.0\r\nhello\r\n0\r\n\r\n"),
            _bad("a size in quotes", b'"5"\r\nhello\r\n0\r\n\r\n'),
            _bad("a size of full width", "５\r\nhello\r\n0\r\n\r\n".encode()),  # noqa: RUF001 - meant
            _bad("NUL behind a size", b"5\0\r\nhello\r\n0\r\n\r\n"),
            _bad("NUL for a size", b"\0\r\n\r\n"),
            _bad("a size that wraps at 64 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
            _bad("a size that wraps at 64 bits to none", b"10000000000000000\r\n\r\n"),
            _bad("a size of all 64 bits", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
            _bad("a size of a thousand noughts and a five", b"0" * 1000 + b"5\r\nhello\r\n0\r\n\r\n"),
        ),
    ),
    Family(
        "extensions of chunks",
        "RFC 9112 §7.1.1; Grenfeldt et al.: Attacking Websites Using HTTP Request Smuggling (2021); "
        "CVE-2026-2332 (Jetty)",
        (
            _good("an extension without a value", b"5;a\r\nhello\r\n0\r\n\r\n"),
            _good("an extension with a value", b"5;a=b\r\nhello\r\n0\r\n\r\n"),
            _good("an extension in quotes", b'5;a="b c;d"\r\nhello\r\n0\r\n\r\n'),
            _good("an extension with an escaped quote", b'5;a="b\\"c"\r\nhello\r\n0\r\n\r\n'),
            _good("several extensions", b"5;a=b;c;d=e\r\nhello\r\n0\r\n\r\n"),
            _good("spaces around an extension's signs", b"5 ; a = b\r\nhello\r\n0\r\n\r\n"),
            _good("an extension of the last chunk", b"5\r\nhello\r\n0;a=b\r\n\r\n"),
            _good("an extension that looks like a size", b"5;0\r\nhello\r\n0\r\n\r\n"),
            _bad("a semicolon alone", b"5;\r\nhello\r\n0\r\n\r\n"),
            _bad("two semicolons", b"5;;a\r\nhello\r\n0\r\n\r\n"),
            _bad("an extension without a name", b"5;=b\r\nhello\r\n0\r\n\r\n"),
            _bad("an extension with an empty value", b"5;a=\r\nhello\r\n0\r\n\r\n"),
            _bad("an extension of two words", b"5;a b\r\nhello\r\n0\r\n\r\n"),
            _bad("an extension with a space behind it", b"5;a \r\nhello\r\n0\r\n\r\n"),
            _bad("an extension with a quote that does not end", b'5;a="b\r\nhello\r\n0\r\n\r\n'),
            _bad(
                "an extension with a line break in quotes",
                b'5;a="\r\nhello\r\n0\r\n\r\n"\r\nhello\r\n0\r\n\r\n',
            ),
            _bad("an extension without its semicolon", b"5 a\r\nhello\r\n0\r\n\r\n"),
            _bad("a lone LF in an extension", b"5;a\nhello\r\n0\r\n\r\n"),
            _bad("a lone CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
            _bad("NUL in an extension", b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
            _bad("a control in an extension", b"5;a=\x1f\r\nhello\r\n0\r\n\r\n"),
            _bad("DEL in an extension in quotes", b'5;a="\x7f"\r\nhello\r\n0\r\n\r\n'),
            _bad("a byte above ASCII in an extension", b"5;a=\xff\r\nhello\r\n0\r\n\r\n"),
            _bad("a lone LF, and a request where some see an extension", b"5;\nhello\r\n0\r\n\r\n"),
            _bad("an extension of 300 bytes", b"5;" + b"a" * 300 + b"\r\nhello\r\n0\r\n\r\n"),
            _bad(
                "20,000 bytes of extensions in all", (b"1;" + b"a" * 199 + b"\r\nx\r\n") * 100 + b"0\r\n\r\n"
            ),
        ),
    ),
    Family(
        "ends of chunks",
        "RFC 9112 §7.1: CRLF behind a size and behind its data; Weikop: Funky Chunks (2025)",
        (
            _bad("LF alone behind a size", b"5\nhello\r\n0\r\n\r\n"),
            _bad("CR alone behind a size", b"5\rhello\r\n0\r\n\r\n"),
            _bad("CR twice before LF behind a size", b"5\r\r\nhello\r\n0\r\n\r\n"),
            _bad("LF and CR the wrong way round behind a size", b"5\n\rhello\r\n0\r\n\r\n"),
            _bad("LF alone behind a chunk", b"5\r\nhello\n0\r\n\r\n"),
            _bad("CR alone behind a chunk", b"5\r\nhello\r0\r\n\r\n"),
            _bad("nothing behind a chunk", b"5\r\nhello0\r\n\r\n"),
            _bad("two other bytes behind a chunk", b"5\r\nhelloXX0\r\n\r\n"),
            _bad("one more byte than a chunk says", b"5\r\nhello!\r\n0\r\n\r\n"),
            _bad("one byte less than a chunk says", b"6\r\nhello\r\n0\r\n\r\n"),
            _bad("two bytes less than a chunk says", b"7\r\nhello\r\n0\r\n\r\n"),
            _bad("LF and CR the wrong way round behind a chunk", b"5\r\nhello\n\r0\r\n\r\n"),
            _bad("CR and another byte behind a chunk", b"5\r\nhello\rX0\r\n\r\n"),
            _bad("a space before the end of a chunk", b"5\r\nhello \r\n0\r\n\r\n"),
            _bad("LF alone behind the last size", b"5\r\nhello\r\n0\n\r\n"),
            _bad("LF alone at the body's end", b"5\r\nhello\r\n0\r\n\n"),
            _bad("LF alone twice at the body's end", b"5\r\nhello\r\n0\n\n"),
            _bad("CR alone at the body's end", b"5\r\nhello\r\n0\r\n\r"),
            _bad("CR twice before LF at the body's end", b"5\r\nhello\r\n0\r\n\r\r\n"),
            _bad("the next request where the body's end should be", b"5\r\nhello\r\n0\r\n"),
            _bad("a chunk behind the last", b"5\r\nhello\r\n0\r\n5\r\nhello\r\n\r\n"),
            _bad("every line ended by LF alone", b"5\nhello\n0\n\n"),
        ),
    ),
    Family(
        "trailers",
        "RFC 9110 §6.5.1: not merged where that is not known to be safe; here they are checked and dropped",
        (
            _trailer("a trailer field is dropped", b"X-Sum: 1\r\n", b"x-sum"),
            _trailer("several trailer fields are dropped", b"X-Sum: 1\r\nX-More: 2\r\n", b"x-more"),
            _trailer("a trailer field without a value", b"X-Sum:\r\n", b"x-sum"),
            _trailer(
                "a Content-Length in the trailer section counts for nothing",
                b"Content-Length: 40\r\n",
                b"content-length",
            ),
            _trailer(
                "a client's address in the trailer section counts for nothing",
                b"X-Real-IP: 127.0.0.1\r\n",
                b"x-real-ip",
            ),
            passes(
                "a Host in the trailer section counts for nothing",
                CHUNKED + b"0\r\nHost: other.example\r\n\r\n",
                posted(b"", b"Host: service.example"),
            ),
            passes(
                "a coding in the trailer section counts for nothing",
                CHUNKED + b"0\r\nTransfer-Encoding: gzip\r\n\r\n" + SMUGGLED,
                posted(),
                _SECOND,
            ),
            passes(
                "a key in the trailer section counts for nothing",
                CHUNKED + b"0\r\nX-API-Key: other\r\n\r\n" + SMUGGLED,
                posted(b"", b"X-API-Key: key-1"),
                _SECOND,
            ),
            passes(
                "a trailer section that was announced",
                CHUNKED[:-2] + b"Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
                posted(b"hello", absent=(b"trailer", b"x-sum")),
            ),
            _bad("a trailer field with a space before its colon", b"0\r\nX : y\r\n\r\n"),
            _bad("a trailer field without a colon", b"0\r\nX y\r\n\r\n"),
            _bad("a trailer field without a name", b"0\r\n: y\r\n\r\n"),
            _bad("a folded trailer field", b"0\r\nX: y\r\n z\r\n\r\n"),
            _bad("a trailer section that begins with a space", b"0\r\n X: y\r\n\r\n"),
            _bad("NUL in a trailer field", b"0\r\nX: \0\r\n\r\n"),
            _bad("a control in a trailer field", b"0\r\nX: \x1b\r\n\r\n"),
            _bad("a lone LF in a trailer field", b"0\r\nX: y\nZ: z\r\n\r\n"),
            _bad("a lone CR in a trailer field", b"0\r\nX: y\rZ: z\r\n\r\n"),
            _bad("a trailer field that ends in LF alone", b"0\r\nX: y\n\r\n"),
            _bad("a request line for a trailer field", b"0\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
            _bad("a trailer field of 9,000 bytes", b"0\r\nX: " + b"y" * 9000 + b"\r\n\r\n"),
            _bad("20,000 bytes of trailer fields", b"0\r\n" + b"X: yyyyyy\r\n" * 2000 + b"\r\n"),
        ),
    ),
)
