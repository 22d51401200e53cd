"""The Host field."""

from tests.corpus.case import HOST, KEY, SMUGGLED, Case, Family, passes, refused, seen

_LINE = b"GET / HTTP/1.1\r\n"
_OLD = b"GET / HTTP/1.0\r\n"


def _good(name: str, host: bytes) -> Case:
    return passes(name, _LINE + b"Host: " + host + b"\r\n" + KEY + b"\r\n", seen(lines=(b"Host: " + host,)))


def _bad(name: str, host: bytes) -> Case:
    return refused(400, name, _LINE + b"Host: " + host + b"\r\n" + KEY + b"\r\n" + SMUGGLED)


FAMILIES = (
    Family(
        "how many Hosts",
        "RFC 9112 §3.2: 400 for HTTP/1.1 without one, for several and for one that is not valid",
        (
            refused(400, "no Host", _LINE + KEY + b"\r\n" + SMUGGLED),
            refused(400, "the same Host twice", _LINE + HOST + HOST + KEY + b"\r\n" + SMUGGLED),
            refused(400, "two Hosts", _LINE + HOST + b"Host: other.example\r\n" + KEY + b"\r\n"),
            refused(400, "two Hosts far apart", _LINE + HOST + KEY + b"X: y\r\nhost: other.example\r\n\r\n"),
            refused(400, "two Hosts in HTTP/1.0", _OLD + HOST + b"Host: other.example\r\n" + KEY + b"\r\n"),
            refused(400, "a Host and an empty one", _LINE + HOST + b"Host:\r\n" + KEY + b"\r\n"),
            refused(400, "a Host with a space before its colon", _LINE + b"Host : a\r\n" + KEY + b"\r\n"),
            refused(400, "a Host that is folded", _LINE + b"Host:\r\n service.example\r\n" + KEY + b"\r\n"),
            refused(400, "a second Host by a lone CR", _LINE + HOST + b"X: y\rHost: a\r\n" + KEY + b"\r\n"),
            passes("HTTP/1.0 with Host", _OLD + HOST + KEY + b"\r\n", seen(lines=(HOST[:-2],))),
            passes("HTTP/1.0 without Host", _OLD + KEY + b"\r\n", seen()),
            passes(
                "Host in small letters",
                _LINE + b"host: a.example\r\n" + KEY + b"\r\n",
                seen(lines=(b"host: a.example",)),
            ),
            passes(
                "Host in capitals",
                _LINE + b"HOST: a.example\r\n" + KEY + b"\r\n",
                seen(lines=(b"HOST: a.example",)),
            ),
            passes(
                "Host without a space",
                _LINE + b"Host:a.example\r\n" + KEY + b"\r\n",
                seen(lines=(b"Host: a.example",)),
            ),
            passes(
                "Host with tabs around",
                _LINE + b"Host:\t a.example \t\r\n" + KEY + b"\r\n",
                seen(lines=(b"Host: a.example",)),
            ),
            passes(
                "Host behind all others", _LINE + KEY + b"X: y\r\n" + HOST + b"\r\n", seen(lines=(HOST[:-2],))
            ),
        ),
    ),
    Family(
        "what a Host is",
        "RFC 9110 §7.2 = uri-host [: port], narrowed to what no router or template reads in two ways",
        (
            _good("a Host with a port", b"service.example:8080"),
            _good("a Host with the highest port", b"service.example:65535"),
            _good("a Host of one label", b"localhost"),
            _good("a Host with a dot at its end", b"service.example."),
            _good("a Host with an underscore", b"my_service.example"),
            _good("a Host in both cases goes on as it came", b"SerVice.Example"),
            _good("a Host in the ASCII of IDNA", b"xn--bcher-kva.example"),
            _good("a Host of IPv4", b"192.0.2.1"),
            _good("a Host of IPv4 with a port", b"192.0.2.1:80"),
            _good("a Host of IPv6", b"[2001:db8::1]"),
            _good("a Host of IPv6 with a port", b"[::1]:8080"),
            _good("a Host of IPv6 with IPv4 in it", b"[::ffff:192.0.2.1]"),
            _bad("an empty Host", b""),
            _bad("a Host of spaces", b"  "),
            _bad("a port without a Host", b":80"),
            _bad("a list of Hosts", b"service.example, other.example"),
            _bad("two words", b"service.example other.example"),
            _bad("a Host with a tab within", b"service.example\tother.example"),
            _bad("a Host with user information", b"user@service.example"),
            _bad("a Host with a password", b"user:word@service.example"),
            _bad("a Host with a path", b"service.example/a"),
            _bad("a Host with a query", b"service.example?a"),
            _bad("a Host with a fragment", b"service.example#a"),
            _bad("a Host with a scheme", b"http://service.example"),
            _bad("a Host with a backslash", b"service.example\\a"),
            _bad("a Host in quotes", b'"service.example"'),
            _bad("a Host with an escape", b"service%2eexample"),
            _bad("a Host with a semicolon", b"service.example;a"),
            _bad("a Host with a dollar sign", b"service.example$"),
            _bad("a Host with braces", b"{service}.example"),
            _bad("a Host with an asterisk", b"*.example"),
            _bad("a Host with an apostrophe", b"service'.example"),
            _bad("a Host above ASCII", "bücher.example".encode()),
            _bad("a Host with NUL", b"service.example\0"),
            _bad("a Host with a control", b"service\x1f.example"),
            _bad("a port of letters", b"service.example:http"),
            _bad("a port below none", b"service.example:-1"),
            _bad("a port with a sign", b"service.example:+80"),
            _bad("a port one too high", b"service.example:65536"),
            _bad("a port that overflows", b"service.example:18446744073709551696"),
            _bad("a port in hex", b"service.example:0x50"),
            _bad("two ports", b"service.example:80:80"),
            _bad("a space before the port", b"service.example: 80"),
            _bad("IPv6 without brackets", b"2001:db8::1"),
            _bad("IPv6 with one bracket", b"[::1"),
            _bad("IPv6 with brackets the wrong way round", b"]::1["),
            _bad("IPv6 and more behind its bracket", b"[::1]a"),
            _bad("IPv6 with two gaps", b"[1::2::3]"),
            _bad("IPv6 with nine groups", b"[1:2:3:4:5:6:7:8:9]"),
            _bad("IPv6 with a group of five digits", b"[2001:db8::12345]"),
            _bad("IPv6 with a zone", b"[fe80::1%25eth0]"),
            _bad("IPv4 in brackets", b"[192.0.2.1]"),
            _bad("a name in brackets", b"[service.example]"),
            _bad("an address of a version to come", b"[v1.a]"),
            _bad("empty brackets", b"[]"),
        ),
    ),
)
