from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.fields import Fields
from gateway.proxy.headers import (
    HOP_BY_HOP,
    end_to_end,
    nominated,
    own_answer,
    request_head,
    response_head,
)
from gateway.replies import problem
from tests.unit.gateway.proxy.heads import request

USUAL: dict[str, Any] = {
    "peer": "192.0.2.7",
    "node_id": "node-1",
    "authority": b"upstream:80",
}


def lines(head: bytes) -> list[bytes]:
    assert head.endswith(b"\r\n\r\n")
    return head.removesuffix(b"\r\n\r\n").split(b"\r\n")


def test_a_request_head_keeps_order_case_and_bytes_and_adds_three_fields() -> None:
    fields = [(b"hOST", b"h"), (b"B", b"\xe9\xff"), (b"a", b""), (b"B", b"2")]

    assert lines(request_head(request(fields, "PATCH", b"//x/%2e?"), **USUAL)) == [
        b"PATCH //x/%2e? HTTP/1.1",
        b"hOST: h",
        b"B: \xe9\xff",
        b"a: ",
        b"B: 2",
        b"X-Forwarded-For: 192.0.2.7",
        b"X-Forwarded-Proto: http",
        b"Via: 1.1 node-1",
    ]


def test_a_clients_forwarded_fields_are_replaced_and_its_via_kept() -> None:
    fields = [(b"Host", b"h"), (b"x-forwarded-FOR", b"1.1.1.1"), (b"X-Forwarded-Proto", b"https")]
    head = lines(request_head(request([*fields, (b"Via", b"1.0 edge")]), **USUAL))

    assert head[2:] == [
        b"Via: 1.0 edge",
        b"X-Forwarded-For: 192.0.2.7",
        b"X-Forwarded-Proto: http",
        b"Via: 1.1 node-1",
    ]


def test_a_request_without_host_gets_the_upstreams() -> None:
    head = lines(request_head(request([], version=(1, 0)), **USUAL))

    assert head[1] == b"Host: upstream:80"
    assert head[-1] == b"Via: 1.0 node-1"


def test_a_body_of_unknown_length_is_chunked() -> None:
    fields = [(b"Host", b"h"), (b"Transfer-Encoding", b"Chunked")]
    head = lines(request_head(request(fields, "POST", length=None), **USUAL))

    assert [line for line in head if b"encoding" in line.lower()] == [b"Transfer-Encoding: chunked"]


def test_an_expectation_ends_here() -> None:
    assert b"100-continue" not in request_head(request([(b"Expect", b"100-continue")]), **USUAL)


def test_every_hop_by_hop_field_stays_here() -> None:
    fields = [(name.upper(), b"x") for name in HOP_BY_HOP]

    assert end_to_end([(b"A", b"1"), *fields, (b"B", b"2")]) == [(b"A", b"1"), (b"B", b"2")]


def test_what_connection_names_stays_here_too() -> None:
    fields = [
        (b"Connection", b"keep-alive, X-One ,x-two"),
        (b"x-one", b"1"),
        (b"X-TWO", b"2"),
        (b"connection", b"X-Three"),
        (b"X-Three", b"3"),
        (b"X-Four", b"4"),
    ]

    assert nominated(fields) >= {b"x-one", b"x-two", b"x-three"}
    assert end_to_end(fields) == [(b"X-Four", b"4")]


def test_connection_cannot_take_away_what_the_message_means() -> None:
    fields = [(b"Connection", b"host, Content-Length"), (b"Host", b"h"), (b"Content-Length", b"5")]

    assert end_to_end(fields) == fields[1:]


def test_connection_cannot_take_away_what_the_node_adds() -> None:
    fields = [(b"Host", b"h"), (b"Connection", b"via, x-forwarded-for, transfer-encoding")]
    head = lines(request_head(request(fields, "GET", length=None), **USUAL))

    assert [line.split(b":")[0] for line in head[1:]] == [
        b"Host",
        b"X-Forwarded-For",
        b"X-Forwarded-Proto",
        b"Via",
        b"Transfer-Encoding",
    ]


def test_an_answers_head_keeps_status_reason_and_fields() -> None:
    fields = [(b"SERVER", b"\xff"), (b"Set-Cookie", b"a"), (b"Keep-Alive", b"5"), (b"Set-Cookie", b"b")]

    assert lines(response_head(299, b"Odd \xe9", fields, [(b"RateLimit", b"x")])) == [
        b"HTTP/1.1 299 Odd \xe9",
        b"SERVER: \xff",
        b"Set-Cookie: a",
        b"Set-Cookie: b",
        b"RateLimit: x",
    ]


def test_an_answer_of_ones_own_is_whole() -> None:
    reply = problem(502, "no")
    whole = own_answer(reply, [(b"Connection", b"close")], head_only=False)
    head, _, body = whole.partition(b"\r\n\r\n")

    assert body == reply.body
    assert lines(head + b"\r\n\r\n") == [
        b"HTTP/1.1 502 Bad Gateway",
        b"Content-Type: application/problem+json",
        b"Cache-Control: no-store",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    ]


def test_an_answer_to_head_tells_the_length_and_sends_nothing() -> None:
    reply = problem(502, "no")

    assert own_answer(reply, [], head_only=True) == own_answer(reply, [], head_only=False)[: -len(reply.body)]


names = st.sampled_from([b"A", b"b", b"Host", b"Connection", b"TE", b"X-Forwarded-For", b"Upgrade", b"Via"])
values = st.binary(max_size=12).map(lambda value: value.translate(None, b"\r\n\0").strip(b" \t"))


@given(st.lists(st.tuples(names, values), max_size=12))
def test_what_goes_on_is_a_subsequence_of_what_came(fields: Fields) -> None:
    passed = end_to_end(fields)
    rest = iter(fields)

    assert all(field in rest for field in passed)
    assert not {name.lower() for name, _ in passed} & (HOP_BY_HOP | nominated(fields))
