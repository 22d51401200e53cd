"""Request targets, in their four forms."""

from tests.corpus.case import HOST, KEY, SMUGGLED, Case, Family, passes, refused, seen

_FIELDS = HOST + KEY + b"\r\n"


def _request(target: bytes, method: bytes = b"GET", fields: bytes = _FIELDS) -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\n" + fields


def _same(name: str, target: bytes) -> Case:
    return passes(name, _request(target), seen(target))


def _bad(name: str, target: bytes, method: bytes = b"GET", fields: bytes = _FIELDS) -> Case:
    return refused(400, name, _request(target, method, fields) + SMUGGLED)


_PORT = b"Host: service.example:8080\r\n" + KEY + b"\r\n"

FAMILIES = (
    Family(
        "targets that go on byte for byte",
        "RFC 9112 §3.2.1; RFC 3986 §6: to normalise is the right of whoever serves the resource",
        (
            _same("an empty query", b"/a?"),
            _same("two question marks", b"/a??b"),
            _same("a path that begins with two slashes", b"//other.example/a"),
            _same("slashes in a row", b"/a///b"),
            _same("dot segments", b"/../a/./b/.."),
            _same("dot segments in escapes", b"/%2e%2e%2f%2E%2E%2F"),
            _same("escapes of escapes", b"/%252e%252e%252f"),
            _same("a dot segment with a parameter", b"/..;/admin"),
            _same("escaped NUL", b"/a%00b"),
            _same("escaped CRLF", b"/a%0d%0aX:%20y"),
            _same("escaped bytes that are not UTF-8", b"/%ff%fe"),
            _same("an over-long encoding of a slash", b"/%c0%af"),
            _same("an escape of two digits that are none", b"/%zz"),
            _same("a percent sign at the end", b"/a%"),
            _same("an escape that is cut", b"/a%2"),
            _same("another server's URL as path", b"/http://other.example/"),
            _same("another server's URL as query", b"/?u=http://other.example/a%23b"),
            _same("an at sign in the path", b"/@other.example"),
            _same("a colon in the path", b"/:80"),
            _same("an asterisk in the path", b"/*"),
            _same("backslashes", b"/\\..\\a"),
            _same("signs that RFC 3986 wants escaped", b"/?a[]={}|\"'<>^`"),
            _same("sub-delimiters", b"/a;b=c,d:@!$&'()*+"),
            _same("both cases of hex digits", b"/%2F%2f%aF"),
            _same("a plus sign and an escaped space", b"/a+b%20c?d+e"),
        ),
    ),
    Family(
        "targets that are none",
        "RFC 9112 §3.2 with RFC 3986 §3: no fragment, no spaces, no controls, nothing above ASCII",
        (
            _bad("a fragment", b"/a#b"),
            _bad("an empty fragment", b"/a#"),
            _bad("a fragment behind a query", b"/a?b#c"),
            _bad("a fragment alone", b"#"),
            _bad("a path without its slash", b"a/b"),
            _bad("a query without a path", b"?a=b"),
            _bad("an escaped slash first", b"%2fa"),
            _bad("a backslash first", b"\\a"),
            _bad("a dot first", b"../a"),
            _bad("an authority for GET", b"service.example:443"),
            _bad("a name for GET", b"service.example"),
            _bad("an asterisk for GET", b"*"),
            _bad("an asterisk for POST", b"*", b"POST"),
            _bad("an asterisk and more", b"*/a", b"OPTIONS"),
            _bad("two asterisks", b"**", b"OPTIONS"),
            _bad("a byte of Latin-1", b"/\xe9"),
            _bad("a letter in UTF-8", "/é".encode()),
            _bad("the lowest byte above ASCII", b"/\x80"),
            _bad("the highest byte", b"/\xff"),
            *(
                _bad(f"the control 0x{control:02x} in a target", b"/a%cb" % control)
                for control in (0x00, 0x01, 0x07, 0x08, 0x0E, 0x1B, 0x1F, 0x7F)
            ),
            refused(400, "a request split by a lone LF in the target", _request(b"/a\nX: y")),
            refused(400, "a request split by a lone CR in the target", _request(b"/a\rX: y")),
            passes("an asterisk for OPTIONS", _request(b"*", b"OPTIONS"), seen(b"*", method=b"OPTIONS")),
        ),
    ),
    Family(
        "targets in absolute form",
        "RFC 9112 §3.2.2: every server must accept it; its host rules, so it must be Host's",
        (
            passes("absolute form", _request(b"http://service.example/a?b"), seen(b"/a?b")),
            passes("absolute form with nothing behind the host", _request(b"http://service.example"), seen()),
            passes(
                "absolute form with a query right behind the host",
                _request(b"http://service.example?a=/b"),
                seen(b"/?a=/b"),
            ),
            passes("a scheme in capitals", _request(b"HTTP://service.example/a"), seen(b"/a")),
            passes("a host in capitals", _request(b"http://SERVICE.EXAMPLE/a"), seen(b"/a")),
            passes(
                "absolute form with Host's port",
                _request(b"http://service.example:8080/a", fields=_PORT),
                seen(b"/a", lines=(b"Host: service.example:8080",)),
            ),
            passes(
                "absolute form keeps dots and slashes",
                _request(b"http://service.example//a/../%2e"),
                seen(b"//a/../%2e"),
            ),
            passes(
                "absolute form for OPTIONS of the server",
                _request(b"http://service.example", b"OPTIONS"),
                seen(b"*", method=b"OPTIONS"),
            ),
            _bad("another host than Host's", b"http://other.example/a"),
            _bad("a host that begins with Host's", b"http://service.example.other.example/a"),
            _bad("a port that Host does not have", b"http://service.example:8080/a"),
            _bad("another port than Host's", b"http://service.example:8081/a", fields=_PORT),
            _bad("no port where Host has one", b"http://service.example/a", fields=_PORT),
            _bad("user information", b"http://user@service.example/a"),
            _bad("user information that looks like a host", b"http://service.example@other.example/"),
            _bad("a backslash before another host", b"http://service.example\\@other.example/"),
            _bad("no host", b"http:///a"),
            _bad("one slash", b"http:/service.example/a"),
            _bad("no slashes", b"http:service.example"),
            _bad("an empty scheme", b"://service.example/a"),
            _bad("a scheme that is not HTTP's", b"ftp://service.example/a"),
            _bad("a file's scheme", b"file:///etc/passwd"),
            _bad("a port that is no number", b"http://service.example:8o/a"),
            _bad("a port too high", b"http://service.example:65536/a"),
            _bad("a fragment behind the host", b"http://service.example#a"),
            _bad("brackets and user information", b"http://[::1]:80@/x"),
            _bad("a space that is escaped in the host", b"http://service%20.example/a"),
            refused(
                400, "absolute form without Host", _request(b"http://service.example/", fields=KEY + b"\r\n")
            ),
        ),
    ),
)
