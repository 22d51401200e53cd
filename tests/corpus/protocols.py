"""What is not HTTP/1 at all."""

from tests.corpus.case import HOST, KEY, SMUGGLED, Case, Family, refused


def _bad(name: str, sent: bytes) -> Case:
    return refused(400, name, sent)


FAMILIES = (
    Family(
        "other protocols",
        "RFC 9112 §2.2: 400 and close where the request line is none; inter-protocol attacks (Topf, 2001)",
        (
            _bad("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)),
            _bad("TLS of SSL 2", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"),
            refused(505, "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            _bad("frames of HTTP/2 without a preface", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)),
            _bad("a frame of WebSocket", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
            _bad(
                "the PROXY protocol in text",
                b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\nGET / HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
            ),
            _bad("the PROXY protocol in bytes", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12)),
            _bad("SSH", b"SSH-2.0-OpenSSH_9.9\r\n"),
            _bad("SMTP", b"EHLO client.example\r\n"),
            _bad("SMTP in one packet", b"HELO a\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nDATA\r\n"),
            _bad("IMAP", b"a1 LOGIN a b\r\n"),
            _bad("FTP", b"USER anonymous\r\n"),
            _bad("Redis' inline commands", b"FLUSHALL\r\n"),
            _bad("Redis' protocol", b"*1\r\n$4\r\nPING\r\n"),
            _bad("memcached", b"set a 0 0 1\r\n1\r\n"),
            _bad("RTSP", b"OPTIONS rtsp://service.example/a RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
            _bad("SIP", b"OPTIONS sip:a@service.example SIP/2.0\r\n\r\n"),
            _bad("ICAP", b"OPTIONS icap://service.example/a ICAP/1.0\r\n\r\n"),
            _bad("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + SMUGGLED),
            _bad("SOCKS 4", b"\x04\x01\x00\x50\xc0\x00\x02\x01\x00"),
            _bad("SOCKS 5", b"\x05\x01\x00"),
            _bad(
                "a request for a remote desktop",
                b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
            ),
            _bad(
                "DNS over TCP",
                b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x00\x00\x01\x00\x01",
            ),
            _bad("noughts", bytes(64)),
            _bad("bytes above ASCII and a line end", b"\xff\xfe\xfd\r\n"),
            _bad("a script", b"<script>alert(1)</script>\r\n\r\n"),
            _bad("JSON", b'{"method": "GET"}\r\n\r\n'),
            _bad("a line of text", b"hello\r\n\r\n"),
            _bad("gopher", b"/a\r\n"),
            _bad("HTTP/0.9", b"GET /\r\n"),
            _bad("Gemini", b"gemini://service.example/\r\n"),
        ),
    ),
)
