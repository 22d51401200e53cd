import pytest

from gateway.proxy.grammar import Malformed, check_request

HOST = (b"Host", b"a.example:80")
TE = b"Transfer-Encoding"
Fields = list[tuple[bytes, bytes]]

PASS: list[tuple[str, bytes, tuple[int, int], Fields]] = [
    ("GET", b"/", (1, 1), [HOST]),
    ("GET", b"/", (1, 0), []),
    ("OPTIONS", b"*", (1, 1), [HOST]),
    ("POST", b"/", (1, 1), [HOST, (TE, b"chunked")]),
    ("POST", b"/", (1, 1), [HOST, (b"transfer-ENCODING", b" Chunked ")]),
    ("GET", b"http://A.example:80/x?y", (1, 1), [HOST]),
    ("GET", b"HTTP://a.example:80", (1, 1), [HOST]),
    ("GET", b"/http://b/", (1, 1), [HOST]),
    *(("GET", b"/", (1, 1), [(b"Host", host)]) for host in (b"", b"a:", b"[::1]:80", b"a_b.c", b"10.0.0.1")),
]


@pytest.mark.parametrize(("method", "target", "version", "fields"), PASS)
def test_an_unambiguous_request_passes(
    method: str, target: bytes, version: tuple[int, int], fields: Fields
) -> None:
    check_request(method, target, version, fields)


REFUSED: list[tuple[int, str, bytes, tuple[int, int], Fields]] = [
    (505, "GET", b"/", (2, 0), [HOST]),
    (505, "GET", b"/", (0, 9), [HOST]),
    (501, "CONNECT", b"a:443", (1, 1), [HOST]),
    (501, "TRACE", b"/", (1, 1), [HOST]),
    (400, "POST", b"/", (1, 0), [HOST, (TE, b"chunked")]),
    (501, "POST", b"/", (1, 1), [HOST, (TE, b"gzip, chunked")]),
    (501, "POST", b"/", (1, 1), [HOST, (TE, b"")]),
    (501, "POST", b"/", (1, 1), [HOST, (TE, b"chunked"), (TE, b"chunked")]),
    (400, "GET", b"http://b.example/", (1, 1), [HOST]),
    (400, "GET", b"http://a.example/", (1, 1), [HOST]),
    (400, "GET", b"http://user@a.example:80/", (1, 1), [HOST]),
    (400, "GET", b"http://a.example/", (1, 0), []),
    (400, "GET", b"/", (1, 1), [HOST, HOST]),
    *(
        (400, "GET", b"/", (1, 1), [(b"Host", host)])
        for host in (b"a, b", b"a,b", b"a@b", b"a/b", b"a b", b"a?")
    ),
    (501, "POST", b"/", (1, 1), [HOST, (TE, b"\x0bchunked")]),
]


@pytest.mark.parametrize(("status", "method", "target", "version", "fields"), REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(
    status: int, method: str, target: bytes, version: tuple[int, int], fields: Fields
) -> None:
    with pytest.raises(Malformed) as refusal:
        check_request(method, target, version, fields)

    assert refusal.value.status == status
