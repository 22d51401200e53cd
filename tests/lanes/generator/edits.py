"""What an edit puts into a message."""

SIGNS = (
    *(b"\r", b"\n", b"\r\n", b"\n\r", b"\r\n\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\x80", b"\xff"),
    *(b":", b",", b";", b"=", b'"', b"\\", b"/", b"#", b"%", b"?", b"@", b"*", b"[", b"]", b"_", b"-", b"+"),
    *(b"0", b"1", b"5", b"a", b"0x", b"00", b"18446744073709551616", b"9999999999999999999"),
)
HTTP = (
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Host: service.example\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n"),
    *(
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"5;a=b\r\n",
        b"X: y\r\n",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b"GET / HTTP/1.1\r\n",
    ),
)
