"""Requests as they were published with attacks, whole."""

from tests.corpus.case import (
    CHUNKED,
    GET,
    HOST,
    KEY,
    POST,
    SMUGGLED,
    Case,
    Family,
    broken,
    passes,
    posted,
    refused,
    seen,
)

_GPOST = b"0\r\n\r\nG"


def _te_te(name: str, lines: bytes) -> Case:
    return refused(
        400, name, POST + b"Content-Length: 4\r\n" + lines + b"\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n"
    )


FAMILIES = (
    Family(
        "CL.TE and TE.CL",
        "Kettle: HTTP Desync Attacks: Request Smuggling Reborn (2019)",
        (
            refused(
                400,
                "CL.TE: the end of the chunks is the next request's beginning",
                POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + _GPOST,
            ),
            refused(
                400,
                "CL.TE: a whole request behind the chunks",
                POST
                + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%b"
                % (5 + len(SMUGGLED), SMUGGLED),
            ),
            refused(
                400,
                "CL.TE: told apart by time",
                POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1\r\nZ\r\nQ",
            ),
            refused(
                400,
                "TE.CL: a request in a chunk",
                POST
                + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
                % (len(SMUGGLED), SMUGGLED),
            ),
            refused(
                400,
                "TE.CL: told apart by time",
                POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
            ),
            refused(
                400,
                "CL.TE in a GET",
                GET + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + _GPOST,
            ),
        ),
    ),
    Family(
        "TE.TE",
        "Kettle (2019) and his list of 2019-2020 in HTTP Request Smuggler; Davison: HAProxy's \\x0b (2019)",
        (
            _te_te("TE.TE: xchunked", b"Transfer-Encoding: xchunked"),
            _te_te("TE.TE: a space before the colon", b"Transfer-Encoding : chunked"),
            _te_te(
                "TE.TE: two lines, the second unknown", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x"
            ),
            _te_te(
                "TE.TE: two lines, the first unknown", b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked"
            ),
            _te_te("TE.TE: a tab behind the colon", b"Transfer-Encoding:\tchunked"),
            _te_te("TE.TE: a vertical tab behind the colon", b"Transfer-Encoding:\x0bchunked"),
            _te_te("TE.TE: a space before the name", b" Transfer-Encoding: chunked"),
            _te_te("TE.TE: a lone LF before the name", b"X: X\nTransfer-Encoding: chunked"),
            _te_te("TE.TE: a line break before the colon", b"Transfer-Encoding\r\n: chunked"),
            _te_te("TE.TE: a value of two words", b"Transfer-Encoding: chunked bar"),
            _te_te("TE.TE: a name in two cases", b"tRANSFER-ENCODING: chunked"),
            _te_te("TE.TE: a folded value", b"Transfer-Encoding:\r\n chunked"),
            _te_te("TE.TE: an escaped letter", b"Transfer-Encoding: chun\\ked"),
        ),
    ),
    Family(
        "CL.0 and 0.CL",
        "Kettle: Browser-Powered Desync Attacks (2022); HTTP/1.1 must die: the desync endgame (2025)",
        (
            passes(
                "CL.0: a body that is a request stays a body",
                POST + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED),
                posted(SMUGGLED),
            ),
            passes(
                "CL.0: a GET with a body that is a request",
                b"GET /static/a.css HTTP/1.1\r\n"
                + HOST
                + KEY
                + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED),
                seen(b"/static/a.css", body=SMUGGLED),
            ),
            passes(
                "CL.0: a HEAD with a body that is a request, and the next one",
                b"HEAD / HTTP/1.1\r\n"
                + HOST
                + KEY
                + b"Content-Length: %d\r\n\r\n%b%b" % (len(SMUGGLED), SMUGGLED, GET + b"\r\n"),
                seen(method=b"HEAD", body=SMUGGLED),
                seen(),
            ),
            passes(
                "CL.0: OPTIONS with a body that is a request",
                b"OPTIONS / HTTP/1.1\r\n"
                + HOST
                + KEY
                + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED),
                seen(method=b"OPTIONS", body=SMUGGLED),
            ),
            passes(
                "CL.0: a body in chunks that is a request",
                CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
                posted(SMUGGLED),
            ),
            passes(
                "CL.0: an offer to switch with a body that is a request",
                POST
                + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n%b"
                % (len(SMUGGLED), SMUGGLED),
                posted(SMUGGLED, absent=(b"upgrade",)),
            ),
            refused(
                400,
                "0.CL: a length on a folded line",
                GET + b"X: y\r\n Content-Length: 7\r\n\r\nGET /404 HTTP/1.1\r\nX: y" + SMUGGLED,
            ),
            refused(
                400,
                "0.CL: a length with a space before its colon",
                GET + b"Content-Length : 7\r\n\r\nGET /40" + SMUGGLED,
            ),
            refused(
                400,
                "0.CL: a length that begins with a line break",
                GET + b"Content-Length:\r\n 7\r\n\r\nGET /40" + SMUGGLED,
            ),
            refused(
                417,
                "0.CL: an expectation in disguise",
                GET + b"Expect: y 100-continue\r\nContent-Length: 7\r\n\r\nGET /40" + SMUGGLED,
            ),
            passes(
                "a length of none beside a request in the same segment",
                POST + b"Content-Length: 0\r\n\r\n" + GET + b"\r\n",
                posted(),
                seen(),
            ),
        ),
    ),
    Family(
        "chunks read in two ways",
        "Weikop: Funky Chunks (2025), whose names the cases have; CVE-2025-43859 (h11), CVE-2025-22871 (Go); "
        "Jabiyev et al.: T-Reqs (2021)",
        (
            broken(
                400,
                "TERM.EXT: LF ends an extension for one of two",
                CHUNKED + b"2;\nxx\r\n%x\r\n0\r\n\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED) + 5, SMUGGLED),
            ),
            broken(
                400,
                "EXT.TERM: LF in an extension hides a request",
                CHUNKED + b"%x;\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
            ),
            broken(
                400,
                "TERM.SPILL: LF ends a chunk for one of two",
                CHUNKED + b"5\r\nAAAAA\n%x\r\n0\r\n\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED) + 5, SMUGGLED),
            ),
            broken(
                400,
                "SPILL.TERM: a chunk that is longer than it says",
                CHUNKED + b"5\r\nAAAAAX2\r\n45\r\n0\r\n\r\n%b" % SMUGGLED,
            ),
            broken(
                400,
                "ONE.TWO: one byte where a chunk's two should be",
                CHUNKED + b"2\r\nxx\n%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
            ),
            broken(
                400,
                "TWO.ONE: two bytes of any kind behind a chunk",
                CHUNKED + b"2\r\nxx450\r\n\r\n%b" % SMUGGLED,
            ),
            broken(
                400,
                "a size that one of two reads to its first sign",
                CHUNKED + b"0_2e\r\n\r\n%b\r\n0\r\n\r\n" % SMUGGLED,
            ),
            broken(
                400,
                "a size of hex for one, and of 0 and an extension for another",
                CHUNKED + b"0x2e\r\n\r\n%b\r\n0\r\n\r\n" % SMUGGLED,
            ),
        ),
    ),
    Family(
        "request lines read in two ways",
        "Kettle: HTTP/2: The Sequel is Always Worse (2021); Jabiyev et al.: T-Reqs (2021); "
        "Tsai: A New Era of SSRF (2017)",
        (
            refused(
                400,
                "a request split by CRLF in the target's place",
                b"GET / HTTP/1.1\r\nX: y HTTP/1.1\r\n" + HOST + KEY + b"GET /admin HTTP/1.1\r\n\r\n",
            ),
            refused(
                400,
                "a target that holds a whole request",
                b"GET /%20HTTP/1.1\rHost:x / HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
            ),
            refused(
                400,
                "absolute form that routes elsewhere than Host",
                b"GET http://internal.example/admin HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
            ),
            refused(
                400,
                "absolute form whose user information is a host",
                b"GET http://service.example@internal.example/admin HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
            ),
            refused(
                400,
                "an authority that a path's reader takes for a prefix",
                b"GET @internal.example/admin HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
            ),
            refused(400, "a port that is a path", b"GET :80/admin HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
            refused(
                505,
                "HTTP/1.2, which some filters did not look into",
                b"POST / HTTP/1.2\r\n" + HOST + KEY + b"Content-Length: 5\r\n\r\nhello",
            ),
            refused(
                505,
                "the preface of HTTP/2 without TLS",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            ),
        ),
    ),
)
