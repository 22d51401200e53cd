"""Request lines."""

from tests.corpus.case import GET, HOST, KEY, SMUGGLED, Case, Family, passes, refused, seen

_FIELDS = HOST + KEY + b"\r\n"


def _line(line: bytes) -> bytes:
    """A request with this first line, and a second request that must not be read after a refusal."""
    return line + b"\r\n" + _FIELDS + SMUGGLED


def _bad(name: str, line: bytes) -> Case:
    return refused(400, name, _line(line))


FAMILIES = (
    Family(
        "spaces of the request line",
        "RFC 9112 §3: one SP each; the lenient reading that it allows has opened holes, so it is not taken",
        (
            _bad("two spaces after the method", b"GET  / HTTP/1.1"),
            _bad("two spaces before the version", b"GET /  HTTP/1.1"),
            _bad("a tab after the method", b"GET\t/ HTTP/1.1"),
            _bad("a tab before the version", b"GET /\tHTTP/1.1"),
            _bad("a vertical tab for a space", b"GET\x0b/ HTTP/1.1"),
            _bad("a form feed for a space", b"GET / \x0cHTTP/1.1"),
            _bad("a lone CR for a space", b"GET\r/ HTTP/1.1"),
            _bad("a no-break space of Latin-1 for a space", b"GET\xa0/ HTTP/1.1"),
            _bad("a next-line character of Latin-1 for a space", b"GET /\x85HTTP/1.1"),
            _bad("a space before the method", b" GET / HTTP/1.1"),
            _bad("a tab before the method", b"\tGET / HTTP/1.1"),
            _bad("a space behind the version", b"GET / HTTP/1.1 "),
            _bad("a tab behind the version", b"GET / HTTP/1.1\t"),
            _bad("a space within the target", b"GET /a b HTTP/1.1"),
            _bad("a second version", b"GET / HTTP/1.1 HTTP/1.1"),
            _bad("a word behind the version", b"GET / HTTP/1.1 x"),
            _bad("a version in the target's place", b"GET HTTP/1.1"),
            _bad("an empty target", b"GET  HTTP/1.1"),
            _bad("a method alone", b"GET"),
            _bad("a method and a space", b"GET "),
            _bad("a target alone", b"/"),
            _bad("no method", b" / HTTP/1.1"),
            _bad("no space after the method", b"GET/ HTTP/1.1"),
            _bad("a field in the first line's place", b"Host: service.example"),
        ),
    ),
    Family(
        "ends of the request line",
        "RFC 9112 §2.2: CRLF; a lone LF may be taken for one, and the proxy in front may not have taken it",
        (
            refused(400, "LF alone behind the version", b"GET / HTTP/1.1\n" + _FIELDS + SMUGGLED),
            refused(400, "CR alone behind the version", b"GET / HTTP/1.1\r" + _FIELDS + SMUGGLED),
            refused(400, "LF and CR the wrong way round", b"GET / HTTP/1.1\n\r" + _FIELDS + SMUGGLED),
            refused(400, "CR twice before LF", b"GET / HTTP/1.1\r\r\n" + _FIELDS + SMUGGLED),
            refused(400, "an LF before the request", b"\nGET / HTTP/1.1\r\n" + _FIELDS),
            refused(400, "a CR before the request", b"\rGET / HTTP/1.1\r\n" + _FIELDS),
            refused(400, "two empty lines before the request", b"\r\n\r\nGET / HTTP/1.1\r\n" + _FIELDS),
            refused(400, "a space and an empty line before the request", b" \r\n" + GET + b"\r\n"),
            refused(400, "a byte order mark before the request", b"\xef\xbb\xbf" + GET + b"\r\n"),
            passes("one empty line before the request is ignored", b"\r\n" + GET + b"\r\n"),
        ),
    ),
    Family(
        "methods",
        "RFC 9110 §9: a token, case-sensitive; a server that does not know it answers 501 (§15.6.2)",
        (
            *(
                passes(
                    f"{method.decode()} goes on",
                    method + b" /a HTTP/1.1\r\n" + _FIELDS,
                    seen(b"/a", method=method),
                )
                for method in (b"HEAD", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
            ),
            refused(501, "CONNECT would make a tunnel", _line(b"CONNECT service.example:443 HTTP/1.1")),
            refused(501, "CONNECT with a path", _line(b"CONNECT / HTTP/1.1")),
            refused(501, "TRACE would show the fields that were added", _line(b"TRACE / HTTP/1.1")),
            refused(501, "TRACK is TRACE by another name", _line(b"TRACK / HTTP/1.1")),
            refused(501, "get in small letters is another method", _line(b"get / HTTP/1.1")),
            refused(501, "Get with one capital is another method", _line(b"Get / HTTP/1.1")),
            refused(501, "a method that begins another", _line(b"GE / HTTP/1.1")),
            refused(501, "a method that goes on where another ends", _line(b"GETS / HTTP/1.1")),
            refused(501, "a method of WebDAV", _line(b"PROPFIND / HTTP/1.1")),
            refused(501, "a method of caches", _line(b"PURGE / HTTP/1.1")),
            refused(501, "a method with a hyphen", _line(b"M-SEARCH * HTTP/1.1")),
            refused(501, "a method with marks that a token may have", _line(b"G!T / HTTP/1.1")),
            refused(501, "a method of digits", _line(b"123 / HTTP/1.1")),
            refused(501, "a method of a hundred letters", _line(b"A" * 100 + b" / HTTP/1.1")),
            _bad("a method with a sign that a token may not have", b"G@T / HTTP/1.1"),
            _bad("a method with a colon", b"GET: / HTTP/1.1"),
            _bad("a method with a slash", b"GET/1 / HTTP/1.1"),
            _bad("a method in quotes", b'"GET" / HTTP/1.1'),
            _bad("a method with NUL", b"GET\0 / HTTP/1.1"),
            _bad("a method with a byte above ASCII", b"GET\xe9 / HTTP/1.1"),
            _bad("a method in letters of full width", "ＧＥＴ / HTTP/1.1".encode()),  # noqa: RUF001 - meant
        ),
    ),
    Family(
        "versions",
        "RFC 9112 §2.3: HTTP/ DIGIT . DIGIT, case-sensitive; 505 for what is well-formed and not spoken",
        (
            passes("HTTP/1.0 goes on as HTTP/1.1", b"GET /a HTTP/1.0\r\n" + _FIELDS, seen(b"/a")),
            *(
                refused(505, f"{version.decode()} is not spoken", _line(b"GET / " + version))
                for version in (b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.0")
            ),
            _bad("no version, as in HTTP/0.9", b"GET /"),
            _bad("a version without a minor number", b"GET / HTTP/1"),
            _bad("HTTP/2 without a minor number", b"GET / HTTP/2"),
            _bad("a version with two digits behind the point", b"GET / HTTP/1.10"),
            _bad("a version with two digits before the point", b"GET / HTTP/01.1"),
            _bad("a version of three numbers", b"GET / HTTP/1.1.1"),
            _bad("a version without its point", b"GET / HTTP/11"),
            _bad("a version with nothing behind the point", b"GET / HTTP/1."),
            _bad("a version with nothing before the point", b"GET / HTTP/.1"),
            _bad("a version with a comma", b"GET / HTTP/1,1"),
            _bad("a version with a sign", b"GET / HTTP/+1.1"),
            _bad("a version below none", b"GET / HTTP/-1.1"),
            _bad("a version of letters", b"GET / HTTP/x.y"),
            _bad("a version in small letters", b"GET / http/1.1"),
            _bad("a version without its slash", b"GET / HTTP1.1"),
            _bad("a space in the version", b"GET / HTTP/ 1.1"),
            _bad("NUL behind the version", b"GET / HTTP/1.1\0"),
            _bad("a version of digits of full width", "GET / HTTP/１.１".encode()),  # noqa: RUF001 - meant
            _bad("another protocol's name", b"GET / ICAP/1.0"),
            _bad("a name that ends as HTTP does", b"GET / XHTTP/1.1"),
            _bad("a name that begins as HTTP does", b"GET / HTTPS/1.1"),
        ),
    ),
)
